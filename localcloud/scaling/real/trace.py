"""The trace that is run for real: a flash crowd, shortened, as alarms and cooldowns cannot be."""

from __future__ import annotations

from localcloud.scaling.traces import MINUTE, Kind, Trace

_RISE, _END = 2 * MINUTE, 7 * MINUTE


def _load(t: float, most: float, low: float) -> float:
    share = min(1.0, max(0.0, (t - _RISE) / MINUTE), max(0.0, (_END - t) / MINUTE))
    return 0.4 * low + (0.65 * most - 0.4 * low) * share


FLASH = Trace(
    name="flash-crowd, for real",
    about="two minutes of calm, four of two thirds of the maximum, and calm again",
    kind=Kind.REQUESTS,
    seconds=12 * MINUTE,
    seed=9,
    load=_load,
    start=lambda _most, low: low,
)
