"""Metrics as lines on standard output, in CloudWatch's embedded metric format: no call, no permission, no agent.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

Unit = Literal["Count", "Seconds", "Milliseconds", "Bytes", "Percent", "Count/Second", "Bytes/Second", "None"]
"""Those of CloudWatch's that we need; dollars have none, they are `None`."""

MAX_DIMENSIONS = 30
"""In one set, the format's limit."""

MAX_METRICS = 100
"""In one line, the format's limit."""

MAX_DIMENSION_LENGTH = 1024
"""Characters of a dimension's value, CloudWatch's limit."""


@dataclass(frozen=True)
class Metric:
    """One figure. Raises ValueError for a name that cannot be one and for a value that is not finite."""

    name: str
    value: float
    unit: Unit = "Count"

    def __post_init__(self) -> None:
        if not self.name or self.name == "_aws":
            raise ValueError(f"no metric can be called {self.name!r}")
        if not math.isfinite(self.value):
            raise ValueError(f"{self.name} is {self.value}: CloudWatch takes finite values only")


def publish(
    *metrics: Metric, dimensions: Mapping[str, str] | None = None, total: bool = False, **counts: float
) -> None:
    """One line with these metrics, and with `counts` as metrics that count, in `SpendSmart/<environment>`; without
    PUBLISH_METRICS a line that CloudWatch takes for any other.

    `dimensions` are the figures' own: `Engine=local` is another metric in CloudWatch than `Engine=openai`, and than
    the one without dimensions, which is published too with `total`. Their values must be few, as each is billed as a
    metric: never a user's or a receipt's id. Raises ValueError for what CloudWatch would drop without a word.
    """
    published = [*metrics, *(Metric(name, value) for name, value in counts.items())]
    named = dict(dimensions or {})
    _check(published, named)
    directive = {
        "Namespace": f"SpendSmart/{settings.ENVIRONMENT}",
        "Dimensions": [list(named), []] if named and total else [list(named)],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in published],
    }
    line: dict[str, Any] = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}
    if not settings.PUBLISH_METRICS:
        line = {"metrics": directive["Namespace"]}
    print(json.dumps({**line, **named, **{metric.name: metric.value for metric in published}}), flush=True)


def _check(metrics: Iterable[Metric], dimensions: Mapping[str, str]) -> None:
    figures = [metric.name for metric in metrics]
    names = [*dimensions, *figures]
    if len(dimensions) > MAX_DIMENSIONS:
        raise ValueError(f"{len(dimensions)} dimensions; at most {MAX_DIMENSIONS}")
    if not 0 < len(figures) <= MAX_METRICS:
        raise ValueError(f"{len(figures)} metrics in a line; 1 to {MAX_METRICS}")
    if len(set(names)) < len(names):
        raise ValueError(f"a name stands twice among {', '.join(names)}")
    for name, value in dimensions.items():
        usable = isinstance(value, str) and value.strip() and len(value) <= MAX_DIMENSION_LENGTH and value.isascii()
        if not name or name.startswith(":") or name == "_aws" or not usable:
            raise ValueError(f"no dimension can be {name}={value!r}")
