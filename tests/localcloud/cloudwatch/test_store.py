"""The store of published values."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.emulator.cloudwatch.metrics import Aggregate, metric_of
from localcloud.emulator.cloudwatch.store import MINUTES_KEPT, SECONDS_KEPT, MetricStore

_HERE = ("000000000000", "us-east-1")
_START = 1_800_000_000 // 3600 * 3600
_METRIC = metric_of("App", "Latency", [{"Name": "Service", "Value": "web"}])


@pytest.fixture
def store(tmp_path: Path) -> MetricStore:
    return MetricStore(tmp_path / "metrics.sqlite")


def value(of: float) -> Aggregate:
    return Aggregate.of({of: 1.0})


def sums(store: MetricStore, *, period: int, unit: str | None = None, end: int = _START + 3600) -> dict[int, float]:
    found = store.read(_HERE, _METRIC, start=_START, end=end, period=period, unit=unit)
    return {start - _START: aggregate.total for start, aggregate in found.items()}


def test_values_are_summed_by_period(store: MetricStore) -> None:
    for second in range(0, 180, 30):
        store.put(_HERE, _METRIC, value(1), unit="Count", when=_START + second)
    assert sums(store, period=60) == {0: 2, 60: 2, 120: 2}
    assert sums(store, period=120) == {0: 4, 120: 2}
    assert sums(store, period=60, end=_START + 120) == {0: 2, 60: 2}, "the end does not belong to it"


def test_high_resolution_counts_at_its_second_standard_resolution_at_its_minute(store: MetricStore) -> None:
    store.put(_HERE, _METRIC, value(1), unit="Count", when=_START + 35, resolution=1)
    store.put(_HERE, _METRIC, value(10), unit="Count", when=_START + 35)
    assert sums(store, period=10) == {0: 10, 30: 1}
    assert sums(store, period=60) == {0: 11}


def test_dimensions_region_and_unit_make_different_metrics(store: MetricStore) -> None:
    store.put(_HERE, _METRIC, value(1), unit="Count", when=_START)
    store.put(_HERE, metric_of("App", "Latency", []), value(10), unit="Count", when=_START)
    store.put((_HERE[0], "us-west-2"), _METRIC, value(100), unit="Count", when=_START)
    store.put(_HERE, _METRIC, value(1000), unit="Seconds", when=_START)
    assert sums(store, period=60, unit="Count") == {0: 1}
    assert sums(store, period=60, unit="Seconds") == {0: 1000}
    assert sums(store, period=60) == {0: 1001}


def test_the_file_keeps_values_and_their_distribution(tmp_path: Path) -> None:
    first = MetricStore(tmp_path / "metrics.sqlite")
    first.put(_HERE, _METRIC, Aggregate.of({1.0: 3.0, 5.0: 1.0}), unit="Count", when=_START)
    first.flush()
    first.put(_HERE, _METRIC, value(7), unit="Count", when=_START)
    first.close()
    again = MetricStore(tmp_path / "metrics.sqlite")
    again.put(_HERE, _METRIC, value(5), unit="Count", when=_START + 59)
    [aggregate] = again.read(_HERE, _METRIC, start=_START, end=_START + 60, period=60).values()
    assert aggregate == Aggregate(6.0, 20.0, 1.0, 7.0, {1.0: 3.0, 5.0: 2.0, 7.0: 1.0})
    assert again.metrics(_HERE) == [_METRIC]


def test_old_seconds_become_minutes_and_old_minutes_go(store: MetricStore) -> None:
    for second in (5, 65, 70):
        store.put(_HERE, _METRIC, value(1), unit="Count", when=_START + second, resolution=1)
    store.prune(_START + 60 + SECONDS_KEPT)
    assert sums(store, period=10) == {0: 1, 60: 1, 70: 1}, "the first minute's second moved to its start"
    store.prune(_START + 80 + SECONDS_KEPT)
    assert sums(store, period=10) == {0: 1, 60: 2}
    store.prune(_START + 61 + MINUTES_KEPT)
    assert sums(store, period=60) == {}
    assert store.metrics(_HERE) == []


def test_only_metrics_with_recent_values_are_active(store: MetricStore) -> None:
    store.put(_HERE, _METRIC, value(1), unit="Count", when=_START)
    assert store.metrics(_HERE, since=_START - 1) == [_METRIC]
    assert store.metrics(_HERE, since=_START + 60) == []
