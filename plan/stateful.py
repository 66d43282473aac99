"""What may not be lost: replacements and deletions that are refused unless the configuration names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plan.changes import Change, Comparison, Kind

STATEFUL = {
    "AWS::Backup::BackupVault": "the backups in it",
    "AWS::Cognito::UserPool": "its users and their passwords",
    "AWS::DynamoDB::GlobalTable": "the items in it",
    "AWS::DynamoDB::Table": "the items in it",
    "AWS::EC2::Volume": "the files on it",
    "AWS::ECR::Repository": "the images in it, running ones among them",
    "AWS::EFS::FileSystem": "the files on it",
    "AWS::ElastiCache::CacheCluster": "what it keeps in memory",
    "AWS::ElastiCache::ReplicationGroup": "what it keeps in memory: queued tasks, sessions, cached values",
    "AWS::ElastiCache::ServerlessCache": "what it keeps in memory",
    "AWS::KMS::Key": "all that is encrypted with it, which nobody could read any more",
    "AWS::OpenSearchService::Domain": "its indexes",
    "AWS::RDS::DBCluster": "the database and everything in it",
    "AWS::RDS::DBInstance": "the database and everything in it",
    "AWS::S3::Bucket": "the objects in it",
    "AWS::SecretsManager::Secret": "its value, which running tasks and people depend on",
}
"""What is lost with each type. Log groups and queues are not here: what they hold passes."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A replacement or deletion of something stateful. `allowed`: the configuration names it."""

    change: Change
    path: str
    reasons: tuple[str, ...]
    allowed: bool

    @property
    def fate(self) -> str:
        """`would be replaced`, `may be replaced`, `would be deleted`."""
        kind = self.change.kind
        return kind.value if kind is Kind.MAY_BE_REPLACED else f"would be {kind.value}"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All refusals, and names in the configuration to which nothing corresponds any more."""

    refusals: tuple[Refusal, ...]
    unused: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return all(refusal.allowed for refusal in self.refusals)


def judge(comparison: Comparison, allowed: Iterable[str]) -> Judgement:
    """Every replacement or deletion of something stateful, and whether it is allowed by name."""
    names = {name.removeprefix(comparison.prefix).removesuffix("/Resource"): name for name in allowed}
    used: set[str] = set()
    refusals = []
    for change in comparison.of_kind(Kind.REPLACED, Kind.MAY_BE_REPLACED, Kind.DELETED):
        before = change.before
        if before is None or before.type not in STATEFUL:
            continue
        path = comparison.path(before)
        used |= {path} & names.keys()
        refusals.append(
            Refusal(change=change, path=path, reasons=tuple(_reasons(change, comparison)), allowed=path in names)
        )
    return Judgement(refusals=tuple(refusals), unused=tuple(name for path, name in names.items() if path not in used))


def _reasons(change: Change, comparison: Comparison) -> Iterable[str]:
    before = change.before
    assert before is not None, "only what was there can be lost"  # noqa: S101
    yield from change.why
    if change.kind is Kind.DELETED:
        yield f"the template has no {before.logical_id} any more"
    lost = STATEFUL[before.type]
    if change.retained:
        yield (
            f"its policy retains it, so {lost}: they stay in the account, but nothing manages them"
            if change.kind is Kind.DELETED
            else f"the old one is retained and no longer managed; the new one starts without {lost}"
        )
    elif before.attribute("DeletionPolicy") == "Snapshot":
        yield f"lost but for a last snapshot: {lost}"
    else:
        yield f"lost: {lost}"
    if change.renamed and change.after is not None and comparison.path(change.after) != comparison.path(before):
        yield f"to keep it, keep the construct's path {comparison.path(before)}, or override the logical id"
