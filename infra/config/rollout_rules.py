"""Rules of `[rollout]`: what AWS would refuse, and what would let a bad release pass."""

from __future__ import annotations

from collections.abc import Iterator

from infra.config.models import Environment
from infra.config.rule import Fault, rule

LOCAL_ACCOUNT = "000000000000"
"""The local cloud's."""

METRIC_DELAY_MINUTES = 2
"""A load balancer sends metrics each minute (User Guide for Application Load Balancers, "CloudWatch metrics"), and the
alarm looks at a minute only once it is over."""

_LONGEST_BAKE_MINUTES = 33 * 60
"""CloudFormation Template Reference, "AWS::ECS::Service CanaryConfiguration"."""

_MINUTES_PER_MONTH = 30 * 24 * 60


@rule("rollout")
def _rollout_in_time(env: Environment) -> Iterator[Fault]:
    rollout = env.rollout
    if rollout.p99_floor_seconds >= rollout.p99_seconds:
        yield Fault(
            key="rollout.p99_floor_seconds",
            value=rollout.p99_floor_seconds,
            accepted=f"less than rollout.p99_seconds = {rollout.p99_seconds:g}, which is an alarm by itself",
        )
    if rollout.canary_minutes + rollout.bake_minutes > _LONGEST_BAKE_MINUTES:
        yield Fault(
            key="rollout.bake_minutes",
            value=rollout.bake_minutes,
            accepted=f"with canary_minutes at most {_LONGEST_BAKE_MINUTES} together, or CloudFormation refuses it",
        )


@rule("account", "rollout", "usage")
def _canary_is_seen(env: Environment) -> Iterator[Fault]:
    """What would let a bad canary pass. A rehearsal on the local cloud may be any length."""
    rollout = env.rollout
    if env.account == LOCAL_ACCOUNT or rollout.strategy != "canary":
        return
    if rollout.canary_minutes < rollout.alarm_minutes + METRIC_DELAY_MINUTES:
        yield Fault(
            key="rollout.canary_minutes",
            value=rollout.canary_minutes,
            accepted=(
                f"at least {rollout.alarm_minutes + METRIC_DELAY_MINUTES}: an alarm needs rollout.alarm_minutes = "
                f"{rollout.alarm_minutes}, and metrics arrive up to {METRIC_DELAY_MINUTES} minutes late"
            ),
        )
    a_minute = env.usage.requests_per_month / _MINUTES_PER_MONTH * rollout.canary_percent / 100
    if a_minute < rollout.min_requests:
        yield Fault(
            key="rollout.min_requests",
            value=rollout.min_requests,
            accepted=(
                f"at most {int(a_minute)}: of usage.requests_per_month = {env.usage.requests_per_month} a canary of "
                f"{rollout.canary_percent} % gets {a_minute:.1f} a minute, and fewer are not judged"
            ),
        )
