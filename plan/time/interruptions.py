"""What people notice while a change is made, and for how long; each number with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plan.changes import Change, Comparison, Kind
from plan.stateful import STATEFUL
from plan.time.durations import DEFERRED
from preflight.values import boolean, number, text

_REPOST = "repost.aws/knowledge-center/rds-performance-impact (2021-06-09)"
_DEV_TO = "dev.to/muskan_8abedcc7e12/how-to-right-size-rds-instances-without-downtime-1lhp (2026), one writer's figures"
_RDS_MODIFY = "Amazon RDS User Guide, Modifying an Amazon RDS DB instance"
_RDS_PARAMETERS = "Amazon RDS User Guide, Working with parameter groups"
_ELASTICACHE = "Amazon ElastiCache User Guide, Scaling replication groups"
_AWS_CDK = "github.com/aws/aws-cdk/issues/36649"
_CFN = "AWS CloudFormation User Guide, Update behaviors of stack resources"
_ECS = "Amazon ECS Developer Guide, rolling update: minimumHealthyPercent"


@dataclass(frozen=True, kw_only=True)
class Interruption:
    """Seconds without service, at the least and the most; None where nobody can say.

    `when` is empty for what happens during the deploy.
    """

    path: str
    text: str
    least: float | None
    most: float | None
    source: str
    confidence: str
    when: str = ""


def interruptions(comparison: Comparison) -> list[Interruption]:
    """Everything that a change is expected to interrupt."""
    return [found for change in comparison.changes for found in _of(change, comparison)]


def _of(change: Change, comparison: Comparison) -> Iterator[Interruption]:
    path = comparison.path(change.before or change.resource)
    if change.kind is Kind.ADDED:
        return
    if change.kind in (Kind.REPLACED, Kind.DELETED):
        yield from _gone(change, path)
        return
    match change.resource.type:
        case "AWS::RDS::DBInstance":
            yield from _database(change, path)
        case "AWS::ElastiCache::ReplicationGroup":
            yield from _valkey(change, path)
        case "AWS::ElasticLoadBalancingV2::Listener" | "AWS::ElasticLoadBalancingV2::ListenerRule":
            if change.difference("DefaultActions", "Actions"):
                yield Interruption(
                    path=path,
                    text="its actions are written anew: a rollout under way loses its weights",
                    least=0,
                    most=0,
                    source=_AWS_CDK,
                    confidence="high",
                )
        case "AWS::ECS::Service":
            healthy = number(change.resource.get("DeploymentConfiguration", "MinimumHealthyPercent"))
            if healthy is not None and healthy < 100:
                yield Interruption(
                    path=path,
                    text=f"only {healthy:g} % of the tasks run while new ones start",
                    least=None,
                    most=None,
                    source=_ECS,
                    confidence="high",
                )


def _gone(change: Change, path: str) -> Iterator[Interruption]:
    before = change.before
    if before is None:
        return
    if before.type in STATEFUL:
        text_ = (
            "it is gone until its content is restored"
            if change.kind is Kind.DELETED
            else ("the new one is empty: out of service until the content of the old one is restored into it")
        )
        yield Interruption(path=path, text=text_, least=None, most=None, source=_CFN, confidence="high")
    elif before.type in ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::CloudFront::Distribution"):
        text_ = "its address changes: people reach the old one until DNS is changed, and none after it is deleted"
        yield Interruption(path=path, text=text_, least=None, most=None, source=_CFN, confidence="high")
    elif before.type == "AWS::ECS::Service":
        text_ = "the old service stops when the new one is steady" if change.kind is Kind.REPLACED else "it stops"
        yield Interruption(path=path, text=text_, least=None, most=None, source=_CFN, confidence="medium")
    elif before.type == "AWS::EC2::NatGateway":
        text_ = "open connections to the internet break; new ones go through the new gateway"
        yield Interruption(path=path, text=text_, least=None, most=None, source=_CFN, confidence="medium")


def _database(change: Change, path: str) -> Iterator[Interruption]:
    resource = change.resource
    multi_az = boolean(resource.get("MultiAZ")) is True
    names = {one.path[0] for one in change.differences}
    when = ""
    if names & DEFERRED and boolean(resource.get("ApplyImmediately")) is False:
        window = text(resource.get("PreferredMaintenanceWindow"))
        when = f"in the maintenance window{f' ({window} UTC)' if window else ''}, not during the deploy"
    if found := change.difference("DBInstanceClass"):
        words = f"instance class {found.old} → {found.new}: "
        if multi_az:
            yield Interruption(
                path=path, text=f"{words}the standby is changed first, then one failover", least=60, most=120,
                source=_REPOST, confidence="high", when=when,
            )  # fmt: skip
        else:
            yield Interruption(
                path=path, text=f"{words}one zone, so it is down while it restarts", least=300, most=900,
                source=_DEV_TO, confidence="low", when=when,
            )  # fmt: skip
    if found := change.difference("EngineVersion"):
        major = str(found.old).split(".")[0] != str(found.new).split(".")[0]
        words = f"PostgreSQL {found.old} → {found.new}: both copies are down during the upgrade"
        yield Interruption(
            path=path, text=words, least=300 if not major else 900, most=1200 if not major else 3600,
            source="planning values, no measured source", confidence="low", when=when,
        )  # fmt: skip
    if found := change.difference("StorageType"):
        yield Interruption(
            path=path, text=f"storage type {found.old} → {found.new}: slower until it is converted", least=0, most=None,
            source=_RDS_MODIFY, confidence="medium", when=when,
        )  # fmt: skip
    if change.difference("DBParameterGroupName"):
        yield Interruption(
            path=path, text="static parameters of the new group hold after a reboot, which is yours to make",
            least=0, most=0, source=_RDS_PARAMETERS, confidence="high",
        )  # fmt: skip


def _valkey(change: Change, path: str) -> Iterator[Interruption]:
    if found := change.difference("CacheNodeType"):
        yield Interruption(
            path=path,
            text=f"node type {found.old} → {found.new}: online, connections break for a few seconds",
            least=1,
            most=30,
            source=_ELASTICACHE,
            confidence="medium",
        )
    if found := change.difference("EngineVersion", "Engine"):
        yield Interruption(
            path=path,
            text=f"engine {found.old} → {found.new}: failover, connections break for some seconds",
            least=1,
            most=60,
            source=_ELASTICACHE,
            confidence="low",
        )
