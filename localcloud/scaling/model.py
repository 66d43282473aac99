"""What a template says about the scaling of one service, in the words of AWS."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from localcloud.emulator.cloudwatch.evaluation import Rule
from localcloud.scaling.expressions import evaluate
from localcloud.scaling.steps import AdjustmentType, StepAdjustment

CPU = "CPUUtilization"
BACKLOG = "BacklogPerTask"

_SIGNS: dict[Callable[[float, float], bool], str] = {
    operator.ge: "≥",
    operator.gt: ">",
    operator.lt: "<",
    operator.le: "≤",
}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A CloudWatch alarm that invokes a policy. `metrics` are the names that it looks at by their ids; `expression` is
    metric math over these ids, None where the alarm looks at its one metric. `period` is in seconds."""

    metrics: Mapping[str, str]
    expression: str | None = None
    statistic: str
    period: int
    rule: Rule

    def value(self, measured: Mapping[str, float | None]) -> float | None:
        """What the alarm sees of a period in which these metrics were measured; None where one is missing.

        Raises ScalingError for an expression that cannot be worked out.
        """
        values = {identifier: measured[name] for identifier, name in self.metrics.items()}
        known = {identifier: value for identifier, value in values.items() if value is not None}
        if len(known) < len(values):
            return None
        return evaluate(self.expression, known) if self.expression else next(iter(known.values()))


@dataclass(frozen=True, kw_only=True)
class StepPolicy:
    """A step scaling policy and its alarm; `cooldown` in seconds, `name` unlike that of the service's others."""

    name: str
    alarm: Alarm
    kind: AdjustmentType
    steps: tuple[StepAdjustment, ...]
    cooldown: float
    aggregation: str = "Average"
    minimum_magnitude: int = 0

    @property
    def label(self) -> str:
        """When it speaks, for people: CPUUtilization ≥ 70."""
        rule = self.alarm.rule
        sign = _SIGNS[rule.comparison.compare]
        return f"{' or '.join(self.alarm.metrics.values())} {sign} {rule.threshold:g}"

    @property
    def grows(self) -> bool:
        """Whether any of its steps adds tasks."""
        return any(step.adjustment > 0 for step in self.steps)

    @property
    def shrinks(self) -> bool:
        """Whether any of its steps takes tasks away (an exact capacity may do both)."""
        return self.kind is AdjustmentType.EXACT or any(step.adjustment < 0 for step in self.steps)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds in the life of a task. `start` is from the order to RUNNING, `ready` from RUNNING to its first work,
    `drain` how long one that is to stop is still there."""

    start: float
    ready: float
    drain: float


@dataclass(frozen=True, kw_only=True)
class Size:
    """One task: its share of a processor, memory in GiB, and how many jobs a worker takes at once (None: no worker)."""

    vcpu: float
    memory_gib: float
    architecture: str
    slots: int | None


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service that scales between `minimum` and `maximum` tasks."""

    name: str
    region: str
    minimum: int
    maximum: int
    policies: tuple[StepPolicy, ...]
    size: Size
    timing: Timing

    @property
    def is_worker(self) -> bool:
        return self.size.slots is not None

    def threshold(self, metric: str) -> float | None:
        """Where the first policy that adds tasks on a metric alone does so."""
        names = [one.alarm for one in self.policies if one.grows and list(one.alarm.metrics.values()) == [metric]]
        return names[0].rule.threshold if names else None
