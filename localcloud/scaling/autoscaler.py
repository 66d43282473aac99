"""Application Auto Scaling for one scalable target: what becomes of the alarms' invocations.

Source: API_StepScalingPolicyConfiguration.html (Cooldown) and API_PutScalingPolicy.html (several policies) of the
Application Auto Scaling API Reference, step-scaling-policy-overview.html of its User Guide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from localcloud.scaling.model import StepPolicy
from localcloud.scaling.steps import new_capacity, step_for


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """An alarm in ALARM invokes its policy with the aggregated value of its metric, once a minute."""

    policy: StepPolicy
    value: float


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A scaling activity: when, from which desired count to which, and by which policy."""

    at: float
    before: int
    after: int
    cause: str

    @property
    def grows(self) -> bool:
        return self.after > self.before


@dataclass
class Cooldown:
    """What an activity of a policy leaves behind; `ends` is unknown (infinite) until its tasks run or are gone."""

    added: int
    seconds: float
    ends: float = math.inf


@dataclass(frozen=True)
class Cooldowns:
    """Those of a target by the name of their policy, after scaling out and after scaling in."""

    out: dict[str, Cooldown] = field(default_factory=dict)
    in_: dict[str, Cooldown] = field(default_factory=dict)


class Autoscaler:
    """Desired count of a service, between two limits that scheduled actions may change.

    `cooldowns` are those that an earlier autoscaler of the target left; it goes on with them.
    """

    def __init__(self, *, desired: int, minimum: int, maximum: int, cooldowns: Cooldowns | None = None) -> None:
        self.desired = desired
        self.minimum = minimum
        self.maximum = maximum
        self.activities: list[Activity] = []
        self.cooldowns = cooldowns or Cooldowns()

    def limit(self, now: float, *, minimum: int, maximum: int, cause: str) -> None:
        """New limits; the desired count follows at once when it lies outside (API_PutScheduledAction.html)."""
        self.minimum, self.maximum = minimum, maximum
        self._set(now, self.desired, cause)

    def fulfilled(self, now: float) -> None:
        """As many tasks run as are desired: activities have succeeded, and their cooldowns begin now.

        "After Application Auto Scaling successfully scales out using a step scaling policy, it starts to calculate the
        cooldown time."
        """
        for cooldown in (*self.cooldowns.out.values(), *self.cooldowns.in_.values()):
            if math.isinf(cooldown.ends):
                cooldown.ends = now + cooldown.seconds

    def invoke(self, now: float, invocations: Iterable[Invocation]) -> None:
        """What alarms ask for at the same time: the largest capacity wins, be it by scaling out or in."""
        wanted = [
            (capacity, one.policy) for one in invocations if (capacity := self._wanted(now, one)) is not None
        ]  # fmt: skip
        if not wanted:
            return
        capacity, policy = max(wanted, key=lambda one: one[0])
        before = self.desired
        if not self._set(now, capacity, policy.label):
            return
        if self.desired > before:
            added = self.desired - before
            running = self.cooldowns.out.get(policy.name)
            if running and running.ends > now:
                added += running.added
            self.cooldowns.out[policy.name] = Cooldown(added=added, seconds=policy.cooldown)
            self.cooldowns.in_.clear()  # "the cooldown period for the scale-in activity stops and doesn't complete"
        else:
            self.cooldowns.in_[policy.name] = Cooldown(added=0, seconds=policy.cooldown)

    def _wanted(self, now: float, one: Invocation) -> int | None:
        """The capacity that an invocation leads to, None for none at all."""
        policy = one.policy
        step = step_for(policy.steps, value=one.value, threshold=policy.alarm.rule.threshold)
        if step is None:
            return None
        out, in_ = self.cooldowns.out.get(policy.name), self.cooldowns.in_.get(policy.name)
        # "The previous increase of 2 is considered part of the current capacity. Therefore, only 1 is added."
        counted = out.added if out and out.ends > now else 0
        base = self.desired - counted
        capacity = new_capacity(step, kind=policy.kind, current=base, minimum_magnitude=policy.minimum_magnitude)
        if capacity > base:
            return max(capacity, self.desired)
        if in_ and in_.ends > now:
            return None
        return new_capacity(
            step, kind=policy.kind, current=self.desired, minimum_magnitude=policy.minimum_magnitude
        )  # fmt: skip

    def _set(self, now: float, capacity: int, cause: str) -> bool:
        after = min(max(capacity, self.minimum), self.maximum)
        if after == self.desired:
            return False
        self.activities.append(Activity(at=now, before=self.desired, after=after, cause=cause))
        self.desired = after
        return True
