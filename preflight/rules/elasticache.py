"""ElastiCache replication groups, clusters and serverless caches: encryption, tokens, snapshots, windows."""

from __future__ import annotations

import string
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import given
from preflight.rules.secret_values import generated_length, may_contain, secret_of
from preflight.rules.support import written
from preflight.rules.windows import daily, weekly
from preflight.values import boolean, integer, text

GROUP = "AWS::ElastiCache::ReplicationGroup"
CACHE = "AWS::ElastiCache::CacheCluster"
SERVERLESS = "AWS::ElastiCache::ServerlessCache"
PARAMETER_GROUP = "AWS::ElastiCache::ParameterGroup"

API = "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticache-replicationgroup.html"

_TOKEN_LENGTHS = (16, 128)
_TOKEN_FORBIDDEN = "".join(set(string.punctuation) - set("!&#$^<>-")) + " "
_LEAST_MINUTES = 60


def engine(resource: Resource) -> str | None:
    """In lower case; a replication group without one is Redis."""
    node = resource.get("Engine")
    if node.absent and resource.type == GROUP:
        return "redis"
    found = text(node)
    return found.lower() if found else None


def joins_other(group: Resource) -> bool:
    """Made from a running cluster, or part of a global datastore: encryption and shards come from there."""
    return not (group.get("PrimaryClusterId").absent and group.get("GlobalReplicationGroupId").absent)


def _tls(group: Resource) -> bool | None:
    """Whether traffic is encrypted; None where the template does not decide."""
    node = group.get("TransitEncryptionEnabled")
    return False if node.absent else boolean(node)


@rule(
    "CACHE-72",
    constraint=72,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A Valkey replication group says whether its traffic is encrypted",
    otherwise="CreateReplicationGroup refuses a Valkey group without TransitEncryptionEnabled.",
    remedy="Set TransitEncryptionEnabled, to true unless clients cannot use TLS.",
    source=_CFN + "#cfn-elasticache-replicationgroup-transitencryptionenabled",
    types=(GROUP,),
)
def valkey_encryption(group: Resource) -> Iterator[Fault]:
    if engine(group) == "valkey" and group.get("TransitEncryptionEnabled").absent and not joins_other(group):
        yield Fault(at="TransitEncryptionEnabled", message="not set")


@rule(
    "CACHE-72b",
    constraint=72,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="User groups and an AUTH token need encrypted traffic",
    otherwise="CreateReplicationGroup refuses the combination.",
    remedy="Set TransitEncryptionEnabled to true.",
    source=GUIDE + "Clusters.RBAC.html",
    types=(GROUP,),
)
def logins_need_encryption(group: Resource) -> Iterator[Fault]:
    if _tls(group) is not False or joins_other(group):
        return
    for name in ("UserGroupIds", "AuthToken"):
        node = group.get(name)
        if given(node) and node.value != []:
            yield Fault(at=name, message=f"{name} with unencrypted traffic")


@rule(
    "CACHE-72c",
    constraint=72,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A replication group has user groups or an AUTH token, not both",
    otherwise="CreateReplicationGroup refuses the combination.",
    remedy="Leave AuthToken out: the users have passwords of their own.",
    source=GUIDE + "Clusters.RBAC.html",
    types=(GROUP,),
)
def one_kind_of_login(group: Resource) -> Iterator[Fault]:
    users = group.get("UserGroupIds")
    if given(users) and users.value != [] and given(group.get("AuthToken")):
        yield Fault(at="AuthToken", message="a token beside user groups")


@rule(
    "CACHE-72d",
    constraint=72,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An AUTH token has 16 to 128 characters and no punctuation but ! & # $ ^ < > -",
    otherwise="CreateReplicationGroup refuses the token, a generated one on most days.",
    remedy="Generate it with ExcludePunctuation and a PasswordLength of 16 to 128.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP, CACHE),
)
def auth_token(resource: Resource) -> Iterator[Fault]:
    node = resource.get("AuthToken")
    if node.absent:
        return
    least, most = _TOKEN_LENGTHS
    if secret := secret_of(node):
        length = generated_length(secret)
        if length is not None and not least <= length <= most:
            at = "GenerateSecretString.PasswordLength"
            yield Fault(at=at, message=f"a token of {length} characters", resource=secret)
        if found := may_contain(secret, _TOKEN_FORBIDDEN):
            at = "GenerateSecretString.ExcludeCharacters"
            yield Fault(at=at, message=f"the token may contain {found}", resource=secret)
        return
    # A parameter's default is a placeholder, not the token.
    token = written(node)
    if isinstance(token, str) and "{{resolve:" not in token:
        if not least <= len(token) <= most:
            yield Fault(at="AuthToken", message=f"a token of {len(token)} characters")
        elif set(token) & set(_TOKEN_FORBIDDEN):
            yield Fault(at="AuthToken", message="it contains a character that ElastiCache refuses")


@rule(
    "CACHE-78",
    constraint=78,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Snapshots are kept for at most 35 days",
    otherwise="ElastiCache refuses the number of days.",
    remedy="Use a SnapshotRetentionLimit of 35 or less; export a snapshot to S3 to keep it longer.",
    source=API + "API_CreateServerlessCache.html",
    types=(GROUP, CACHE, SERVERLESS),
)
def snapshot_days(resource: Resource) -> Iterator[Fault]:
    days = integer(resource.get("SnapshotRetentionLimit"))
    if days is not None and not 0 <= days <= 35:
        yield Fault(at="SnapshotRetentionLimit", message=f"{days} days")


@rule(
    "CACHE-201",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Maintenance and snapshot windows last an hour or more",
    otherwise="ElastiCache refuses the window.",
    remedy="Write ddd:hh:mm-ddd:hh:mm and hh:mm-hh:mm (UTC), at least 60 minutes.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP, CACHE),
)
def window_lengths(resource: Resource) -> Iterator[Fault]:
    for name, parse in (("PreferredMaintenanceWindow", weekly), ("SnapshotWindow", daily)):
        written = text(resource.get(name))
        if not written:
            continue
        window = parse(written)
        if window is None:
            yield Fault(at=name, message=f"{written!r} is no window")
        elif window.minutes < _LEAST_MINUTES:
            yield Fault(at=name, message=f"{written} lasts {window.minutes} minutes")


@rule(
    "CACHE-202",
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="Snapshot and maintenance windows do not overlap",
    otherwise="ElastiCache refuses the pair.",
    remedy="Move one of the windows behind the other.",
    source=GUIDE + "backups-automatic.html",
    types=(GROUP, CACHE),
)
def overlapping_windows(resource: Resource) -> Iterator[Fault]:
    snapshots, maintenance = text(resource.get("SnapshotWindow")), text(resource.get("PreferredMaintenanceWindow"))
    first, second = daily(snapshots or ""), weekly(maintenance or "")
    if first and second and first.overlaps(second):
        yield Fault(at="SnapshotWindow", message=f"{snapshots} overlaps the maintenance at {maintenance}")
