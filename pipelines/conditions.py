"""Stage conditions: when production may be entered, and what sends it back."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codepipeline as codepipeline

from pipelines.config import ChangeWindow

GO_BACK = codepipeline.FailureConditions(result=codepipeline.Result.ROLLBACK)
"""A stage that fails runs again with what it last succeeded with."""


def entry(*, window: ChangeWindow, red: cloudwatch.IAlarm | None) -> codepipeline.Conditions:
    """Refused outside of the change window, and while `red` is in alarm."""
    rules = [
        codepipeline.Rule(
            name="ChangeWindow",
            provider="DeploymentWindow",
            version="1",
            configuration={"Cron": window.cron, "TimeZone": window.time_zone},
        )
    ]
    if red:
        rules.append(_calm("NoAlarm", red, wait_minutes=1))
    return codepipeline.Conditions(
        conditions=[codepipeline.Condition(result=codepipeline.Result.FAIL, rules=[rule]) for rule in rules]
    )


def afterwards(*, red: cloudwatch.IAlarm, watch_minutes: int) -> codepipeline.Conditions:
    """Rolled back when `red` goes off within `watch_minutes` of a deployment that succeeded."""
    return codepipeline.Conditions(
        conditions=[
            codepipeline.Condition(
                result=codepipeline.Result.ROLLBACK, rules=[_calm("StaysCalm", red, wait_minutes=watch_minutes)]
            )
        ]
    )


def _calm(name: str, alarm: cloudwatch.IAlarm, *, wait_minutes: int) -> codepipeline.Rule:
    return codepipeline.Rule(
        name=name,
        provider="CloudWatchAlarm",
        version="1",
        configuration={"AlarmName": alarm.alarm_name, "WaitTime": str(wait_minutes)},
    )
