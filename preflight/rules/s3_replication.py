"""S3 replication: rules that S3 accepts, and what it needs to copy anything."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.kms import service_may
from preflight.rules.ordering import made_before
from preflight.rules.presence import certain
from preflight.rules.s3 import BUCKET, versioned
from preflight.values import Node, integer, target, text

_RULE_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html"
_DESTINATION_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html"
_REQUIREMENTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html"
_KMS_OBJECTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"
_CDK_BUCKET = "https://github.com/aws/aws-cdk/pull/30966"


def replication_rules(bucket: Resource) -> list[Node]:
    return certain(bucket.get("ReplicationConfiguration", "Rules"))


def active_rules(bucket: Resource) -> list[Node]:
    return [each for each in replication_rules(bucket) if text(each.get("Status")) == "Enabled"]


def is_on(node: Node) -> bool:
    return text(node.get("Status")) == "Enabled"


def is_off(node: Node) -> bool:
    """Decidedly absent or disabled."""
    return node.absent or node.get("Status").absent or text(node.get("Status")) == "Disabled"


@rule(
    "S3-79",
    constraint=79,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Replication time control comes with replication metrics",
    otherwise="PutBucketReplication refuses the rule, and the bucket's update rolls back.",
    remedy="Add Metrics, enabled, with an EventThreshold of 15 minutes beside ReplicationTime.",
    source=_DESTINATION_API,
    types=(BUCKET,),
)
def time_control_needs_metrics(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        destination = each.get("Destination")
        if is_on(destination.get("ReplicationTime")) and is_off(destination.get("Metrics")):
            yield Fault(at=destination.path("Metrics"), message="replication time control without metrics")


@rule(
    "S3-79b",
    constraint=79,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Replication time and its event threshold are 15 minutes",
    otherwise="PutBucketReplication refuses the rule.",
    remedy="Set both to 15, the only value there is.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html",
    types=(BUCKET,),
)
def fifteen_minutes(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        for keys in (("ReplicationTime", "Time", "Minutes"), ("Metrics", "EventThreshold", "Minutes")):
            node = each.get("Destination", *keys)
            minutes = integer(node)
            if minutes is not None and minutes != 15:
                yield Fault(at=str(node), message=f"{minutes} minutes")


@rule(
    "S3-79c",
    constraint=79,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Rules that select by tag do not replicate delete markers",
    otherwise="PutBucketReplication refuses the rule.",
    remedy="Set DeleteMarkerReplication to Disabled, or select by prefix alone.",
    source=_RULE_API,
    types=(BUCKET,),
)
def tags_without_delete_markers(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        chosen = each.get("Filter")
        by_tag = chosen.get("TagFilter").present or bool(certain(chosen.get("And", "TagFilters")))
        if by_tag and is_on(each.get("DeleteMarkerReplication")):
            yield Fault(at=each.path("DeleteMarkerReplication", "Status"), message="delete markers of a rule by tag")


@rule(
    "S3-79d",
    constraint=79,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="Several replication rules have each a priority of its own",
    otherwise="PutBucketReplication refuses the configuration.",
    remedy="Number the rules in Priority; the highest wins.",
    source=_CDK_BUCKET,
    types=(BUCKET,),
)
def priorities(bucket: Resource) -> Iterator[Fault]:
    rules = replication_rules(bucket)
    seen: set[int] = set()
    for each in rules if len(rules) > 1 else []:
        node = each.get("Priority")
        # Without a filter a rule is of the first version of the schema, which knows no priority.
        if node.absent and each.get("Filter").present:
            yield Fault(at=str(node), message=f"no priority in one of {len(rules)} rules")
        priority = integer(node)
        if priority is not None and priority in seen:
            yield Fault(at=str(node), message=f"a second rule of priority {priority}")
        if priority is not None:
            seen.add(priority)


@rule(
    "S3-79e",
    constraint=79,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A replication rule with a filter says what becomes of delete markers",
    otherwise="PutBucketReplication refuses the rule.",
    remedy="Add DeleteMarkerReplication, enabled or disabled.",
    source=_RULE_API,
    types=(BUCKET,),
)
def delete_markers_decided(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        if each.get("Filter").present and each.get("DeleteMarkerReplication").absent:
            yield Fault(at=each.path("DeleteMarkerReplication"), message="a filter without DeleteMarkerReplication")


@rule(
    "S3-81",
    constraint=81,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A bucket that is replicated keeps versions",
    otherwise="PutBucketReplication refuses a source without versioning.",
    remedy="Set VersioningConfiguration to Enabled.",
    source=_REQUIREMENTS,
    types=(BUCKET,),
)
def source_versioned(bucket: Resource) -> Iterator[Fault]:
    if replication_rules(bucket) and versioned(bucket) is False:
        yield Fault(at="VersioningConfiguration.Status", message="replication without versioning")


@rule(
    "S3-81b",
    constraint=81,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The bucket that replicas go to keeps versions",
    otherwise="PutBucketReplication refuses a destination without versioning.",
    remedy="Set VersioningConfiguration to Enabled on the destination.",
    source=_REQUIREMENTS,
    types=(BUCKET,),
)
def destination_versioned(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        node = each.get("Destination", "Bucket")
        destination = target(node, BUCKET)
        if destination is not None and versioned(destination) is False:
            yield Fault(at=str(node), message=f"{destination.construct_path} keeps no versions")


@rule(
    "S3-81c",
    constraint=81,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The bucket that replicas go to is made first",
    otherwise="PutBucketReplication refuses a destination that does not exist yet.",
    remedy="Refer to the destination by its Arn, or add it to DependsOn; deploy the second region's stack first.",
    source=_REQUIREMENTS,
    types=(BUCKET,),
    lacks=("DependsOn",),
)
def destination_first(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        node = each.get("Destination", "Bucket")
        destination = target(node, BUCKET)
        if destination is None or destination is bucket:
            continue
        if destination.stack is bucket.stack:
            late = destination.logical_id not in made_before(bucket)
        else:
            late = bucket.stack.name in destination.stack.depends_on
        if late:
            yield Fault(at=str(node), message=f"nothing has {destination.construct_path} made first")


@rule(
    "S3-201",
    constraint=None,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="S3 may assume the replication role",
    otherwise="Nothing is replicated.",
    remedy="Let the role's trust policy allow s3.amazonaws.com sts:AssumeRole.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html",
    types=(BUCKET,),
)
def trust(bucket: Resource) -> Iterator[Fault]:
    node = bucket.get("ReplicationConfiguration", "Role")
    role = target(node, "AWS::IAM::Role")
    if (
        role is not None
        and service_may(role.get("AssumeRolePolicyDocument"), "sts:AssumeRole", "s3.amazonaws.com") is False
    ):
        yield Fault(at=str(node), message=f"{role.construct_path} does not trust s3.amazonaws.com")
