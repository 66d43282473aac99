"""KMS keys: policies that KMS accepts, and kinds of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.policies import allows, statements
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ordering import made_before
from preflight.values import Node, Text, Unknown, boolean, entries, reference, target, text

KEYS = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
_KEY = "AWS::KMS::Key"

_KEY_TEMPLATE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html"
_REPLICA_TEMPLATE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-replicakey.html"
)
_PRINCIPALS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"

_USES = {
    "SYMMETRIC_DEFAULT": ("ENCRYPT_DECRYPT",),
    "RSA_": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
    "ECC_NIST_P": ("SIGN_VERIFY", "KEY_AGREEMENT"),
    "ECC_": ("SIGN_VERIFY",),
    "HMAC_": ("GENERATE_VERIFY_MAC",),
    "ML_DSA_": ("SIGN_VERIFY",),
    "SM2": ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"),
}
"""What a key of each spec (the first that its name begins with) can be used for."""


def customer_key(node: Node) -> Resource | None:
    """The key of the assembly that a property names by id, ARN or alias."""
    if (key := target(node, *KEYS)) is not None:
        return key
    alias = target(node, "AWS::KMS::Alias")
    return target(alias.get("TargetKeyId"), *KEYS) if alias is not None else None


def aws_managed(node: Node, service: str) -> bool:
    """Whether a property names the key that AWS keeps for `service`, whose policy nobody can change."""
    alias = f"alias/aws/{service}"
    value = node.value
    if isinstance(value, Text):
        return value.endswith(alias) is True
    return isinstance(value, str) and value.endswith(alias)


def service_may(document: Node, action: str, service: str) -> bool | None:
    """Whether a resource policy lets a service principal do this; None where that cannot be decided."""
    if isinstance(document.value, str):
        return None  # a policy as one JSON text: nobody writes them so
    answer = allows(document, action=action, service=service)
    if answer is not True and any(
        statement.effect == "Allow" and statement.covers(action) and "*" in statement.principals("AWS")
        for statement in statements(document)
    ):
        return True  # {"AWS": "*"} is everyone, services included
    return answer


def key_lets(key: Resource, action: str, service: str) -> bool | None:
    """The same of a key; its default policy lets no service do anything."""
    policy = key.get("KeyPolicy")
    return False if policy.absent else service_may(policy, action, service)


@rule(
    "KMS-102",
    constraint=102,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A policy names only roles and users that exist when it is put in place",
    otherwise="The policy is refused for an invalid principal.",
    remedy="Refer to the role by GetAtt, or add it to DependsOn; across stacks allow the account root with an "
    "aws:PrincipalArn condition.",
    source=_PRINCIPALS,
    lacks=("DependsOn",),
)
def principals_exist(assembly: Assembly) -> Iterator[Fault]:
    for kind, key in _POLICIES.items():
        for resource in assembly.of_type(kind):
            document = resource.get(key)
            for statement in statements(document):
                for principal in statement.principals("AWS"):
                    identity = _later(resource, principal)
                    if identity is not None:
                        message = f"names {identity.construct_path}, which nothing has made first"
                        yield Fault(at=key, message=message, resource=resource)


_POLICIES = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
}


_IDENTITY = re.compile(r"arn:[^:]*:iam::(?P<account>\0|\d{12}):(?P<kind>role|user)/(?:.*/)?(?P<name>[^/\0]+)")


def _later(resource: Resource, principal: object) -> Resource | None:
    """The role or user behind a written ARN, when its stack may make it after `resource`."""
    written = principal.literal if isinstance(principal, Text) else principal
    found = _IDENTITY.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        return None
    account = resource.stack.account
    if found["account"] != account and not (found["account"] == "\0" and _own_account(principal)):
        return None
    kind = "AWS::IAM::Role" if found["kind"] == "role" else "AWS::IAM::User"
    identity = resource.stack.assembly.named(kind, found["name"])
    if identity is None or identity is resource:
        return None
    if identity.stack is resource.stack:
        return None if identity.logical_id in made_before(resource) else identity
    # Another stack: only where that one is known to come later.
    return identity if resource.stack.name in identity.stack.depends_on else None


def _own_account(principal: object) -> bool:
    """In a template for any account, whether the account is AWS::AccountId rather than some parameter."""
    parts = principal.parts if isinstance(principal, Text) else ()
    return any(isinstance(part, Unknown) and part.why.startswith("AWS::AccountId") for part in parts)


@rule(
    "KMS-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A key policy leaves somebody the right to change it",
    otherwise="CreateKey refuses a policy that would lock everyone out.",
    remedy="Allow the account root kms:* on '*'.",
    source="https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html",
    types=KEYS,
)
def lockout(key: Resource) -> Iterator[Fault]:
    policy = key.get("KeyPolicy")
    if policy.absent or boolean(key.get("BypassPolicyLockoutSafetyCheck")) or not policy.get("Statement").value:
        return
    found = statements(policy)
    if not found or any(statement.undecided for statement in found):
        return
    if not any(statement.effect == "Allow" and statement.covers("kms:PutKeyPolicy") for statement in found):
        yield Fault(at="KeyPolicy", message="no statement allows kms:PutKeyPolicy")


@rule(
    "KMS-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Only symmetric keys with KMS's own material rotate by themselves",
    otherwise="EnableKeyRotation is refused, and the key with it.",
    remedy="Leave EnableKeyRotation out, or false, for asymmetric and HMAC keys and imported material.",
    source=_KEY_TEMPLATE,
    types=(_KEY,),
)
def rotation(key: Resource) -> Iterator[Fault]:
    if boolean(key.get("EnableKeyRotation")) is not True:
        return
    spec, origin = text(key.get("KeySpec")), text(key.get("Origin"))
    if spec not in (None, "SYMMETRIC_DEFAULT"):
        yield Fault(at="EnableKeyRotation", message=f"rotation of a key of spec {spec}")
    elif origin == "EXTERNAL":
        yield Fault(at="EnableKeyRotation", message="rotation of imported key material")


@rule(
    "KMS-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A key's usage fits its spec",
    otherwise="CreateKey refuses the key.",
    remedy="Give KeyUsage for every spec but SYMMETRIC_DEFAULT, and one that the spec can do.",
    source=_KEY_TEMPLATE,
    types=(_KEY,),
)
def usage(key: Resource) -> Iterator[Fault]:
    spec, node = text(key.get("KeySpec")), key.get("KeyUsage")
    if key.get("KeySpec").absent:
        spec = "SYMMETRIC_DEFAULT"
    uses = next((uses for start, uses in _USES.items() if spec and spec.startswith(start)), None)
    used = "ENCRYPT_DECRYPT" if node.absent else text(node)
    if uses and used and used not in uses:
        yield Fault(at="KeyUsage", message=f"usage {used} of a key of spec {spec}")


@rule(
    "KMS-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A replica key has a multi-Region primary, in another region",
    otherwise="ReplicateKey refuses it.",
    remedy="Set MultiRegion on the primary when it is made (it cannot be added), and replicate to other regions.",
    source=_REPLICA_TEMPLATE,
    types=("AWS::KMS::ReplicaKey",),
)
def replica(key: Resource) -> Iterator[Fault]:
    node = key.get("PrimaryKeyArn")
    primary = target(node, _KEY)
    if primary is None:
        arn = text(node) or ""
        if arn.startswith("arn:") and key.stack.region and f":kms:{key.stack.region}:" in arn:
            yield Fault(at=str(node), message=f"the primary is in {key.stack.region} too")
        return
    multi = primary.get("MultiRegion")
    if multi.absent or boolean(multi) is False:
        yield Fault(at=str(node), message=f"the primary {primary.construct_path} is no multi-Region key")
    if key.stack.region and key.stack.region == primary.stack.region:
        yield Fault(at=str(node), message=f"the primary {primary.construct_path} is in {key.stack.region} too")


_ENCRYPTED = {
    "AWS::Backup::BackupVault": ("EncryptionKeyArn",),
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::EFS::FileSystem": ("KmsKeyId",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::RDS::DBCluster": ("KmsKeyId",),
    "AWS::RDS::DBInstance": ("KmsKeyId",),
    "AWS::SecretsManager::Secret": ("KmsKeyId",),
}


@rule(
    "KMS-205",
    constraint=None,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="What outlives its stack does not lose its key with it",
    otherwise="Deleting the stack schedules the key's deletion; after that nobody can read what was retained.",
    remedy="Give the key the same DeletionPolicy, Retain, as the data it encrypts.",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    types=("AWS::S3::Bucket", *_ENCRYPTED),
    lacks=("DeletionPolicy",),
)
def kept_with_its_key(store: Resource) -> Iterator[Fault]:
    if not str(store.attribute("DeletionPolicy") or "").startswith(("Retain", "Snapshot")):
        return
    if store.type == "AWS::S3::Bucket":
        rules = entries(store.get("BucketEncryption", "ServerSideEncryptionConfiguration"))
        nodes = [rule.get("ServerSideEncryptionByDefault", "KMSMasterKeyID") for rule in rules]
    else:
        nodes = [store.get(*_ENCRYPTED[store.type])]
    for node in nodes:
        found = reference(node)
        key = found.resource if found else None
        if key is not None and key.type in KEYS and not str(key.attribute("DeletionPolicy") or "").startswith("Retain"):
            yield Fault(at=str(node), message=f"{key.construct_path} goes when its stack is deleted")
