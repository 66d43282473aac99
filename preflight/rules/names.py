"""Names given by hand: two of one name, names that outlive their stack, names that stand in a replacement's way."""

from __future__ import annotations

import json
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.values import text

NAMING_SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"

# Types whose names need not be unique, or are so within something that the name property does not say.
SHARED = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Backup::BackupPlan",
    "AWS::Lambda::LayerVersion",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
}
# Properties that the name is unique together with.
WITHIN = {
    "AWS::EC2::SecurityGroup": ("VpcId",),
    "AWS::ECS::Service": ("Cluster",),
    "AWS::Events::Rule": ("EventBusName",),
    "AWS::Scheduler::Schedule": ("GroupName",),
    "AWS::WAFv2::IPSet": ("Scope",),
    "AWS::WAFv2::RegexPatternSet": ("Scope",),
    "AWS::WAFv2::RuleGroup": ("Scope",),
    "AWS::WAFv2::WebACL": ("Scope",),
}
# One name for a whole account (IAM, CloudFront, budgets) or for all accounts (buckets), whatever the region.
ACCOUNT_WIDE = ("AWS::IAM::", "AWS::CloudFront::", "AWS::Budgets::", "AWS::S3::Bucket")
CASELESS = ("AWS::IAM::", "AWS::RDS::", "AWS::ElastiCache::")
NAMESPACES = {"AWS::CloudWatch::CompositeAlarm": "AWS::CloudWatch::Alarm"}

# Types that CloudFormation replaces on changes that people do make, so that a name of their own comes to bite. Nothing
# that holds data is among them: there a name that keeps CloudFormation from replacing it is a guard.
REPLACED = {
    "AWS::CloudFront::PublicKey": "its key",
    "AWS::EC2::SecurityGroup": "its description or VPC",
    "AWS::ECS::CapacityProvider": "its Auto Scaling group",
    "AWS::RDS::DBClusterParameterGroup": "its family or description",
    "AWS::RDS::DBParameterGroup": "its family or description",
}


def written_name(resource: Resource) -> str | None:
    """The physical name, or what plays its part for service-linked roles."""
    if resource.type == "AWS::IAM::ServiceLinkedRole":
        service, suffix = text(resource.get("AWSServiceName")), resource.get("CustomSuffix")
        return f"{service} {text(suffix) or ''}".strip() if service and (suffix.absent or text(suffix)) else None
    return None if resource.type in SHARED else resource.name


def is_certain(resource: Resource) -> bool:
    """Made in any case: its condition is decided, or it has none."""
    condition = resource.attribute("Condition")
    return not isinstance(condition, str) or resource.stack.resolver.condition(condition) is True


def twins(assembly: Assembly) -> Iterator[tuple[Resource, Resource]]:
    """Pairs of resources with one name in one place, as far as places are known."""
    first: dict[tuple[str, ...], Resource] = {}
    for resource in assembly.resources():
        name = written_name(resource)
        if not name or not is_certain(resource):
            continue
        kind = NAMESPACES.get(resource.type, resource.type)
        scope = json.dumps([repr(resource.get(key).value) for key in WITHIN.get(resource.type, ())])
        region = "" if kind.startswith(ACCOUNT_WIDE) else str(resource.stack.region)
        account = "" if kind == "AWS::S3::Bucket" else str(resource.stack.account)
        place = (account, region, scope)
        earlier = first.setdefault((kind, name.lower() if kind.startswith(CASELESS) else name, *place), resource)
        if earlier is not resource:
            yield earlier, resource


def surely_together(one: Resource, other: Resource) -> bool:
    """One template, or stacks of which the assembly says where they go; loose templates may be alternatives."""
    return one.stack is other.stack or bool(one.stack.region and other.stack.region)


@rule(
    "CFN-133",
    constraint=133,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="What outlives its stack has no fixed name",
    otherwise="After a failed create or a delete the resource stays, and the next deploy fails: it already exists.",
    remedy="Leave the name away, or use the deletion policy RetainExceptOnCreate.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
    lacks=("DeletionPolicy",),
)
def retained_with_a_name(assembly: Assembly) -> Iterator[Fault]:
    for resource in assembly.resources():
        name = written_name(resource)
        if name and resource.attribute("DeletionPolicy") == "Retain":
            yield Fault(at="DeletionPolicy", message=f"retains what is named {name}", resource=resource)


@rule(
    "CFN-133b",
    constraint=133,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="No two resources of one type have one name in one place",
    otherwise="The second one fails: it already exists.",
    remedy="Leave the names to CloudFormation, or put the stack's name (and for IAM the region) into them.",
    source=NAMING_SOURCE,
)
def one_name_twice(assembly: Assembly) -> Iterator[Fault]:
    for earlier, resource in twins(assembly):
        if surely_together(earlier, resource):
            message = f"{earlier.construct_path} is named {written_name(resource)}, too"
            yield Fault(at="Name", message=message, resource=resource)


@rule(
    "CFN-133c",
    constraint=133,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="Templates that may meet in one account do not name things alike",
    otherwise="If both go to one account and region, the second one fails: it already exists.",
    remedy="Put the stack's name into the name, or say where the stacks go.",
    source=NAMING_SOURCE,
)
def one_name_in_two_templates(assembly: Assembly) -> Iterator[Fault]:
    for earlier, resource in twins(assembly):
        if not surely_together(earlier, resource):
            message = f"{earlier.construct_path} is named {written_name(resource)}, too"
            yield Fault(at="Name", message=message, resource=resource)


@rule(
    "CFN-133d",
    constraint=133,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="What a change may replace has no fixed name",
    otherwise="CloudFormation cannot update a stack when a custom-named resource requires replacing.",
    remedy="Leave the name away; where something outside needs it, rename with each replacement.",
    source=NAMING_SOURCE,
    types=tuple(REPLACED),
)
def named_and_replaceable(resource: Resource) -> Iterator[Fault]:
    if name := resource.name:
        yield Fault(at="Name", message=f"named {name}; a change of {REPLACED[resource.type]} replaces it")
