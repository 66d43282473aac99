"""What changes between two assemblies: resources added, changed, replaced and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

from plan.differences import Difference, differences
from plan.noise import is_noise
from plan.renames import renames
from plan.resources import prefix_of, short_path
from plan.schemas import Schema, Update, schema_of
from preflight.assembly import Assembly, Resource, Stack, references_in
from preflight.values import ABSENT

METADATA = "AWS::CDK::Metadata"
POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")
REVISIONS = frozenset({"AWS::ECS::TaskDefinition", "AWS::Lambda::Version", "AWS::Lambda::LayerVersion"})
"""Types whose replacement is a new revision beside the old one, as every release makes them."""


class Kind(Enum):
    ADDED = "added"
    CHANGED = "changed"
    REPLACED = "replaced"
    MAY_BE_REPLACED = "may be replaced"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource and what becomes of it; `why` says what replaces it, where something does."""

    kind: Kind
    before: Resource | None
    after: Resource | None
    differences: tuple[Difference, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        """As it will be; as it was where it is deleted."""
        found = self.after or self.before
        assert found is not None, "a change has a resource before or after"  # noqa: S101
        return found

    @property
    def renamed(self) -> bool:
        """Whether the same thing comes back under another logical id."""
        return self.before is not None and self.after is not None and self.before.logical_id != self.after.logical_id

    @property
    def retained(self) -> bool:
        """Whether what is replaced or deleted stays in the account, outside of the stack."""
        if self.before is None:
            return False
        attribute = "DeletionPolicy" if self.kind is Kind.DELETED or self.renamed else "UpdateReplacePolicy"
        return str(self.before.attribute(attribute)).startswith("Retain")

    def difference(self, *names: str) -> Difference | None:
        """The difference of a property at the top, if it has one."""
        return next((one for one in self.differences if one.path[0] in names), None)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that changes between two assemblies."""

    before: Assembly
    after: Assembly
    changes: tuple[Change, ...]
    rehashed: tuple[Resource, ...]
    """Resources in which the hash of an image or of code differs and nothing else."""
    left_behind: tuple[Stack, ...]
    """Stacks that the new assembly has no more. CDK does not delete them: that is `cdk destroy`."""

    @cached_property
    def prefix(self) -> str:
        return prefix_of((self.after, self.before))

    def path(self, resource: Resource) -> str:
        return short_path(resource, self.prefix)

    def of_kind(self, *kinds: Kind) -> list[Change]:
        return [change for change in self.changes if change.kind in kinds]


def compare(before: Assembly, after: Assembly) -> Comparison:
    """All changes, stack by stack in the order of the new assembly. Raises PlanError without the registry's schemas."""
    changes: list[Change] = []
    rehashed: list[Resource] = []
    for stack in after.stacks:
        old = before.stack(stack.name, stack.region)
        changes.extend(_stack_changes(old, stack, rehashed))
    names = {(stack.name, stack.region) for stack in after.stacks}
    left_behind = tuple(
        stack for stack in before.stacks if (stack.name, stack.region) not in names and (stack.name, None) not in names
    )
    return Comparison(
        before=before,
        after=after,
        changes=tuple(_cascade(changes, after)),
        rehashed=tuple(rehashed),
        left_behind=left_behind,
    )


def _stack_changes(old: Stack | None, new: Stack, rehashed: list[Resource]) -> Iterator[Change]:
    before = _resources(old) if old else {}
    after = _resources(new)
    added = [resource for key, resource in after.items() if key not in before]
    deleted = [resource for key, resource in before.items() if key not in after]
    renamed = renames(deleted, added)
    back = {id(one): two for two, one in renamed.items()}
    for key, resource in after.items():
        if key not in before:
            if former := back.get(id(resource)):
                yield _renamed(former, resource)
            else:
                yield Change(kind=Kind.ADDED, before=None, after=resource)
        elif change := _changed(before[key], resource):
            if change.differences or change.kind is not Kind.CHANGED:
                yield change
            else:
                rehashed.append(resource)
    for resource in deleted:
        if resource not in renamed:
            yield Change(kind=Kind.DELETED, before=resource, after=None)


def _resources(stack: Stack) -> dict[str, Resource]:
    return {key: one for key, one in stack.resources.items() if one.type != METADATA}


def _renamed(before: Resource, after: Resource) -> Change:
    name = after.name
    why = [f"its logical id changes from {before.logical_id} to {after.logical_id}: CloudFormation makes a new one"]
    if name is not None and name == before.name:
        why.append(f"both have the name {name}: the new one cannot be made while the old one is there")
    return Change(
        kind=Kind.REPLACED,
        before=before,
        after=after,
        differences=tuple(_differences(before, after)[0]),
        why=tuple(why),
    )


def _changed(before: Resource, after: Resource) -> Change | None:
    """None where nothing differs; a change without differences where only hashes of assets do."""
    if before.type != after.type:
        kinds = f"its type changes from {before.type} to {after.type}"
        return Change(kind=Kind.REPLACED, before=before, after=after, why=(kinds,))
    found, noisy = _differences(before, after)
    if not found and not noisy:
        return None
    schema = _schema(after)
    updates = [(one, Update.IN_PLACE if one.path[0] in POLICIES else schema.update(one.path)) for one in found]
    replacing = [one for one, update in updates if update is Update.REPLACES]
    perhaps = [one for one, update in updates if update is Update.MAY_REPLACE]
    kind = Kind.REPLACED if replacing else Kind.MAY_BE_REPLACED if perhaps else Kind.CHANGED
    if after.type in REVISIONS and found:
        kind, replacing, perhaps = Kind.CHANGED, [], []
    if replacing:
        why = [f"{one.name} cannot be changed in place" for one in replacing]
    elif schema.known:
        why = [f"{one.name} can be changed in place in some cases only" for one in perhaps]
    else:
        why = ["its type has no schema in the registry"]
    return Change(kind=kind, before=before, after=after, differences=tuple(found), why=tuple(dict.fromkeys(why)))


def _differences(before: Resource, after: Resource) -> tuple[list[Difference], bool]:
    """What differs, and whether there are differences beside it that are hashes of assets."""
    found = list(differences(before.raw.get("Properties", {}), after.raw.get("Properties", {})))
    kept = [one for one in found if not is_noise(one.path, one.old, one.new)]
    for policy in POLICIES:
        kept.extend(differences(before.raw.get(policy, ABSENT), after.raw.get(policy, ABSENT), (policy,)))
    return kept, len(found) > sum(one.path[0] not in POLICIES for one in kept)


def _schema(resource: Resource) -> Schema:
    return schema_of(resource.type, resource.stack.region or "us-east-1")


def _cascade(changes: list[Change], after: Assembly) -> list[Change]:
    """Adds what is replaced because a create-only property refers to something that is."""
    by_resource = {id(change.after): change for change in changes if change.after}
    replaced = {id(one.after): one for one in changes if one.kind is Kind.REPLACED and not one.renamed}
    pending = list(replaced)
    while pending:
        gone = set(pending)
        pending = []
        for resource in after.resources():
            change = by_resource.get(id(resource))
            if change and change.kind in (Kind.REPLACED, Kind.ADDED):
                continue
            if found := _refers(resource, gone):
                why = f"{found[0]} refers to {found[1].logical_id}, which is replaced"
                made = change or Change(kind=Kind.REPLACED, before=resource, after=resource)
                by_resource[id(resource)] = replace(made, kind=Kind.REPLACED, why=(*made.why, why))
                pending.append(id(resource))
    ordered = [by_resource.pop(id(change.after), change) if change.after else change for change in changes]
    return [*ordered, *by_resource.values()]


def _refers(resource: Resource, gone: set[int]) -> tuple[str, Resource] | None:
    """The create-only property that refers to one of these resources, and which."""
    if resource.type in REVISIONS:
        return None
    schema = _schema(resource)
    properties: Any = resource.properties
    if not schema.known or not isinstance(properties, dict):
        return None
    for name, value in properties.items():
        if schema.update((name,)) is Update.REPLACES:
            for used in references_in(value):
                if id(used) in gone:
                    return name, used
    return None
