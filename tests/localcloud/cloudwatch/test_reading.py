"""GetMetricData over a store, without the API around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator.cloudwatch.math_parser import MathError
from localcloud.emulator.cloudwatch.metrics import Aggregate, metric_of
from localcloud.emulator.cloudwatch.queries import QueryError
from localcloud.emulator.cloudwatch.reading import get_metric_data
from localcloud.emulator.cloudwatch.store import MetricStore

_HERE = ("000000000000", "us-east-1")
_START = 1_800_000_000 // 3600 * 3600


@pytest.fixture
def store(tmp_path: Path) -> MetricStore:
    found = MetricStore(tmp_path / "metrics.sqlite")
    for minute in range(10):
        found.put(
            _HERE, metric_of("App", "Hits", []), Aggregate.of({1.0: 1.0}), unit="Count", when=_START + 60 * minute
        )
    return found


def hits(identifier: str, period: int, *, returned: bool = True) -> dict[str, Any]:
    metric = {"Namespace": "App", "MetricName": "Hits"}
    stat = {"Metric": metric, "Period": period, "Stat": "Sum"}
    return {"Id": identifier, "MetricStat": stat, "ReturnData": returned}


def asked(store: MetricStore, *queries: dict[str, Any]) -> dict[str, list[float]]:
    request = {
        "MetricDataQueries": queries,
        "StartTime": _START,
        "EndTime": _START + 600,
        "ScanBy": "TimestampAscending",
    }
    return {one["Id"]: one["Values"] for one in get_metric_data(store, _HERE, request)["MetricDataResults"]}


def test_queries_of_one_request_may_have_different_periods(store: MetricStore) -> None:
    double = {"Id": "double", "Expression": "2 * slow"}
    got = asked(store, hits("fast", 60), hits("slow", 300, returned=False), double)
    assert got == {"fast": [1.0] * 10, "double": [10.0, 10.0]}


def test_an_expression_that_mixes_periods_is_refused(store: MetricStore) -> None:
    with pytest.raises(QueryError, match=r"not with \[60, 300\] seconds"):
        asked(store, hits("fast", 60), hits("slow", 300), {"Id": "sum", "Expression": "fast + slow"})


def test_an_expression_over_all_metrics_sees_them_all(store: MetricStore) -> None:
    total = {"Id": "total", "Expression": "SUM(METRICS())"}
    assert asked(store, hits("a", 300, returned=False), hits("b", 300, returned=False), total) == {
        "total": [10.0, 10.0]
    }


def test_an_unknown_id_is_named(store: MetricStore) -> None:
    with pytest.raises(MathError, match="no expression with the id 'gone'"):
        asked(store, {"Id": "sum", "Expression": "gone + 1", "Period": 60})
