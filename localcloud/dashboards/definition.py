"""A dashboard's body as typed widgets.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from localcloud.console import LocalCloudError

DEFAULT_RANGE = timedelta(hours=3)
"""What the console shows where a dashboard says nothing (`start` in the document above)."""

_DEFAULT_PERIOD, _DEFAULT_STATISTIC = 300, "Average"
_RELATIVE = re.compile(r"-?P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a widget is on the grid of 24 columns; rows and columns count from 0."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Text:
    place: Place
    markdown: str


@dataclass(frozen=True, kw_only=True)
class AlarmStates:
    place: Place
    title: str
    arns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A query that is shown, or that only others compute with. `query` is a MetricDataQuery."""

    query: Mapping[str, Any]
    label: str
    shown: bool
    right: bool


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A horizontal line, such as an alarm's threshold."""

    value: float
    label: str
    right: bool


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """`single`: the latest value of each line, instead of a plot. `back`: a time range of its own."""

    place: Place
    title: str
    region: str
    single: bool
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    back: timedelta | None


Widget = Text | AlarmStates | Metrics


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """`back`: how much of the past it shows."""

    name: str
    back: timedelta
    widgets: tuple[Widget, ...]


def read(name: str, body: Mapping[str, Any]) -> Dashboard:
    """Raises LocalCloudError for a widget of a kind that is not drawn here."""
    return Dashboard(
        name=name,
        back=_relative(body.get("start")) or DEFAULT_RANGE,
        widgets=tuple(_widget(widget) for widget in body["widgets"]),
    )


def _widget(widget: Mapping[str, Any]) -> Widget:
    place = Place(x=widget["x"], y=widget["y"], width=widget["width"], height=widget["height"])
    properties = widget["properties"]
    match widget["type"]:
        case "text":
            return Text(place=place, markdown=properties["markdown"])
        case "alarm":
            return AlarmStates(place=place, title=properties.get("title", ""), arns=tuple(properties["alarms"]))
        case "metric":
            return _metrics(place, properties)
    raise LocalCloudError(f"a widget of the type {widget['type']!r} is not drawn here", remedy="look at it on AWS")


def _metrics(place: Place, properties: Mapping[str, Any]) -> Metrics:
    view = properties.get("view", "timeSeries")
    if view not in ("timeSeries", "singleValue"):
        raise LocalCloudError(f"the view {view!r} of a widget is not drawn here", remedy="look at it on AWS")
    return Metrics(
        place=place,
        title=properties.get("title", ""),
        region=properties["region"],
        single=view == "singleValue",
        lines=tuple(_line(number, row, properties) for number, row in enumerate(properties.get("metrics", []))),
        marks=tuple(_marks(properties)),
        back=_relative(properties.get("start")),
    )


def _line(number: int, row: Sequence[Any], properties: Mapping[str, Any]) -> Line:
    options: Mapping[str, Any] = row[-1] if isinstance(row[-1], Mapping) else {}
    words = [word for word in row if isinstance(word, str)]
    if any(set(word) == {"."} for word in words):
        raise LocalCloudError(
            "a widget repeats the row before it by dots, which is not read here", remedy="write it out"
        )
    period = options.get("period", properties.get("period", _DEFAULT_PERIOD))
    shown = options.get("visible", True)
    query: dict[str, Any] = {"Id": options.get("id", f"line{number}"), "ReturnData": shown}
    if "expression" in options:
        query |= {"Expression": options["expression"], "Period": period}
    else:
        namespace, name, *dimensions = words
        metric = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [
                {"Name": key, "Value": value} for key, value in zip(dimensions[::2], dimensions[1::2], strict=True)
            ],
        }
        statistic = options.get("stat", properties.get("stat", _DEFAULT_STATISTIC))
        query["MetricStat"] = {"Metric": metric, "Period": period, "Stat": statistic}
    label = options.get("label") or (words[1] if len(words) > 1 else query["Id"])
    return Line(query=query, label=label, shown=shown, right=options.get("yAxis") == "right")


def _marks(properties: Mapping[str, Any]) -> list[Mark]:
    horizontal = properties.get("annotations", {}).get("horizontal", [])
    return [
        Mark(value=mark["value"], label=mark.get("label", ""), right=mark.get("yAxis") == "right")
        for mark in horizontal
    ]


def _relative(written: str | None) -> timedelta | None:
    """How far back `-PT3H` is. Raises LocalCloudError for a date, which a dashboard may have, too."""
    if written is None:
        return None
    found = _RELATIVE.fullmatch(written)
    if not found:
        raise LocalCloudError(f"a dashboard starts at {written!r}", remedy="only -P<n>D and -PT<n>H are read here")
    return timedelta(**{unit: int(number) for unit, number in found.groupdict(default="0").items()})
