"""Every data store of an assembly with what is promised about it: encryption, transit, backup, retention, region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audit.model import State, Statement, Store
from audit.stores import facts as facts_of
from audit.stores.backups import Planned, planned
from audit.stores.declared import Declared
from audit.stores.declared import of as declared_of
from audit.stores.facts import Facts
from preflight.assembly import Assembly, Resource

Readers = Callable[[str], tuple[str, ...]]
"""Who may read the store at a construct path; nobody could say where it gives nothing."""


def inventory(
    assembly: Assembly, entries: Sequence[Declared], regions: Sequence[str], readers: Readers
) -> tuple[tuple[Store, ...], tuple[str, ...]]:
    """The stores, and faults of the inventory itself: a store that nobody has classified, or of an unknown type."""
    stores, faults = [], []
    for resource in assembly.resources():
        if resource.type.startswith(facts_of.UNDESCRIBED):
            faults.append(
                f"{resource.construct_path}: nothing is known of {resource.type}; extend audit/stores/facts.py"
            )
        found = facts_of.of(resource)
        if found is None:
            continue
        entry = declared_of(resource.construct_path, resource.type, entries)
        if entry is None:
            faults.append(f"{resource.construct_path}: what it holds is not in config/tooling/data-stores.toml")
        stores.append(_store(resource, found, entry, planned(resource, assembly), regions, readers))
    return tuple(stores), tuple(faults)


def _store(
    resource: Resource,
    facts: Facts,
    entry: Declared | None,
    plans: tuple[Planned, ...],
    regions: Sequence[str],
    readers: Readers,
) -> Store:
    region = resource.stack.region or "the region it is deployed to"
    statements = (
        _encryption(facts, entry),
        Statement(name="transit", state=_state(facts.tls), evidence=facts.transit),
        _backup(facts, entry, plans),
        _retention(facts, entry),
        _region(region, facts, regions),
    )
    by_name = {statement.name: statement.evidence for statement in statements}
    return Store(
        path=resource.construct_path,
        type=resource.type,
        title=facts.title,
        classification=entry.classification if entry else "not classified",
        classified_by=entry.holds if entry else "",
        region=region,
        encryption=facts.encryption,
        key=facts.key,
        backup=by_name["backup"],
        retention=by_name["retention"],
        replication=", ".join(dict.fromkeys(facts.replicas)) or "none",
        readers=readers(resource.construct_path),
        statements=statements,
    )


def _encryption(facts: Facts, entry: Declared | None) -> Statement:
    """Encrypted; what is personal or secret with a key of the account's own, that can be taken away."""
    if not facts.encrypted:
        return Statement(name="encryption", state=State.FAILED, evidence=f"{facts.title}: not encrypted at rest")
    said = f"{facts.encryption}, {facts.key}"
    if entry and entry.classification != "operational" and not facts.own_key:
        return Statement(
            name="encryption",
            state=State.FAILED,
            evidence=f"{said}; what is {entry.classification} wants a KMS key of the account's own",
        )
    return Statement(name="encryption", state=State.PASSED, evidence=said)


def _backup(facts: Facts, entry: Declared | None, plans: tuple[Planned, ...]) -> Statement:
    name = "backup"
    if facts.copy_of:
        return Statement(
            name=name, state=State.NOT_APPLICABLE, evidence=f"a copy of {facts.copy_of}, which is backed up"
        )
    ways = [facts.backup] if facts.backup else []
    ways += [_by_plan(plan) for plan in plans]
    if facts.versioned:
        days = f" for {facts.version_days} days" if facts.version_days else ""
        ways.append(f"earlier versions of an object are kept{days}")
        ways += [f"objects are copied to {region}" for region in dict.fromkeys(facts.replicas)]
    if ways:
        return Statement(name=name, state=State.PASSED, evidence="; ".join(ways))
    if entry and entry.no_backup:
        return Statement(name=name, state=State.NOT_APPLICABLE, evidence=entry.no_backup)
    return Statement(name=name, state=State.FAILED, evidence="there is no backup")


def _by_plan(plan: Planned) -> str:
    copies = f", copied to {', '.join(map(_vault, plan.copies))}" if plan.copies else ""
    return f"AWS Backup, {plan.days} days{copies}"


def _vault(written: str) -> str:
    """`vault in us-west-2` out of a vault's ARN."""
    fields = written.split(":")
    return f"{fields[-1]} in {fields[3]}" if len(fields) > 6 else written


def _retention(facts: Facts, entry: Declared | None) -> Statement:
    name = "retention"
    if facts.kept_days:
        return Statement(name=name, state=State.PASSED, evidence=f"deleted after {facts.kept_days} days")
    if facts.kept or (entry and entry.kept):
        return Statement(name=name, state=State.PASSED, evidence=facts.kept or (entry.kept if entry else ""))
    return Statement(name=name, state=State.FAILED, evidence="nothing ever deletes what is in it")


def _region(region: str, facts: Facts, allowed: Sequence[str]) -> Statement:
    where = (region, *facts.replicas)
    strange = [one for one in where if one not in allowed]
    if not allowed:
        return Statement(name="region", state=State.NOT_RUN, evidence="the configuration names no regions")
    if strange:
        return Statement(name="region", state=State.FAILED, evidence=f"data goes to {', '.join(strange)}")
    return Statement(name="region", state=State.PASSED, evidence=f"only in {' and '.join(dict.fromkeys(where))}")


def _state(holds: bool | None) -> State:
    return State.PASSED if holds else State.FAILED
