"""S3 replication of objects encrypted with KMS: the keys of both ends, and who may use them."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.policies import Statement, statements
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.kms import customer_key
from preflight.rules.s3 import BUCKET, encryption
from preflight.rules.s3_replication import active_rules, is_off, is_on, replication_rules
from preflight.values import Reference, Text, entries, target

_DESTINATION_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html"
_KMS_OBJECTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"


@rule(
    "S3-80",
    constraint=80,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="Replication of a bucket encrypted with KMS includes its encrypted objects",
    otherwise="Objects encrypted with KMS are skipped: the bucket looks replicated, and its copy stays empty.",
    remedy="Enable SourceSelectionCriteria.SseKmsEncryptedObjects and give the destination's ReplicaKmsKeyID.",
    source=_KMS_OBJECTS,
    types=(BUCKET,),
)
def encrypted_objects(bucket: Resource) -> Iterator[Fault]:
    algorithm, _ = encryption(bucket)
    if algorithm is None or not algorithm.startswith("aws:kms"):
        return
    for each in active_rules(bucket):
        chosen = each.get("SourceSelectionCriteria", "SseKmsEncryptedObjects")
        if is_off(chosen):
            yield Fault(at=str(chosen), message="the bucket's own encrypted objects are left out")


@rule(
    "S3-80b",
    constraint=80,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Replicating encrypted objects names the key of the replicas",
    otherwise="PutBucketReplication refuses the rule.",
    remedy="Give Destination.EncryptionConfiguration.ReplicaKmsKeyID, a key in the destination's region.",
    source=_DESTINATION_API,
    types=(BUCKET,),
)
def replica_key(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        node = each.get("Destination", "EncryptionConfiguration", "ReplicaKmsKeyID")
        if is_on(each.get("SourceSelectionCriteria", "SseKmsEncryptedObjects")) and node.absent:
            yield Fault(at=str(node), message="encrypted objects without a key for the replicas")


@rule(
    "S3-80c",
    constraint=80,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A key for replicas comes with the selection of encrypted objects",
    otherwise="PutBucketReplication refuses the rule.",
    remedy="Enable SourceSelectionCriteria.SseKmsEncryptedObjects, or drop EncryptionConfiguration.",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/26241",
    types=(BUCKET,),
)
def key_without_selection(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        node = each.get("Destination", "EncryptionConfiguration")
        selection = each.get("SourceSelectionCriteria", "SseKmsEncryptedObjects")
        if node.present and selection.absent:
            yield Fault(at=str(selection), message="a key for replicas, and no SseKmsEncryptedObjects")


@rule(
    "S3-80d",
    constraint=80,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The key of replicas is in the destination's region",
    otherwise="Each replication fails with the status FAILED.",
    remedy="Use a key of the destination bucket's region.",
    source=_KMS_OBJECTS,
    types=(BUCKET,),
)
def region_of_replica_key(bucket: Resource) -> Iterator[Fault]:
    for each in replication_rules(bucket):
        node = each.get("Destination", "EncryptionConfiguration", "ReplicaKmsKeyID")
        destination, key = target(each.get("Destination", "Bucket"), BUCKET), customer_key(node)
        there = destination.stack.region if destination is not None else None
        written = node.value.split(":") if isinstance(node.value, str) else []
        region = key.stack.region if key is not None else written[3] if len(written) > 5 else None
        if there and region and region != there:
            yield Fault(at=str(node), message=f"a key of {region} for a bucket in {there}")


@rule(
    "S3-80e",
    constraint=80,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The replication role may decrypt with the source's key and encrypt with the replicas'",
    otherwise="Each replication fails with the status FAILED.",
    remedy="Allow the role kms:Decrypt on the bucket's key and kms:Encrypt on the replicas' key.",
    source=_KMS_OBJECTS,
    types=(BUCKET,),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def rights_on_keys(bucket: Resource) -> Iterator[Fault]:
    role = target(bucket.get("ReplicationConfiguration", "Role"), "AWS::IAM::Role")
    granted = _statements_of(role) if role is not None else None
    if role is None or granted is None:
        return
    _, own = encryption(bucket)
    for each in active_rules(bucket):
        if not is_on(each.get("SourceSelectionCriteria", "SseKmsEncryptedObjects")):
            continue
        replicas = each.get("Destination", "EncryptionConfiguration", "ReplicaKmsKeyID")
        for node, action in ((own, "kms:Decrypt"), (replicas, "kms:Encrypt")):
            key = customer_key(node)
            if key is not None and not _may(granted, action, key) and not _named_in_policy(key, role):
                message = f"{role.construct_path} may not {action} with {key.construct_path}"
                yield Fault(at=str(node), message=message)


def _statements_of(role: Resource) -> list[Statement] | None:
    """What a role is allowed; None where the template does not show it all."""
    if not role.get("ManagedPolicyArns").absent:
        return None
    policies = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
    documents = [policy.get("PolicyDocument") for policy in entries(role.get("Policies"))]
    documents += [policy.get("PolicyDocument") for policy in role.referrers if policy.type in policies]
    found = [statement for document in documents for statement in statements(document)]
    return None if any(statement.undecided for statement in found) else found


def _may(granted: list[Statement], action: str, key: Resource) -> bool:
    return any(
        statement.effect == "Allow"
        and statement.covers(action)
        and any(_means(one, key) for one in statement.resources)
        for statement in granted
    )


def _means(resource: object, key: Resource) -> bool:
    """Whether a statement's resource is, or could be, this key."""
    if isinstance(resource, Reference):
        return resource.resource is key or resource.resource.type not in ("AWS::KMS::Key", "AWS::S3::Bucket")
    if isinstance(resource, Text) and resource.references:
        return any(one.resource is key for one in resource.references)
    return not isinstance(resource, str) or "*" in resource or ":kms:" in resource


def _named_in_policy(key: Resource, role: Resource) -> bool:
    return any(
        isinstance(principal, Reference) and principal.resource is role
        for statement in statements(key.get("KeyPolicy"))
        for principal in statement.principals("AWS")
    )
