"""The alarms that guard a rollout: one that is red when it begins is ignored for all of it."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import boolean, entries, strings, target, text

ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
AT_ONCE = 100
"""Names that one DescribeAlarms call takes."""


@check("alarms", title="The alarms that guard rollouts exist and are not in ALARM", constraints=(7,))
def alarms(account: Account, assembly: Assembly) -> Iterator[Answer]:
    guarding: dict[str, set[str]] = {}
    made_here: dict[str, set[str]] = {}
    for region, resources in account.by_region(
        assembly, "AWS::ECS::Service", "AWS::CodeDeploy::DeploymentGroup", "AWS::CodePipeline::Pipeline", *ALARMS
    ).items():
        for resource in resources:
            if resource.type in ALARMS:
                made_here.setdefault(region, set()).update(strings(resource.get("AlarmName")))
            else:
                guarding.setdefault(region, set()).update(_guards(account, resource))

    def in_region(region: str) -> Iterator[Answer]:
        names = sorted(guarding[region])
        state: dict[str, str] = {}
        for start in range(0, len(names), AT_ONCE):
            arguments = {"AlarmNames": names[start : start + AT_ONCE], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
            for key in ("MetricAlarms", "CompositeAlarms"):
                found = account.every("cloudwatch", "DescribeAlarms", key, region=region, **arguments)
                state |= {alarm["AlarmName"]: str(alarm.get("StateValue", "")) for alarm in found}
        for name in names:
            if state.get(name) == "ALARM":
                yield failed(
                    f"{region} {name}",
                    "in ALARM: a rollout that begins now ignores it and cannot be stopped by it",
                    remedy="find out why, and begin when it is OK",
                )
            elif name in state:
                yield passed(f"{region} {name}", state[name])
            elif name in made_here.get(region, set()):
                yield passed(f"{region} {name}", "made by these stacks")
            else:
                yield failed(
                    f"{region} {name}",
                    "neither in the account nor in these stacks: the service that names it is refused",
                    remedy="create the alarm first, or correct its name",
                )

    yield from account.each([region for region in sorted(guarding) if guarding[region]], in_region)


def _guards(account: Account, resource: Resource) -> set[str]:
    if resource.type == "AWS::ECS::Service":
        configured = resource.get("DeploymentConfiguration", "Alarms")
        if boolean(configured.get("Enable")) is False:
            return set()
        named = entries(configured.get("AlarmNames"))
    elif resource.type == "AWS::CodeDeploy::DeploymentGroup":
        configured = resource.get("AlarmConfiguration")
        if boolean(configured.get("Enabled")) is False:
            return set()
        named = [alarm.get("Name") for alarm in entries(configured.get("Alarms"))]
    else:
        named = [
            rule.get("Configuration", "AlarmName")
            for stage in entries(resource.get("Stages"))
            for when in ("BeforeEntry", "OnSuccess", "OnFailure")
            for condition in entries(stage.get(when, "Conditions"))
            for rule in entries(condition.get("Rules"))
            if text(rule.get("RuleTypeId", "Provider")) == "CloudWatchAlarm"
        ]
    names = {name for node in named for name in strings(node) if name}
    for node in named:
        alarm = target(node, *ALARMS)
        if alarm is not None:
            names |= _name(account, alarm)
    return names


def _name(account: Account, alarm: Resource) -> set[str]:
    """The alarm's own name, or the one that CloudFormation gave it."""
    name = text(alarm.get("AlarmName")) if not alarm.get("AlarmName").absent else account.physical(alarm)
    return {name} if name else set()
