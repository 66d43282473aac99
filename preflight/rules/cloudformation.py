"""CloudFormation itself: how large a template may be, circles in it, what its roles need, where it is bootstrapped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource, Stack
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.graphs import circles
from preflight.rules.role_grants import allows_action, trusts
from preflight.values import mapping

QUOTAS_SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
SECTIONS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
TEMPLATE_BYTES = 1_000_000

# What hands a role to a service, and so asks whoever makes it for iam:PassRole.
PASSING = {
    "ecs:CreateService": "ECS services",
    "ecs:RegisterTaskDefinition": "task definitions",
    "lambda:CreateFunction": "functions",
    "scheduler:CreateSchedule": "schedules",
    "backup:CreateBackupSelection": "backup selections",
    "codebuild:CreateProject": "builds",
    "codepipeline:CreatePipeline": "pipelines",
    "states:CreateStateMachine": "state machines",
}


@rule(
    "CFN-132",
    constraint=132,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A template has at most 500 resources and 200 each of parameters, outputs and mappings",
    otherwise="CloudFormation refuses the template.",
    remedy="Split the stack.",
    source=QUOTAS_SOURCE,
)
def counts(assembly: Assembly) -> Iterator[Fault]:
    for stack in assembly.stacks:
        for section, most in SECTIONS.items():
            entries = stack.template.get(section)
            count = len(entries) if isinstance(entries, dict) else 0
            if count > most:
                yield Fault(at=section, message=f"{count} {section.lower()}, {most} is the most", stack=stack)
        for name, declared in mapping(stack.template.get("Mappings")).items():
            keys = max((len(mapping(values)) for values in mapping(declared).values()), default=0)
            if keys > SECTIONS["Mappings"]:
                yield Fault(
                    at=f"Mappings.{name}", message=f"{keys} attributes in a mapping, 200 is the most", stack=stack
                )


@rule(
    "CFN-132b",
    constraint=132,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A template is at most 1 MB large",
    otherwise="CloudFormation refuses it: a template may not exceed 1000000 bytes.",
    remedy="Split the stack; move inline code, dashboards and long policies into files of their own.",
    source=QUOTAS_SOURCE,
)
def size(assembly: Assembly) -> Iterator[Fault]:
    for stack in assembly.stacks:
        taken = max(stack.size, _written(stack))
        if taken > TEMPLATE_BYTES:
            yield Fault(at="", message=f"{taken:,} bytes", stack=stack)


def _written(stack: Stack) -> int:
    """The least that a JSON template takes, as it is now: what was changed in memory has no file to measure."""
    if stack.file.endswith((".yaml", ".yml")):
        return 0  # aliases may make it much shorter than its JSON
    try:
        return len(json.dumps(stack.template, separators=(",", ":"), ensure_ascii=False, default=str))
    except (RecursionError, ValueError):
        return 0


@rule(
    "CFN-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Resources of a template do not need each other in a circle",
    otherwise="CloudFormation refuses the template: circular dependency between resources.",
    remedy="Break the circle with a resource of its own: a security group rule, a policy, a bucket notification.",
    source="https://repost.aws/knowledge-center/cloudformation-circular-dependency-cfn",
)
def circle_of_resources(assembly: Assembly) -> Iterator[Fault]:
    for stack in assembly.stacks:
        # A transform rewrites serverless resources into several, between which there need not be a circle.
        needs = {
            key: resource.dependencies
            for key, resource in stack.resources.items()
            if not resource.type.startswith("AWS::Serverless::")
        }
        for circle in circles(needs):
            names = " → ".join([*circle[:8], "…"] if len(circle) > 8 else [*circle, circle[0]])
            yield Fault(at="DependsOn", message=f"need each other: {names}", resource=stack.resources[circle[0]])


@rule(
    "CFN-131",
    constraint=131,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An execution role that makes things with roles may pass roles",
    otherwise="The stack fails half-way with AccessDenied on iam:PassRole.",
    remedy="Allow iam:PassRole for the infrastructure, hook, task, scheduler and backup roles.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    types=("AWS::IAM::Role",),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def execution_role_that_passes_none(role: Resource) -> Iterator[Fault]:
    if "cloudformation.amazonaws.com" not in trusts(role) or allows_action(role, "iam:PassRole") is not False:
        return
    made = [words for action, words in PASSING.items() if allows_action(role, action)]
    if made:
        yield Fault(at="Policies", message=f"may make {', '.join(made)} and pass no role")


@rule(
    "CFN-140",
    constraint=140,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="All stacks of an assembly use one bootstrap",
    otherwise="Each qualifier needs a bootstrap of its own in the region: SSM parameter /cdk-bootstrap/… not found.",
    remedy="Give all stacks the same qualifier, and bootstrap each account and region with it.",
    source="https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html",
)
def several_bootstraps(assembly: Assembly) -> Iterator[Fault]:
    first: dict[tuple[str | None, str | None], tuple[str, Stack]] = {}
    for stack in assembly.stacks:
        version = mapping(stack.parameters.get("BootstrapVersion")).get("Default")
        found = re.fullmatch(r"/cdk-bootstrap/([^/]+)/version", version) if isinstance(version, str) else None
        if not found:
            continue
        qualifier, other = first.setdefault((stack.account, stack.region), (found[1], stack))
        if qualifier != found[1]:
            message = f"the qualifier is {found[1]}; {other.name} in the same place has {qualifier}"
            yield Fault(at="Parameters.BootstrapVersion", message=message, stack=stack)
