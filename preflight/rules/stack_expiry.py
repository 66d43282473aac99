"""Schedules that delete stacks: that they outlive what they delete, and that it can be deleted."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource, Stack
from preflight.references import stack_references
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.remembering import remembered
from preflight.rules.role_grants import role_of
from preflight.rules.schedules import SCHEDULE, deletes, request
from preflight.values import boolean, entries, text

DELETE_SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html"


def deleted_stack(schedule: Resource) -> Stack | None:
    """The stack of the assembly that a schedule deletes."""
    raw = schedule.raw.get("Properties", {})
    given = (
        raw.get("Target", {}).get("Input") if isinstance(raw, dict) and isinstance(raw.get("Target"), dict) else None
    )
    if not deletes(schedule):
        return None
    if {"AWS::StackName", "AWS::StackId"} & stack_references(given).resources:
        return schedule.stack
    name = request(schedule).get("StackName")
    if not isinstance(name, str):
        return None
    return schedule.stack.assembly.stack(name.split(":stack/", 1)[-1].split("/", 1)[0])


@rule(
    "SCHED-137",
    constraint=137,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A schedule that deletes a stack, and its role, are outside of that stack",
    otherwise="The deletion takes the schedule and the role with it half-way, and nothing is left to try again.",
    remedy="Put the schedule and its role into a stack that stays.",
    source=DELETE_SOURCE,
    types=SCHEDULE,
)
def schedule_inside_its_stack(schedule: Resource) -> Iterator[Fault]:
    stack = deleted_stack(schedule)
    if stack is None:
        return
    role = role_of(schedule.get("Target", "RoleArn"))
    if stack is schedule.stack:
        yield Fault(at="Target.Input", message=f"deletes {stack.name}, which it is part of")
    elif role is not None and role.stack is stack:
        yield Fault(at="Target.RoleArn", message=f"deletes {stack.name}, which holds its role")


def blocks_deletion(resource: Resource) -> str | None:
    """Why a stack with this resource cannot be deleted, in words."""
    if resource.attribute("DeletionPolicy") in ("Retain", "RetainExceptOnCreate"):
        return None
    if boolean(resource.get("DeletionProtection")) or boolean(resource.get("DeletionProtectionEnabled")):
        return "is protected against deletion"
    if resource.type == "AWS::Cognito::UserPool" and text(resource.get("DeletionProtection")) == "ACTIVE":
        return "is protected against deletion"
    if resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        for entry in entries(resource.get("LoadBalancerAttributes")):
            if text(entry.get("Key")) == "deletion_protection.enabled" and boolean(entry.get("Value")):
                return "is protected against deletion"
    if resource.type == "AWS::Backup::BackupVault" and not resource.get("LockConfiguration").absent:
        return "is locked"
    if resource.type == "AWS::ECR::Repository" and not boolean(resource.get("EmptyOnDelete")):
        return "is not emptied first"
    return None


def blockers_of(stack: Stack) -> list[str]:
    return remembered(stack, "blockers", lambda: _blockers(stack))


def _blockers(stack: Stack) -> list[str]:
    reasons = ((resource.construct_path, blocks_deletion(resource)) for resource in stack.resources.values())
    return [f"{path} {why}" for path, why in reasons if why]


@rule(
    "SCHED-136",
    constraint=136,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A stack that a schedule deletes can be deleted",
    otherwise="The deletion is refused or ends in DELETE_FAILED, and the preview stays and costs.",
    remedy="Switch termination and deletion protection off there, and empty what has to be empty.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html",
    types=SCHEDULE,
    lacks=("DeletionPolicy",),
)
def stack_that_stays(schedule: Resource) -> Iterator[Fault]:
    stack = deleted_stack(schedule)
    if stack is None:
        return
    if stack.termination_protection:
        yield Fault(at="Target.Input", message=f"deletes {stack.name}, which has termination protection")
    blockers = blockers_of(stack)
    if blockers:
        more = f" (and {len(blockers) - 3} more)" if len(blockers) > 3 else ""
        yield Fault(at="Target.Input", message=f"deletes {stack.name}, where {', '.join(blockers[:3])}{more}")
