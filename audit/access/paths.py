"""Ways from one principal to another: which roles it can become, or make work for it.

`sts:AssumeRole` as the role's trust policy and the caller's own policies decide it, and what lets a caller run code
under a role without assuming it: `iam:PassRole` together with an action that starts something, changing a role's
policies, changing what a function or a build does. After
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html and
https://github.com/RhinoSecurityLabs/AWS-IAM-Privilege-Escalation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from audit.access.conditions import met
from audit.access.evaluation import Estate
from audit.access.principals import Principal

_STARTS = {
    "ecs-tasks.amazonaws.com": ("ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"),
    "lambda.amazonaws.com": ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"),
    "cloudformation.amazonaws.com": (
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "cloudformation:CreateChangeSet",
    ),
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "codepipeline.amazonaws.com": ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "states.amazonaws.com": ("states:CreateStateMachine", "states:UpdateStateMachine"),
    "ec2.amazonaws.com": ("ec2:RunInstances", "ec2:AssociateIamInstanceProfile"),
    "glue.amazonaws.com": ("glue:CreateJob", "glue:CreateDevEndpoint"),
    "backup.amazonaws.com": ("backup:StartRestoreJob", "backup:CreateBackupSelection"),
    "s3.amazonaws.com": ("s3:PutReplicationConfiguration",),
}
"""Service that a role trusts: actions that hand it the role; each needs iam:PassRole on the role, too."""

_CHANGES_ROLE = (
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """From one principal to the next, how, and what the request has to fulfil."""

    source: str
    target: str
    how: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Runs:
    """What runs under a role and can be told to do something else: `arn` of the function or build, the action."""

    arn: str
    role: str
    action: str


def steps(estate: Estate, principal: Principal, running: tuple[Runs, ...]) -> Iterator[Step]:
    """Every principal that this one reaches at once."""
    for other in estate.principals.values():
        if other.arn == principal.arn:
            continue
        found = (
            _assume(estate, principal, other) or _pass(estate, principal, other) or _change(estate, principal, other)
        )
        if found:
            yield found
    for one in running:
        role = estate.principals.get(one.role)
        if role and role.arn != principal.arn and (decision := estate.decide(principal, one.action, one.arn)):
            yield Step(
                source=principal.path,
                target=role.path,
                how=f"{one.action} on {one.arn}",
                conditions=tuple(map(str, decision.conditions)),
            )


def ways(estate: Estate, start: Principal, running: tuple[Runs, ...]) -> dict[str, tuple[Step, ...]]:
    """The shortest way to every principal that can be reached from `start`, by construct path; itself by no step."""
    found: dict[str, tuple[Step, ...]] = {start.path: ()}
    pending = deque([start])
    while pending:
        principal = pending.popleft()
        for step in steps(estate, principal, running):
            if step.target not in found:
                found[step.target] = (*found[principal.path], step)
                pending.append(estate.by_path[step.target])
    return found


def _assume(estate: Estate, principal: Principal, other: Principal) -> Step | None:
    known = {"aws:principalarn": principal.arn, "aws:principalaccount": principal.account}
    named, delegated = False, False
    conditions: tuple[str, ...] = ()
    for statement in other.trust:
        answer = met(statement.conditions, known)
        if not statement.has_action("sts:AssumeRole") or answer is False:
            continue
        accounts = (principal.account, f"arn:aws:iam::{principal.account}:root")
        names = any(kind in ("*", "AWS") and value in ("*", principal.arn) for kind, value in statement.principals)
        delegates = any(kind == "AWS" and value in accounts for kind, value in statement.principals)
        if not statement.allows:
            if answer is True and (names or delegates):
                return None
            continue
        named, delegated = named or names, delegated or delegates
        if names or delegates:
            conditions = tuple(map(str, statement.conditions))
    own = estate.own(principal, "sts:AssumeRole", other.arn)
    same_account = principal.account == other.account
    # Named by the role's own policy, a principal of the same account needs no policy of its own.
    if not ((named and (same_account or own)) or (delegated and own)):
        return None
    return Step(
        source=principal.path,
        target=other.path,
        how="sts:AssumeRole",
        conditions=conditions + tuple(map(str, own.conditions)),
    )


def _pass(estate: Estate, principal: Principal, other: Principal) -> Step | None:
    passing = estate.decide(principal, "iam:PassRole", other.arn)
    if not passing:
        return None
    services = {value for one in other.trust if one.allows for kind, value in one.principals if kind == "Service"}
    for service in sorted(services):
        for action in _STARTS.get(service, ()):
            if estate.decide(principal, action, "*"):
                return Step(
                    source=principal.path,
                    target=other.path,
                    how=f"iam:PassRole with {action}",
                    conditions=tuple(map(str, passing.conditions)),
                )
    return None


def _change(estate: Estate, principal: Principal, other: Principal) -> Step | None:
    for action in _CHANGES_ROLE:
        decision = estate.decide(principal, action, other.arn)
        if decision:
            return Step(
                source=principal.path, target=other.path, how=action, conditions=tuple(map(str, decision.conditions))
            )
    return None
