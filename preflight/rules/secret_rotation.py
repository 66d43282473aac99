"""Rotation of secrets: its schedule, its function, and what must be there before the first one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ordering import made_before
from preflight.rules.secrets import ATTACHMENT, SCHEDULE, SECRET
from preflight.values import boolean, entries, integer, target, text

_SCHEDULE_TEMPLATE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-secretsmanager-rotationschedule.html"
)
_HOSTED_TEMPLATE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-properties-secretsmanager-rotationschedule-hostedrotationlambda.html"
)
_RULES_API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html"
_EXPRESSIONS = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html"
_TRANSFORM = "AWS::SecretsManager-"


@rule(
    "SECRET-93",
    constraint=93,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A rotation is scheduled by days or by an expression, not both",
    otherwise="RotateSecret refuses the rules.",
    remedy="Drop AutomaticallyAfterDays, or ScheduleExpression.",
    source=_RULES_API,
    types=(SCHEDULE,),
)
def one_schedule(schedule: Resource) -> Iterator[Fault]:
    rules = schedule.get("RotationRules")
    if rules.get("AutomaticallyAfterDays").present and rules.get("ScheduleExpression").present:
        yield Fault(at=str(rules), message="both AutomaticallyAfterDays and ScheduleExpression")


@rule(
    "SECRET-93b",
    constraint=93,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Rotations come every 4 hours to 1000 days, in a window of 1 to 24 hours",
    otherwise="RotateSecret refuses the rules.",
    remedy="Use rate(4 hours) or more, rate(n days) up to 1000, or a cron of 6 fields; a Duration of 1h to 24h.",
    source=_EXPRESSIONS,
    types=(SCHEDULE,),
)
def schedule_rules(schedule: Resource) -> Iterator[Fault]:
    rules = schedule.get("RotationRules")
    days = integer(rules.get("AutomaticallyAfterDays"))
    if days is not None and not 1 <= days <= 1000:
        yield Fault(at=rules.path("AutomaticallyAfterDays"), message=f"{days} days")
    expression = text(rules.get("ScheduleExpression"))
    if expression is not None and (fault := _expression_fault(expression)):
        yield Fault(at=rules.path("ScheduleExpression"), message=f"{fault}: {expression[:80]}")
    window = text(rules.get("Duration"))
    hours = re.fullmatch(r"(\d{1,2})h", window) if window is not None else None
    if window is not None and (hours is None or not 1 <= int(hours[1]) <= 24):
        yield Fault(at=rules.path("Duration"), message=f"a window of {window[:20]}")


def _expression_fault(expression: str) -> str | None:
    if rate := re.fullmatch(r"rate\((\d{1,6}) (hours?|days?)\)", expression):
        hours = int(rate[1]) * (24 if rate[2].startswith("day") else 1)
        return None if 4 <= hours <= 24_000 else "not between 4 hours and 1000 days"
    return None if len(_cron_fields(expression)) == 6 else "neither a rate in hours or days nor a cron of 6 fields"


def _cron_fields(expression: str) -> list[str]:
    cron = re.fullmatch(r"cron\(([^()]*)\)", expression)
    return cron[1].split() if cron else []


@rule(
    "SECRET-93c",
    constraint=93,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A rotation by cron starts on the hour of every year",
    otherwise="RotateSecret refuses the expression.",
    remedy="Write cron(0 hour day month weekday *), with ? for the day of the month or that of the week.",
    source=_EXPRESSIONS,
    types=(SCHEDULE,),
)
def cron_fields(schedule: Resource) -> Iterator[Fault]:
    node = schedule.get("RotationRules", "ScheduleExpression")
    fields = _cron_fields(text(node) or "")
    if len(fields) != 6:
        return
    if fields[0] != "0" or fields[5] != "*":
        yield Fault(at=str(node), message="minutes other than 0, or years other than *")
    if (fields[2] == "?") is (fields[4] == "?"):
        yield Fault(at=str(node), message="not exactly one of the two days is ?")


def _rotation_groups(schedule: Resource) -> set[Resource]:
    """Security groups that the rotation function is in."""
    nodes = entries(schedule.get("HostedRotationLambda", "VpcSecurityGroupIds"))
    function = target(schedule.get("RotationLambdaARN"), "AWS::Lambda::Function")
    if function is not None:
        nodes += entries(function.get("VpcConfig", "SecurityGroupIds"))
    found = (target(node, "AWS::EC2::SecurityGroup") for node in nodes)
    return {group for group in found if group is not None}


@rule(
    "SECRET-94",
    constraint=94,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The first rotation waits for the way to the database",
    otherwise="Secrets Manager rotates as soon as the schedule is there, in the background: without the ingress rule "
    "it fails, the stack is green, and rotation stays broken.",
    remedy="Let the schedule depend on the ingress rule, or set RotateImmediatelyOnUpdate to false.",
    source="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html",
    types=(SCHEDULE,),
    lacks=("DependsOn",),
)
def way_to_database(schedule: Resource) -> Iterator[Fault]:
    if (
        not schedule.get("RotateImmediatelyOnUpdate").absent
        and boolean(schedule.get("RotateImmediatelyOnUpdate")) is not True
    ):
        return
    earlier = made_before(schedule)
    for group in _rotation_groups(schedule):
        for ingress in group.referrers:
            opens = ingress.type == "AWS::EC2::SecurityGroupIngress" and ingress.stack is schedule.stack
            if not opens or target(ingress.get("SourceSecurityGroupId")) is not group:
                continue
            if ingress.logical_id not in earlier:
                yield Fault(at="DependsOn", message=f"may rotate before {ingress.logical_id} lets the function in")


@rule(
    "SECRET-94b",
    constraint=94,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The first rotation waits for the secret's attachment to its database",
    otherwise="The first rotation finds neither host nor engine in the secret, and fails after the stack is green.",
    remedy="Let the schedule refer to the SecretTargetAttachment, or depend on it.",
    source=_SCHEDULE_TEMPLATE,
    types=(SCHEDULE,),
    lacks=("DependsOn",),
)
def attachment_first(schedule: Resource) -> Iterator[Fault]:
    secret = target(schedule.get("SecretId"), SECRET)
    if secret is None:
        return
    earlier = made_before(schedule)
    for attachment in secret.referrers:
        attaches = attachment.type == ATTACHMENT and attachment.stack is schedule.stack
        if attaches and attachment.logical_id not in earlier:
            yield Fault(at="SecretId", message=f"may rotate before {attachment.logical_id}")


@rule(
    "SECRET-95",
    constraint=95,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A hosted rotation function comes with the transform that makes it",
    otherwise="CloudFormation refuses HostedRotationLambda in a template without the transform; with it, the change "
    "set needs CAPABILITY_AUTO_EXPAND.",
    remedy="Add Transform: AWS::SecretsManager-2024-09-16.",
    source=_HOSTED_TEMPLATE,
    types=(SCHEDULE,),
)
def hosted_transform(schedule: Resource) -> Iterator[Fault]:
    written = schedule.stack.template.get("Transform")
    transforms = written if isinstance(written, list) else [written]
    has = any(isinstance(one, str) and one.startswith(_TRANSFORM) for one in transforms)
    if schedule.get("HostedRotationLambda").present and not has:
        yield Fault(at="HostedRotationLambda", message="the template has no AWS::SecretsManager transform")


@rule(
    "SECRET-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A rotation has one function that does it",
    otherwise="RotateSecret refuses a schedule without a function, and CloudFormation one with two.",
    remedy="Give RotationLambdaARN or HostedRotationLambda.",
    source=_SCHEDULE_TEMPLATE,
    types=(SCHEDULE,),
)
def one_function(schedule: Resource) -> Iterator[Fault]:
    own, hosted = schedule.get("RotationLambdaARN"), schedule.get("HostedRotationLambda")
    if own.present and hosted.present:
        yield Fault(at="RotationLambdaARN", message="both RotationLambdaARN and HostedRotationLambda")
    # A secret that a service manages, such as RDS, or a partner's, rotates without a function of ours.
    secret = target(schedule.get("SecretId"), SECRET)
    ours = secret is not None and secret.get("Type").absent and schedule.get("ExternalSecretRotationRoleArn").absent
    if ours and own.absent and hosted.absent:
        yield Fault(at="RotationLambdaARN", message="neither RotationLambdaARN nor HostedRotationLambda")
