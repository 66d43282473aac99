"""Statistics by their published definitions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from localcloud.emulator.cloudwatch import statistics
from localcloud.emulator.cloudwatch.metrics import Aggregate

from .examples import rows


def aggregate(values: list[float]) -> Aggregate:
    return Aggregate.of({value: float(count) for value, count in Counter(values).items()})


@pytest.mark.parametrize("row", rows("statistics"), ids=lambda row: row["statistic"])
def test_values_follow_the_definitions(row: dict[str, Any]) -> None:
    values = [float(value) for value in row.get("values", range(1, 101))]
    assert statistics.value_of(row["statistic"], aggregate(values)) == pytest.approx(row["result"]), row["rule"]


@pytest.mark.parametrize("name", ["average", "p101", "px", "TM(10%:90)", "TM(:)", "Mode", ""])
def test_what_is_no_statistic_is_refused(name: str) -> None:
    with pytest.raises(statistics.StatisticError, match="is not a statistic"):
        statistics.check(name)


def test_statistic_sets_have_no_percentile_unless_all_their_values_are_the_same() -> None:
    spread = Aggregate.of_statistic_set(count=3, total=6, minimum=1, maximum=3)
    alike = Aggregate.of_statistic_set(count=3, total=6, minimum=2, maximum=2)
    assert statistics.value_of("p90", spread) is None
    assert statistics.value_of("Average", spread) == 2
    assert statistics.value_of("p90", alike) == 2
    alike.add(spread)
    assert statistics.value_of("p90", alike) is None
    assert statistics.value_of("SampleCount", alike) == 6


def test_negative_values_have_no_percentile() -> None:
    assert statistics.value_of("p50", aggregate([-1.0, 2.0])) is None


def test_many_different_values_keep_their_percentiles_within_one_percent() -> None:
    together = Aggregate()
    for value in range(1, 5001):
        together.add(aggregate([value / 7]))
    assert together.values and len(together.values) < 1000
    for percent in (0, 1, 50, 90, 99, 99.9, 100):
        exact = (1 + percent / 100 * 4999) / 7
        assert statistics.value_of(f"p{percent}", together) == pytest.approx(exact, rel=0.01)
    assert statistics.value_of("Average", together) == pytest.approx(5001 / 2 / 7)
