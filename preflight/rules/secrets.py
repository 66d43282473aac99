"""Secrets Manager: names, replicas, and copies of values that rotate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from preflight.assembly import Assembly, Resource
from preflight.references import stack_references
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.kms import customer_key
from preflight.values import entries, target, text

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105
SCHEDULE = "AWS::SecretsManager::RotationSchedule"
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"


@rule(
    "SECRET-91",
    constraint=91,
    severity=Severity.SILENT,
    confidence=Confidence.REPORTED,
    title="The key of a replica of a secret is in the replica's region",
    otherwise="The stack reports success, and the replica is missing.",
    remedy="Name a key (or replica of a multi-Region key) of that region, or an alias that exists there.",
    source="https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1459",
    types=(SECRET,),
)
def replica_key(secret: Resource) -> Iterator[Fault]:
    for replica in entries(secret.get("ReplicaRegions")):
        region, node = text(replica.get("Region")), replica.get("KmsKeyId")
        key = customer_key(node)
        written = node.value.split(":") if isinstance(node.value, str) else []
        if isinstance(node.value, str) and node.value.startswith("alias/"):
            continue  # looked up in the replica's region
        other = key.stack.region if key is not None else written[3] if len(written) > 5 else None
        if region and other and region != other:
            yield Fault(at=str(node), message=f"a key of {other} for a replica in {region}")


@rule(
    "SECRET-91b",
    constraint=91,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A secret is replicated to other regions, once to each",
    otherwise="Secrets Manager refuses a replica in the secret's own region.",
    remedy="List each other region once.",
    source="https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html",
    types=(SECRET,),
)
def replica_regions(secret: Resource) -> Iterator[Fault]:
    seen = {secret.stack.region}
    for replica in entries(secret.get("ReplicaRegions")):
        region = text(replica.get("Region"))
        if region is not None and region in seen:
            yield Fault(at=replica.path("Region"), message=f"{region} has it already")
        seen.add(region)


@rule(
    "SECRET-92",
    constraint=92,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A secret that goes with its stack has no fixed name",
    otherwise="A deleted secret may keep its name for 7 to 30 days, and creating the stack again fails meanwhile.",
    remedy="Leave Name out, or retain the secret.",
    source="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html",
    types=(SECRET,),
    lacks=("DeletionPolicy",),
)
def fixed_name(secret: Resource) -> Iterator[Fault]:
    kept = str(secret.attribute("DeletionPolicy") or "").startswith("Retain")
    if text(secret.get("Name")) is not None and not kept:
        yield Fault(at="Name", message="a fixed name on a secret that its stack deletes")


@rule(
    "SECRET-97",
    constraint=97,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="A password that rotates is not copied into a resource by a dynamic reference",
    otherwise="CloudFormation reads it only when that resource changes: after the next rotation the copy is stale.",
    remedy="Let the program read the secret itself (ECS Secrets, the SDK), or rotate by changing the resource.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html",
)
def stale_copies(assembly: Assembly) -> Iterator[Fault]:
    secrets = (_secret_of(schedule) for schedule in assembly.of_type(SCHEDULE))
    rotated = {secret for secret in secrets if secret is not None}
    for resource in assembly.resources() if rotated else ():
        if resource.type in _DATABASES:
            continue  # the rotation changes the database's password itself
        properties = resource.raw.get("Properties")
        for key, value in properties.items() if isinstance(properties, dict) else ():
            if any(_reads(resource, written) in rotated for written in _dynamic_references(value)):
                yield Fault(at=str(key), message="holds a copy of a secret that rotates", resource=resource)


_DATABASES = (
    "AWS::DocDB::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::SecretsManager::SecretTargetAttachment",
)
_NAME = re.compile(r"\{\{resolve:secretsmanager:([^:}]+)")
_JSON_KEY = re.compile(r":SecretString:(\w+)")


def _reads(resource: Resource, written: Any) -> Resource | None:
    """The secret that a dynamic reference names: by reference in its own stack, or by a literal name."""
    if isinstance(written, str):
        name = _NAME.search(written)
        return resource.stack.assembly.named(SECRET, name[1]) if name else None
    named = sorted(stack_references(written).resources)
    secrets = (_rotating(resource.stack.resources.get(name)) for name in named)
    return next((secret for secret in secrets if secret is not None), None)


def _secret_of(schedule: Resource) -> Resource | None:
    return _rotating(target(schedule.get("SecretId"), SECRET, ATTACHMENT))


def _rotating(resource: Resource | None) -> Resource | None:
    """The secret, also behind its attachment."""
    if resource is not None and resource.type == ATTACHMENT:
        return target(resource.get("SecretId"), SECRET)
    return resource if resource is not None and resource.type == SECRET else None


def _dynamic_references(raw: Any) -> Iterator[Any]:
    """Texts, joins and Subs that read a secret's password, or all of it."""
    pending = [raw]
    while pending:
        value = pending.pop()
        function = isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Fn::Join", "Fn::Sub")
        if function or isinstance(value, str):
            written = value if isinstance(value, str) else json.dumps(value, default=str)
            key = _JSON_KEY.search(written)
            if "{{resolve:secretsmanager:" in written and (key is None or "password" in key[1].lower()):
                yield value
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
