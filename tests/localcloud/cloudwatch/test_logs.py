"""Metrics out of log events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator.cloudwatch import log_metrics
from localcloud.emulator.cloudwatch.log_metrics import Figure, MetricFilters
from localcloud.emulator.cloudwatch.log_patterns import LogEvent, PatternError, compiled

from .examples import rows

_EVENTS = json.loads((Path(__file__).parent / "data" / "filter_patterns.json").read_text())["events"]
_MINUTE = 1_800_000_000 // 60 * 60


@pytest.mark.parametrize("row", rows("filter_patterns"), ids=lambda row: row["pattern"] or "everything")
def test_patterns_match_what_the_guide_says(row: dict[str, Any]) -> None:
    matcher = compiled(row["pattern"])
    assert [name for name, message in _EVENTS.items() if matcher(LogEvent.of(message))] == row["matches"]


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = }",
        "{ level = 1 }",
        "{ $.a = 1",
        "{ $.a > x }",
        "{ $.a LIKE 1 }",
        "{ $.a = 1 } x",
        "[a, b",
        '"open',
        "%(%",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern)


def line(**members: Any) -> LogEvent:
    return LogEvent.of(json.dumps(members))


def found(figures: Any) -> list[tuple[str, tuple[tuple[str, str], ...], float, float]]:
    listed: list[Figure] = list(figures)
    return [(one.metric.name, one.metric.dimensions, one.values.total, one.values.count) for one in listed]


def metric_filter(pattern: str, **transformation: Any) -> dict[str, Any]:
    made = {"metricName": "Found", "metricNamespace": "App", "metricValue": "1", **transformation}
    return {
        "logGroupName": "group", "filterName": "filter", "filterPattern": pattern, "metricTransformations": [made],
    }  # fmt: skip


def test_a_metric_filter_counts_matches_or_takes_their_values() -> None:
    events = [
        (line(level="error", ms=12.5), _MINUTE),
        (line(level="info", ms=7), _MINUTE),
        (line(level="error"), _MINUTE),
    ]
    pattern = '{ $.level = "error" }'
    assert found(MetricFilters().figures(metric_filter(pattern), events)) == [("Found", (), 1, 1)] * 2
    assert found(MetricFilters().figures(metric_filter(pattern, metricValue="$.ms"), events)) == [
        ("Found", (), 12.5, 1)
    ]
    by_level = metric_filter("", dimensions={"Level": "$.level"})
    assert found(MetricFilters().figures(by_level, events))[1] == ("Found", (("Level", "info"),), 1, 1)


def test_the_fields_of_a_line_are_values_too() -> None:
    asked = metric_filter("[..., status = 4*, bytes]", metricValue="$bytes", dimensions={"Status": "$status"})
    assert found(MetricFilters().figures(asked, [(LogEvent.of(_EVENTS["access"]), _MINUTE)])) == [
        ("Found", (("Status", "404"),), 1534, 1)
    ]


def test_a_default_value_stands_for_a_minute_without_matches() -> None:
    filters, asked = MetricFilters(), metric_filter("ERROR", defaultValue=0)
    for second, result in ((0, [0]), (30, []), (60, [0])):
        events = [(LogEvent.of("all is well"), float(_MINUTE + second))]
        assert [total for _, _, total, _ in found(filters.figures(asked, events))] == result
    assert found(filters.figures(asked, [(LogEvent.of("ERROR"), _MINUTE + 120.0)])) == [("Found", (), 1, 1)]
    assert found(filters.figures(asked, [])) == []


def test_the_embedded_metric_format_gives_a_metric_for_each_set_of_dimensions() -> None:
    directive = {
        "Namespace": "App",
        "Dimensions": [["Service"], ["Service", "Missing"], []],
        "Metrics": [{"Name": "Time", "Unit": "Milliseconds", "StorageResolution": 1}, {"Name": "Absent"}],
    }
    head = {"Timestamp": _MINUTE * 1000 + 500, "CloudWatchMetrics": [directive]}
    figures = list(log_metrics.embedded(line(_aws=head, Service="web", Time=[1, 2.5, 1]), 0))
    assert found(figures) == [("Time", (("Service", "web"),), 4.5, 3), ("Time", (), 4.5, 3)]
    assert {(one.unit, one.when, one.resolution) for one in figures} == {("Milliseconds", _MINUTE + 0.5, 1)}


@pytest.mark.parametrize(
    "members",
    [
        {"_aws": {"CloudWatchMetrics": [{"Namespace": "App"}]}},
        {"_aws": {"CloudWatchMetrics": "x"}},
        {
            "_aws": {"CloudWatchMetrics": [{"Namespace": "A", "Dimensions": [[]], "Metrics": [{"Name": "x"}]}]},
            "x": "text",
        },
        {"CloudWatchMetrics": []},
    ],
)
def test_what_breaks_the_format_is_no_metric(members: dict[str, Any]) -> None:
    assert list(log_metrics.embedded(line(**members), 0)) == []
