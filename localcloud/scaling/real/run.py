"""Run the trace: learn what a request costs, send the load, watch what the local cloud does."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any

from localcloud import commands
from localcloud.console import LocalCloudError, Steps
from localcloud.scaling.model import Service
from localcloud.scaling.real import watch
from localcloud.scaling.real.load import Load
from localcloud.scaling.real.trace import FLASH
from localcloud.scaling.traces import MINUTE

_CALIBRATION = 0.3
"""Requests a second while it is learnt what one costs."""

_UNTIL_KNOWN = 20.0
"""Seconds after a minute within which the local cloud has published its metrics."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of the calibration: CPU percent of the service without load, CPU seconds of one request."""

    idle: float
    request: float


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What was seen. Times are Unix seconds, `begin` that of the trace's first second; `cpu` in percent by minute."""

    begin: float
    counts: tuple[watch.Count, ...]
    cpu: dict[int, float]
    activities: tuple[dict[str, Any], ...]
    cost: Cost
    sent: int
    failed: int

    def at(self, second: float) -> watch.Count:
        """The latest count at a second of the trace."""
        before = [one for one in self.counts if one.at <= self.begin + second]
        return before[-1] if before else self.counts[0]


def run(service: Service) -> Recording:
    """Takes some 16 minutes. Raises LocalCloudError when the local cloud does not run, a request costs nothing, or this
    machine is too small for the service."""
    _refuse_what_does_not_fit(service)
    steps = Steps()
    where, url = watch.deployed(service.name), commands.web_url()
    with steps.step(f"wait until {service.name} runs {service.minimum} tasks and is calm"):
        _settle(where, service.minimum)
    with steps.step("learn what a request costs"):
        cost = _calibrate(where, url, service)
    with steps.step(f"the trace: {FLASH.about}"):
        return _record(where, url, service, cost)


def _refuse_what_does_not_fit(service: Service) -> None:
    cores = len(os.sched_getaffinity(0))
    most = service.size.vcpu * max(
        FLASH.load(second, service.maximum, service.minimum) for second in range(int(FLASH.seconds))
    )
    if most > cores:
        raise LocalCloudError(
            f"at its height the crowd would keep {most:.1f} processors busy in {service.name}, and this machine has "
            f"{cores}",
            remedy="choose an environment of smaller tasks: make scaling ENV=dev REAL=1",
        )


def _settle(where: watch.Deployed, count: int) -> None:
    deadline = time.monotonic() + 15 * MINUTE
    while True:
        now = watch.count(where)
        if now.desired == now.running == count:
            return
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"{where.name} has {now.running} of {now.desired} tasks, not {count}, after 15 minutes",
                remedy="see make status and make logs PART=runner",
            )
        time.sleep(2)


def _calibrate(where: watch.Deployed, url: str, service: Service) -> Cost:
    """A minute of nothing, then two of a few requests, of which the second counts."""
    begin = _next_minute()
    _sleep_until(begin + MINUTE)
    load = Load(url=url, rate=lambda _second: _CALIBRATION)
    load.start()
    _sleep_until(begin + 3 * MINUTE)
    load.stop()
    seen = _cpu(where, begin, begin + 3 * MINUTE)
    idle, busy = (seen.get(int(begin + minute * MINUTE)) for minute in (0, 2))
    if idle is None or busy is None or busy <= idle:
        raise LocalCloudError(
            f"CPUUtilization of {where.name} was {idle} without load and {busy} with it",
            remedy="make metrics says whether the local cloud publishes it",
        )
    reserved = service.size.vcpu * service.minimum
    return Cost(idle=idle, request=(busy - idle) / 100 * reserved / _CALIBRATION)


def _record(where: watch.Deployed, url: str, service: Service, cost: Cost) -> Recording:
    def rate(second: float) -> float:
        wanted = FLASH.load(second, service.maximum, service.minimum) * service.size.vcpu
        return wanted / cost.request

    begin = _next_minute()
    _sleep_until(begin)
    watching, load = watch.Watch(where), Load(url=url, rate=rate)
    watching.start()
    load.start()
    try:
        _sleep_until(begin + FLASH.seconds)
    finally:
        load.stop()
        watching.stop()
    return Recording(
        begin=begin,
        counts=tuple(watching.counts),
        cpu=_cpu(where, begin, begin + FLASH.seconds),
        activities=tuple(watch.activities(where, since=begin)),
        cost=cost,
        sent=load.sent,
        failed=load.failed,
    )


def _cpu(where: watch.Deployed, begin: float, end: float) -> dict[int, float]:
    _sleep_until(end + _UNTIL_KNOWN)
    return watch.cpu(where, begin=begin, end=end)


def _next_minute() -> float:
    return math.ceil(time.time() / MINUTE) * MINUTE


def _sleep_until(when: float) -> None:
    while (left := when - time.time()) > 0:
        time.sleep(min(left, 1.0))
