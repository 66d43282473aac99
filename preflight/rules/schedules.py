"""EventBridge Scheduler: the expressions, targets and roles that it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.role_grants import allows_action, assumed_by, role_of
from preflight.rules.support import as_json
from preflight.values import Text, boolean, integer, target, text

SCHEDULE = ("AWS::Scheduler::Schedule",)
TYPES_SOURCE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
UNIVERSAL_SOURCE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html"

AT = re.compile(r"at\(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?\)", re.IGNORECASE)
RATE = re.compile(r"rate\(([1-9]\d*) *(minutes?|hours?|days?)\)", re.IGNORECASE)
CRON = re.compile(r"cron\((\S+(?: +\S+){4,5})\)", re.IGNORECASE)
CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7))
UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:([^:]*):([^:]*):aws-sdk:([^:]+):([^:]+)")
READ_ONLY = ("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup",
             "discover", "validate", "batchGet", "batchDescribe", "batchRead")  # fmt: skip
# Templated targets: the type of the target, the service in its ARN, and what the schedule's role has to allow.
TEMPLATED = {
    "lambda": ("AWS::Lambda::Function", "lambda:InvokeFunction"),
    "sqs": ("AWS::SQS::Queue", "sqs:SendMessage"),
    "sns": ("AWS::SNS::Topic", "sns:Publish"),
    "states": ("AWS::StepFunctions::StateMachine", "states:StartExecution"),
    "ecs": ("AWS::ECS::Cluster", "ecs:RunTask"),
    "codebuild": ("AWS::CodeBuild::Project", "codebuild:StartBuild"),
    "codepipeline": ("AWS::CodePipeline::Pipeline", "codepipeline:StartPipelineExecution"),
    "events": ("AWS::Events::EventBus", "events:PutEvents"),
    "firehose": ("AWS::KinesisFirehose::DeliveryStream", "firehose:PutRecord"),
    "kinesis": ("AWS::Kinesis::Stream", "kinesis:PutRecord"),
}
JSON_TARGETS = {"lambda", "states", "events"}


def target_arn(schedule: Resource) -> str:
    """The target's ARN with its unknown parts as wildcards would be: enough to see which service it is of."""
    value = schedule.get("Target", "Arn").value
    return value if isinstance(value, str) else value.literal.replace("\0", "aws") if isinstance(value, Text) else ""


def universal(schedule: Resource) -> tuple[str, str] | None:
    """Service and action of a universal target."""
    found = UNIVERSAL.fullmatch(target_arn(schedule))
    return (found[3], found[4]) if found else None


def templated(schedule: Resource) -> str | None:
    """The service of a templated target."""
    for service, (kind, _) in TEMPLATED.items():
        if target(schedule.get("Target", "Arn"), kind) is not None:
            return service
    parts = target_arn(schedule).split(":")
    return parts[2] if len(parts) > 5 and parts[2] in TEMPLATED else None


def deletes(schedule: Resource) -> bool:
    called = universal(schedule)
    return called is not None and called[0] == "cloudformation" and called[1].lower() == "deletestack"


def request(schedule: Resource) -> dict[str, Any]:
    """The JSON that a target is called with, unknown parts of its texts as NUL."""
    value = schedule.get("Target", "Input").value
    written = value.literal if isinstance(value, Text) else value
    try:
        found = json.loads(written, strict=False) if isinstance(written, str) else written
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@rule(
    "SCHED-137b",
    constraint=137,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A schedule's expression is at(), rate() or cron() as EventBridge Scheduler writes them",
    otherwise="EventBridge Scheduler answers: Invalid Schedule Expression.",
    remedy="Write at(yyyy-mm-ddThh:mm:ss) without a zone, rate(5 minutes), or cron() with ? for one of the two days; "
    "the zone goes into ScheduleExpressionTimezone.",
    source=TYPES_SOURCE,
    types=SCHEDULE,
)
def expression(schedule: Resource) -> Iterator[Fault]:
    written = text(schedule.get("ScheduleExpression"))
    if written is None or AT.fullmatch(written) or RATE.fullmatch(written):
        return
    found = CRON.fullmatch(written)
    if found is None:
        yield Fault(at="ScheduleExpression", message=f"{written} is no schedule expression")
        return
    fields = found[1].split()
    if (fields[2] == "?") == (fields[4] == "?"):
        yield Fault(at="ScheduleExpression", message=f"{written} needs ? for the day of the month or of the week")
    for field, (least, most) in zip(fields, CRON_RANGES, strict=False):
        if field.isdecimal() and not least <= int(field[:9]) <= most:
            yield Fault(at="ScheduleExpression", message=f"{field} in {written} is not within {least} and {most}")


@rule(
    "SCHED-137c",
    constraint=137,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The input of a schedule's target is JSON",
    otherwise="EventBridge Scheduler answers: JSON syntax error in input for the target.",
    remedy="Write the request of the API as JSON (`Fn::ToJsonString`, or a literal with doubled quotes).",
    source="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html",
    types=SCHEDULE,
)
def target_input(schedule: Resource) -> Iterator[Fault]:
    node = schedule.get("Target", "Input")
    if universal(schedule) is None and templated(schedule) not in JSON_TARGETS:
        return
    if node.absent:
        if universal(schedule) is not None:
            yield Fault(at=str(node), message="a universal target without an input")
        return
    faults = [_fault_of(candidate) for candidate in as_json(node)]
    if faults and all(faults):
        yield Fault(at=str(node), message=f"it is not JSON: {faults[0]}")


def _fault_of(written: str) -> str | None:
    try:
        json.loads(written)
    except (ValueError, RecursionError) as error:
        return str(error)[:100]
    return None


@rule(
    "SCHED-137d",
    constraint=137,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A schedule's role may do what the schedule calls",
    otherwise="The schedule deploys, and each of its calls is denied.",
    remedy="Allow the role the action of the target, and iam:PassRole where the call passes a role.",
    source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html",
    types=SCHEDULE,
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def action_of_the_role(schedule: Resource) -> Iterator[Fault]:
    role = role_of(schedule.get("Target", "RoleArn"))
    if role is None:
        return
    needed = []
    if deletes(schedule):
        needed = ["cloudformation:DeleteStack"]
        if "RoleARN" in request(schedule) or "RoleArn" in request(schedule):
            needed.append("iam:PassRole")
    elif (service := templated(schedule)) is not None:
        needed = [TEMPLATED[service][1]]
    for action in needed:
        if allows_action(role, action) is False:
            yield Fault(at="Target.RoleArn", message=f"{role.construct_path} does not allow {action}")


@rule(
    "SCHED-137e",
    constraint=137,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The role of a schedule trusts EventBridge Scheduler",
    otherwise="Refused: the execution role must allow EventBridge Scheduler to assume it.",
    remedy="Allow sts:AssumeRole to scheduler.amazonaws.com (events.amazonaws.com is for rules).",
    source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html",
    types=SCHEDULE,
)
def trust_of_the_scheduler(schedule: Resource) -> Iterator[Fault]:
    role = role_of(schedule.get("Target", "RoleArn"))
    if role is not None and assumed_by(role, "scheduler.amazonaws.com") is False:
        yield Fault(at="Target.RoleArn", message=f"{role.construct_path} does not trust scheduler.amazonaws.com")


@rule(
    "SCHED-137f",
    constraint=137,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A universal target is arn:aws:scheduler:::aws-sdk:service:action, with an action that changes something",
    otherwise="EventBridge Scheduler answers that the service or the API is not supported.",
    remedy="Leave region and account empty, write the service in lower case and the action in camelCase.",
    source=UNIVERSAL_SOURCE,
    types=SCHEDULE,
)
def universal_target(schedule: Resource) -> Iterator[Fault]:
    found = UNIVERSAL.fullmatch(target_arn(schedule))
    if found is None:
        return
    region, account, service, action = found.groups()
    if region or account:
        yield Fault(at="Target.Arn", message="a universal target with a region or an account")
    if service != service.lower() or not action[0].islower():
        yield Fault(at="Target.Arn", message=f"{service}:{action} is not in lower case and camelCase")
    if re.match(rf"(?:{'|'.join(READ_ONLY)})(?![a-z])", action):
        yield Fault(at="Target.Arn", message=f"{action} only reads")


@rule(
    "SCHED-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A schedule's window, dates, group, dead letters and region are ones that EventBridge Scheduler takes",
    otherwise="EventBridge Scheduler refuses the schedule or the group.",
    remedy="Give MaximumWindowInMinutes with FLEXIBLE only; end after the start; use a standard dead-letter queue.",
    source="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",
    types=(*SCHEDULE, "AWS::Scheduler::ScheduleGroup"),
)
def other_settings(resource: Resource) -> Iterator[Fault]:
    if resource.type != SCHEDULE[0]:
        if text(resource.get("Name")) == "default":
            yield Fault(at="Name", message="the group default exists in every account")
        return
    window = resource.get("FlexibleTimeWindow")
    mode, minutes = text(window.get("Mode")), window.get("MaximumWindowInMinutes")
    if mode == "FLEXIBLE" and minutes.absent:
        yield Fault(at=str(minutes), message="a flexible window without its length")
    if mode == "OFF" and not minutes.absent:
        yield Fault(at=str(minutes), message=f"a window of {integer(minutes)} minutes that is off")
    start, end = text(resource.get("StartDate")), text(resource.get("EndDate"))
    if start is not None and end is not None and len(start) == len(end) and start >= end:
        yield Fault(at="EndDate", message=f"{end} is not after {start}")
    letters = resource.get("Target", "DeadLetterConfig", "Arn")
    queue = target(letters, "AWS::SQS::Queue")
    literal = letters.value if isinstance(letters.value, str) else ""
    if literal.endswith(".fifo") or (queue is not None and boolean(queue.get("FifoQueue"))):
        yield Fault(at=str(letters), message="a FIFO queue for dead letters")
    arn, here = resource.get("Target", "Arn").value, resource.stack.region
    there = arn.split(":")[3] if isinstance(arn, str) and arn.count(":") > 4 else ""
    if here and there and here != there and universal(resource) is None:
        yield Fault(at="Target.Arn", message=f"the target is in {there}, the schedule in {here}")
    receiver = target(resource.get("Target", "Arn"), "AWS::SQS::Queue")
    if receiver is not None and boolean(receiver.get("FifoQueue")) and resource.get("Target", "SqsParameters").absent:
        yield Fault(at="Target.SqsParameters", message="a FIFO queue without a message group")
