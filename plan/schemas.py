"""Which properties cannot be changed in place: the CloudFormation registry's schemas, as cfn-lint ships them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from plan.errors import PlanError

IN_PLACE = {
    "AWS::RDS::DBInstance": frozenset(
        {
            "AutoMinorVersionUpgrade",
            "BackupRetentionPeriod",
            "DBParameterGroupName",
            "MultiAZ",
            "PerformanceInsightsKMSKeyId",
            "PreferredMaintenanceWindow",
        }
    ),
    "AWS::ElastiCache::ReplicationGroup": frozenset({"AuthToken"}),
}
"""Conditional create-only properties whose change never replaces: "Update requires: some interruptions" there.

Source: AWS CloudFormation Template Reference, AWS::RDS::DBInstance and AWS::ElastiCache::ReplicationGroup.
"""


class Update(Enum):
    """What CloudFormation does to a resource when a property changes."""

    IN_PLACE = "in place"
    MAY_REPLACE = "may replace"
    REPLACES = "replaces"


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Create-only properties as paths; `*` stands for any element of a list. `known` is False without a schema."""

    known: bool
    create_only: frozenset[tuple[str, ...]] = frozenset()
    conditional: frozenset[tuple[str, ...]] = frozenset()

    def update(self, path: tuple[str, ...]) -> Update:
        """What a change of this property does; a resource type without a schema may be replaced by any change."""
        if not self.known:
            return Update.MAY_REPLACE
        if any(_touches(path, pattern) for pattern in self.create_only):
            return Update.REPLACES
        if any(_touches(path, pattern) for pattern in self.conditional):
            return Update.MAY_REPLACE
        return Update.IN_PLACE


@cache
def schema_of(resource_type: str, region: str) -> Schema:
    """The schema of a resource type in a region. Raises PlanError where cfn-lint is not installed."""
    try:
        from cfnlint.schema import ResourceNotFoundError
        from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
    except ImportError:
        raise PlanError("cfn-lint is needed for the registry's schemas: run make setup-dev") from None
    if resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource":
        # A custom resource is replaced when its provider says so; only its ServiceToken can never change.
        return Schema(known=True, create_only=frozenset({("ServiceToken",)}))
    try:
        written = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return Schema(known=False)
    in_place = IN_PLACE.get(resource_type, frozenset())
    conditional = frozenset(
        path for path in _paths(written.get("conditionalCreateOnlyProperties")) if path[0] not in in_place
    )
    return Schema(
        known=True, create_only=frozenset(_paths(written.get("createOnlyProperties"))), conditional=conditional
    )


def _paths(pointers: object) -> Iterator[tuple[str, ...]]:
    for pointer in pointers if isinstance(pointers, list) else ():
        path = tuple(part for part in str(pointer).split("/") if part not in ("", "properties", "items"))
        if path:
            yield path


def _touches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether one of the two lies within the other."""
    return all(
        wanted in ("*", part) or part.startswith("[") for part, wanted in zip(path, pattern, strict=False)
    ) and bool(path)
