"""Limits that change by the clock: scheduled actions, and a forecast. Both are off unless asked for."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from localcloud.scaling.errors import ScalingError
from localcloud.scaling.model import Service
from localcloud.scaling.simulator import TICK, Limits
from localcloud.scaling.traces import HOUR, Trace

_DAY = 24 * HOUR

BUFFER = 300.0
"""Seconds by which predicted tasks are started ahead: SchedulingBufferTime of a predictive scaling policy is 300 by
default (API_PredictiveScalingPolicyConfiguration.html)."""

DAYS = 2
"""Earlier days that a forecast is made of; AWS wants 24 hours at least and looks at 14 days."""

TARGET = 0.5
"""Share of CPU that predicted tasks are to have: halfway between the thresholds of scaling in and out."""


@dataclass(frozen=True, kw_only=True)
class ScheduledAction:
    """From a second of the day on, every day, a service has these limits."""

    service: str
    at: float
    minimum: int
    maximum: int | None


def read_schedule(path: Path) -> list[ScheduledAction]:
    """`[[action]]` with `service`, `at` ("07:30"), `minimum` and perhaps `maximum`. Raises ScalingError."""
    try:
        actions = tomllib.loads(path.read_text())["action"]
        return [_action(one) for one in actions]
    except OSError as error:
        raise ScalingError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ScalingError(
            f"{path}: {type(error).__name__} {error}; it holds [[action]] tables with service, at (as in "
            '"07:30"), minimum and perhaps maximum'
        ) from None


def _action(given: dict[str, str | int]) -> ScheduledAction:
    hours, minutes = str(given["at"]).split(":")
    maximum = given.get("maximum")
    return ScheduledAction(
        service=str(given["service"]),
        at=int(hours) * HOUR + int(minutes) * 60,
        minimum=int(given["minimum"]),
        maximum=int(maximum) if maximum is not None else None,
    )


def scheduled(service: Service, actions: list[ScheduledAction]) -> Limits | None:
    """The limits of a service by its scheduled actions; before the first one of a trace, the template's. None without
    any for it."""
    mine = sorted((one for one in actions if one.service == service.name), key=lambda one: one.at)
    if not mine:
        return None

    def limits(now: float) -> tuple[int, int, str]:
        latest = next((one for one in reversed(mine) if one.at <= now % _DAY), mine[-1] if now >= _DAY else None)
        if latest is None:
            return service.minimum, service.maximum, "template"
        return latest.minimum, latest.maximum or service.maximum, "scheduled"

    return limits


def predicted(service: Service, trace: Trace, *, most: int) -> Limits | None:
    """A least number of tasks for each hour, forecast from the days before; None for a trace shorter than a day.

    The forecast of an hour is the mean of its highest load on each of the earlier days, which are the trace with other
    noise: a stated, simple model in the place of AWS's, which is not published. It raises the minimum and takes nothing
    away, as ForecastAndScale does.
    """
    if trace.seconds < _DAY:
        return None
    days = [
        replace(trace, seed=trace.seed + 1000 * day).loads(most=most, low=service.minimum, tick=TICK)
        for day in range(1, DAYS + 1)
    ]
    each = round(HOUR / TICK)
    hours = [sum(max(day[hour * each : (hour + 1) * each]) for day in days) / DAYS for hour in range(24)]

    def limits(now: float) -> tuple[int, int, str]:
        wanted = max(hours[int(at % _DAY / HOUR)] for at in (now, now + BUFFER))
        least = min(max(math.ceil(wanted / TARGET), service.minimum), service.maximum)
        return least, service.maximum, "predicted"

    return limits
