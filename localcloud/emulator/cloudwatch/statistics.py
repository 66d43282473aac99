"""CloudWatch's statistics, by the definitions of "CloudWatch statistics definitions" in its user guide."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.emulator.cloudwatch.metrics import Aggregate

BASIC: dict[str, Callable[[Aggregate], float]] = {
    "SampleCount": lambda of: of.count,
    "Sum": lambda of: of.total,
    "Average": lambda of: of.total / of.count,
    "Minimum": lambda of: of.minimum,
    "Maximum": lambda of: of.maximum,
}

_SHORT = re.compile(r"(p|tm|wm|tc|ts)(\d{1,2}(?:\.\d{1,10})?|100)", re.IGNORECASE)
_RANGE = re.compile(r"(TM|WM|TC|TS|PR)\((\d*(?:\.\d+)?)(%?):(\d*(?:\.\d+)?)(%?)\)", re.IGNORECASE)


class StatisticError(ValueError):
    """There is no such statistic."""


@dataclass(frozen=True, kw_only=True)
class _Bounds:
    """Of a trimmed statistic: values above `low` and up to `high` count; in percent of the values, or absolute."""

    low: float | None
    high: float | None
    percent: bool


def check(name: str) -> None:
    """Raises StatisticError when CloudWatch has no statistic of this name."""
    if name not in BASIC and name.upper() != "IQM" and not _SHORT.fullmatch(name) and not _range_of(name):
        raise StatisticError(
            f"The value {name} is not a statistic: use one of {', '.join(BASIC)}, a percentile (p99.9) or a trimmed "
            "statistic (tm90, TM(10%:90%), wm98, tc90, ts90, PR(:300), IQM)"
        )


def is_percentile(name: str) -> bool:
    return name[:1] in "pP" and bool(_SHORT.fullmatch(name))


def value_of(name: str, aggregate: Aggregate) -> float | None:
    """The statistic `name`; None where there were no values, or where their distribution would be needed and
    CloudWatch does not give it (statistic sets, negative values). Raises StatisticError."""
    check(name)
    if aggregate.count <= 0:
        return None
    if name in BASIC:
        return BASIC[name](aggregate)
    if not aggregate.values or aggregate.minimum < 0:
        return None
    ordered = sorted(aggregate.values.items())
    if name.upper() == "IQM":
        return _mean(_trimmed(ordered, _Bounds(low=25, high=75, percent=True)))
    if ranged := _range_of(name):
        return _of_range(*ranged, ordered)
    kind, percent = name.lower().rstrip("0123456789."), float(name.lstrip("pPtTmMwWcCsS"))
    if kind == "p":
        return _percentile(ordered, percent)
    return _of_range(kind, _Bounds(low=None, high=percent, percent=True), ordered)


def _range_of(name: str) -> tuple[str, _Bounds] | None:
    """Of a statistic that names its bounds: both in percent, or both absolute."""
    found = _RANGE.fullmatch(name)
    if not found or not (found[2] or found[4]) or (found[2] and found[4] and found[3] != found[5]):
        return None
    low, high = (float(text) if text else None for text in (found[2], found[4]))
    return found[1].lower(), _Bounds(low=low, high=high, percent=bool(found[3] or found[5]))


_Ordered = list[tuple[float, float]]


def _percentile(ordered: _Ordered, percent: float) -> float:
    """Between the two nearest ranks, linearly."""
    rank = percent / 100 * (sum(weight for _, weight in ordered) - 1)
    lower = _at(ordered, int(max(rank, 0)))
    upper = _at(ordered, int(max(rank, 0)) + 1)
    return lower + (max(rank, 0) % 1) * (upper - lower)


def _at(ordered: _Ordered, index: int) -> float:
    seen = 0.0
    for value, weight in ordered:
        seen += weight
        if index < seen:
            return value
    return ordered[-1][0]


def _of_range(kind: str, bounds: _Bounds, ordered: _Ordered) -> float | None:
    kept = _trimmed(ordered, bounds)
    count = sum(weight for _, weight in kept)
    match kind:
        case "tm":
            return _mean(kept)
        case "tc":
            return count
        case "ts":
            return sum(value * weight for value, weight in kept)
        case "pr":
            return 100 * count / sum(weight for _, weight in ordered)
        case _:
            return _mean(_winsorized(ordered, bounds))


def _trimmed(ordered: _Ordered, bounds: _Bounds) -> _Ordered:
    """Only what lies within the bounds; of a value that a percentage cuts through, the share within it."""
    if not bounds.percent:
        return [
            (value, weight)
            for value, weight in ordered
            if (bounds.low is None or value > bounds.low) and (bounds.high is None or value <= bounds.high)
        ]
    total = sum(weight for _, weight in ordered)
    start = total * (bounds.low or 0) / 100
    end = total * (100 if bounds.high is None else bounds.high) / 100
    kept, seen = [], 0.0
    for value, weight in ordered:
        share = min(seen + weight, end) - max(seen, start)
        if share > 0:
            kept.append((value, share))
        seen += weight
    return kept


def _winsorized(ordered: _Ordered, bounds: _Bounds) -> _Ordered:
    """What lies outside the bounds counts as the value at the bound."""
    low = -math.inf if bounds.low is None else bounds.low
    high = math.inf if bounds.high is None else bounds.high
    if bounds.percent:
        low = _percentile(ordered, max(low, 0))
        high = _percentile(ordered, min(high, 100))
    return [(min(max(value, low), high), weight) for value, weight in ordered]


def _mean(ordered: _Ordered) -> float | None:
    count = sum(weight for _, weight in ordered)
    return sum(value * weight for value, weight in ordered) / count if count else None
