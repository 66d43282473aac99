"""Weak references between stacks (Fn::GetStackOutput): how many, to what, from where, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from preflight.assembly import Assembly, Resource, Stack
from preflight.references import stack_references
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.remembering import remembered
from preflight.values import ABSENT, Reference

WEAK_SOURCE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "intrinsic-function-reference-getstackoutput.html"
)
IMPORT_SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-importvalue.html"
_PER_OCCURRENCE = "https://github.com/aws/aws-cdk/issues/38010"
THROTTLED = 75
"""Occurrences of the one report there is (aws-cdk#38010, May 2026, closed since without saying what changed): looked
up one by one, they used up DescribeStacks' one call a second."""
MANY = 50
"""Two thirds of that: nobody reported so few to fail, but the same calls per second are shared by all of an account."""
# Every change makes a new one of these, so that a value read once is soon the value of something gone.
REPLACED_BY_EVERY_CHANGE = {
    "AWS::ApiGateway::Deployment",
    "AWS::AutoScaling::LaunchConfiguration",
    "AWS::Batch::JobDefinition",
    "AWS::ECS::TaskDefinition",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
}


@dataclass(frozen=True)
class Weak:
    """One Fn::GetStackOutput with what is known of its arguments."""

    at: Resource | None
    """The resource that it stands in; None for outputs and other places."""
    stack: str | None
    output: str | None
    region: str | None
    role: bool
    owner: Stack | None
    """The stack in the assembly that it reads, in the region that it asks."""


def weak_references(consumer: Stack) -> list[Weak]:
    """Every weak reference of a template, once for each resource that it stands in."""
    return remembered(consumer, "weak references", lambda: _all_weak(consumer))


def _all_weak(consumer: Stack) -> list[Weak]:
    found: dict[Weak, None] = {}
    for resource in consumer.resources.values():
        found |= dict.fromkeys(_weak(consumer, resource, resource.raw.get("Properties")))
    return list(found | dict.fromkeys(_weak(consumer, None, consumer.outputs)))


def _weak(consumer: Stack, at: Resource | None, raw: Any) -> Iterator[Weak]:
    for argument in stack_references(raw, consumer.resolver.condition).outputs:
        if isinstance(argument, dict):
            name = known_text(consumer, argument.get("StackName"))
            region = known_text(consumer, argument["Region"]) if "Region" in argument else consumer.region
            owner = consumer.assembly.stack(name, region) if name and name != consumer.name else None
            role = "RoleArn" in argument and consumer.resolver.resolve(argument["RoleArn"]) is not ABSENT
            yield Weak(at, name, known_text(consumer, argument.get("OutputName")), region, role, owner)


def known_text(stack: Stack, raw: Any) -> str | None:
    value = stack.resolver.resolve(raw)
    return value if isinstance(value, str) else None


def partition(region: str) -> str:
    for prefix in ("cn-", "us-gov-", "eusc-", "us-iso-", "us-isob-", "eu-isoe-", "us-isof-"):
        if region.startswith(prefix):
            return prefix
    return "aws"


@rule(
    "CFN-127",
    constraint=127,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A weak reference is not to something that every change replaces",
    otherwise="The consumer keeps the old value: its template does not change, so nothing updates it.",
    remedy="Put both into one stack, or refer to something stable: an alias, a name, a parameter read at run time.",
    source=WEAK_SOURCE,
)
def weak_reference_to_something_replaced(assembly: Assembly) -> Iterator[Fault]:
    for consumer in assembly.stacks:
        for weak in weak_references(consumer):
            if weak.owner is None or weak.output is None:
                continue
            value = weak.owner.output(weak.output)
            if isinstance(value, Reference) and value.resource.type in REPLACED_BY_EVERY_CHANGE:
                message = f"reads {value.resource.construct_path} through output {weak.output} of {weak.owner.name}"
                yield Fault(at="Fn::GetStackOutput", message=message, resource=weak.at, stack=consumer)


@rule(
    "CFN-128",
    constraint=128,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title=f"A template has fewer than {THROTTLED} occurrences of Fn::GetStackOutput",
    otherwise=f"Each occurrence is looked up on its own; with {THROTTLED} of them a deploy failed with Throttling.",
    remedy="Read each output once, into an SSM parameter or a stack parameter, and refer to that.",
    source=_PER_OCCURRENCE,
)
def too_many_weak_references(assembly: Assembly) -> Iterator[Fault]:
    for stack in assembly.stacks:
        if (count := _occurrences(stack)) >= THROTTLED:
            yield Fault(at="Fn::GetStackOutput", message=f"{count} occurrences in {stack.name}", stack=stack)


@rule(
    "CFN-128b",
    constraint=128,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title=f"A template has fewer than {MANY} occurrences of Fn::GetStackOutput",
    otherwise=f"Each occurrence is looked up, one a second: {THROTTLED} were throttled, and other stacks deployed at "
    "the same time take from the same quota.",
    remedy="Read each output once, into an SSM parameter or a stack parameter, and refer to that.",
    source=_PER_OCCURRENCE,
)
def many_weak_references(assembly: Assembly) -> Iterator[Fault]:
    for stack in assembly.stacks:
        if MANY <= (count := _occurrences(stack)) < THROTTLED:
            yield Fault(at="Fn::GetStackOutput", message=f"{count} occurrences in {stack.name}", stack=stack)


def _occurrences(stack: Stack) -> int:
    return len(stack_references(stack.template).outputs)


@rule(
    "CFN-129",
    constraint=129,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A weak reference reads an output that its stack has",
    otherwise="The deployment of the consumer fails: the stack has no such output.",
    remedy="Name an output of the producer, or add it there and deploy the producer first.",
    source=WEAK_SOURCE,
    lacks=("Outputs",),
)
def weak_reference_without_an_output(assembly: Assembly) -> Iterator[Fault]:
    for consumer in assembly.stacks:
        for weak in weak_references(consumer):
            if weak.owner is not None and weak.output is not None and weak.output not in weak.owner.outputs:
                message = f"stack {weak.owner.name} has no output {weak.output}"
                yield Fault(at="Fn::GetStackOutput", message=message, resource=weak.at, stack=consumer)


@rule(
    "CFN-129b",
    constraint=129,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A weak reference stays within its partition",
    otherwise="CloudFormation does not read stacks across partitions; the deployment fails.",
    remedy="Pass the value as a parameter.",
    source=WEAK_SOURCE,
)
def weak_reference_across_partitions(assembly: Assembly) -> Iterator[Fault]:
    for consumer in assembly.stacks:
        for weak in weak_references(consumer):
            if weak.region and consumer.region and partition(weak.region) != partition(consumer.region):
                message = f"reads {weak.stack} in {weak.region} from {consumer.region}"
                yield Fault(at="Fn::GetStackOutput.Region", message=message, resource=weak.at, stack=consumer)


@rule(
    "CFN-129c",
    constraint=129,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A weak reference into another account names a role there",
    otherwise="The execution role looks in its own account, where there is no such stack.",
    remedy="Add RoleArn: a role there that may DescribeStacks and that the execution role may assume.",
    source=WEAK_SOURCE,
)
def weak_reference_without_a_role(assembly: Assembly) -> Iterator[Fault]:
    for consumer in assembly.stacks:
        for weak in weak_references(consumer):
            owner = weak.owner
            if owner is None or weak.role or not owner.account or not consumer.account:
                continue
            if owner.account != consumer.account:
                message = f"reads {owner.name} of account {owner.account} without RoleArn"
                yield Fault(at="Fn::GetStackOutput", message=message, resource=weak.at, stack=consumer)


@rule(
    "CFN-129d",
    constraint=129,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A weak reference asks in the region where its stack is",
    otherwise="Without Region the consumer's own one is asked, and the deployment fails: the stack does not exist.",
    remedy="Put the producer's region into Region.",
    source=WEAK_SOURCE,
)
def weak_reference_in_the_wrong_region(assembly: Assembly) -> Iterator[Fault]:
    for consumer in assembly.stacks:
        for weak in weak_references(consumer):
            if weak.stack is None or weak.region is None or weak.owner is not None:
                continue
            elsewhere = assembly.stack(weak.stack)
            if elsewhere is not None:
                message = f"asks for {weak.stack} in {weak.region}; it is in {elsewhere.region}"
                yield Fault(at="Fn::GetStackOutput.Region", message=message, resource=weak.at, stack=consumer)


@rule(
    "CFN-129e",
    constraint=129,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A stack that reads another one's output is deployed after it",
    otherwise="On the first deploy the output is not there yet, and the stack rolls back.",
    remedy="Declare the order (`consumer.add_dependency(producer)` in the CDK).",
    source=WEAK_SOURCE,
)
def weak_reference_without_an_order(assembly: Assembly) -> Iterator[Fault]:
    if not any(stack.depends_on for stack in assembly.stacks):
        return  # lone templates: whoever deploys them knows the order
    for consumer in assembly.stacks:
        before = stacks_before(consumer)
        for weak in weak_references(consumer):
            owner = weak.owner
            if owner is not None and owner is not consumer and owner not in before:
                message = f"{consumer.name} reads {owner.name} and is not ordered behind it"
                yield Fault(at="Fn::GetStackOutput", message=message, resource=weak.at, stack=consumer)


def stacks_before(stack: Stack) -> set[Stack]:
    """What the assembly deploys before it, directly or not."""
    found: set[Stack] = set()
    pending = [stack]
    while pending:
        for name in pending.pop().depends_on:
            for other in stack.assembly.stacks:
                if other.name == name and other not in found:
                    found.add(other)
                    pending.append(other)
    return found
