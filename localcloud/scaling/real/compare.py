"""What was recorded beside what the simulator says of the same load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from localcloud.scaling.model import Service, Timing
from localcloud.scaling.real.run import Recording
from localcloud.scaling.real.trace import FLASH
from localcloud.scaling.report.plot import Line, Plot
from localcloud.scaling.simulator import TICK, Run, replay
from localcloud.scaling.traces import MINUTE

_USUAL_START = 20.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A recording, and the simulated run with the recording's start time of tasks."""

    service: Service
    recording: Recording
    simulated: Run

    @property
    def desired(self) -> list[int]:
        """Recorded, at the end of each minute."""
        return [self.recording.at(minute.at + MINUTE - 1).desired for minute in self.simulated.minutes]

    @property
    def agreeing(self) -> float:
        """Share of minutes in which recorded and simulated desired counts differ by one task at most."""
        pairs = zip(self.desired, self.simulated.minutes, strict=True)
        return sum(abs(count - minute.desired) <= 1 for count, minute in pairs) / len(self.simulated.minutes)

    @property
    def within(self) -> bool:
        """Whether the recorded counts stayed within the limits."""
        counts = self.recording.counts
        low = min(min(one.desired, one.running) for one in counts)
        return low >= self.service.minimum and max(one.desired for one in counts) <= self.service.maximum

    @property
    def followed(self) -> bool:
        """Whether the crowd was followed up, and down again."""
        desired = self.desired
        return max(desired) > self.service.minimum and desired[-1] < max(desired)

    @property
    def ok(self) -> bool:
        return self.within and self.followed and self.recording.failed == 0


def compare(service: Service, recording: Recording) -> Comparison:
    """Simulate what was run. The local cloud publishes a minute's metrics within seconds, and its processes may use
    more than what their tasks reserve: up to the one processor that the tasks' one process each can take."""
    as_run = replace(service, timing=Timing(start=_started(recording), ready=0.0, drain=service.timing.drain))
    burst = max(1.0, 1.0 / service.size.vcpu)
    return Comparison(
        service=service, recording=recording, simulated=replay(as_run, FLASH, metric_delay=0.0, burst=burst)
    )


def _started(recording: Recording) -> float:
    """The median of the seconds from a higher desired count until as many tasks ran, to the simulator's tick."""
    found, since = [], None
    for before, now in zip(recording.counts, recording.counts[1:], strict=False):
        if now.desired > before.desired:
            since = now.at
        if since is not None and now.running >= now.desired:
            found.append(now.at - since)
            since = None
    return round((median(found) if found else _USUAL_START) / TICK) * TICK


def plots_of(comparison: Comparison) -> list[Plot]:
    """Tasks and CPU, recorded and simulated."""
    recording, minutes = comparison.recording, comparison.simulated.minutes
    cpu = [recording.cpu.get(int(recording.begin + minute.at), 0.0) for minute in minutes]
    thresholds = [(one.alarm.rule.threshold, one.label) for one in comparison.service.policies]
    return [
        Plot(
            title="Tasks",
            unit="desired, and the load in tasks' worth",
            seconds=FLASH.seconds,
            lines=(
                Line(label="local cloud", values=comparison.desired, style="a", step=True),
                Line(label="simulated", values=[one.desired for one in minutes], style="b", step=True),
                Line(label="load", values=[one.demand for one in minutes], style="c"),
            ),
        ),
        Plot(
            title="CPUUtilization",
            unit="% of what is reserved; local processes may use more",
            seconds=FLASH.seconds,
            lines=(
                Line(label="local cloud", values=cpu, style="a"),
                Line(label="simulated", values=[one.cpu or 0.0 for one in minutes], style="b"),
            ),
            marks=tuple(thresholds),
        ),
    ]


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The key `real` of summary.json."""
    recording = comparison.recording
    return {
        "ok": comparison.ok,
        "service": comparison.service.name,
        "about": FLASH.about,
        "within_limits": comparison.within,
        "followed": comparison.followed,
        "minutes_within_one_task_share": round(comparison.agreeing, 3),
        "request_cpu_seconds": round(recording.cost.request, 4),
        "idle_cpu_percent": round(recording.cost.idle, 2),
        "requests": recording.sent,
        "requests_failed": recording.failed,
        "task_start_seconds": comparison.simulated.service.timing.start,
        "desired": comparison.desired,
        "desired_simulated": [minute.desired for minute in comparison.simulated.minutes],
        "cpu_percent": {str(int(at - recording.begin) // 60): round(value, 1) for at, value in recording.cpu.items()},
        "cpu_percent_simulated": [round(minute.cpu or 0.0, 1) for minute in comparison.simulated.minutes],
        "activities": [
            {"second": round(one["StartTime"].timestamp() - recording.begin), "cause": one.get("Cause", "")}
            for one in recording.activities
        ],
    }
