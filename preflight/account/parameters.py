"""Parameters of database and cache parameter groups: the family has them, and lets them be set to these values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account, place
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import text

# The type, where its family and its parameters stand, and the service that knows them.
GROUPS = {
    "AWS::RDS::DBParameterGroup": ("Family", "rds", "DBParameterGroupFamily"),
    "AWS::ElastiCache::ParameterGroup": ("CacheParameterGroupFamily", "elasticache", "CacheParameterGroupFamily"),
}
VALUES = {"AWS::RDS::DBParameterGroup": "Parameters", "AWS::ElastiCache::ParameterGroup": "Properties"}
RANGE = re.compile(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)")
PLAIN_WORDS = re.compile(r"[\w.\-]+(,\s*[\w.\-]+)*")


@check("parameters", title="The parameter groups name parameters that can be set so", constraints=(53, 54, 76))
def parameters(account: Account, assembly: Assembly) -> Iterator[Answer]:
    questions = [
        (region, resource)
        for region, resources in account.by_region(assembly, *GROUPS).items()
        for resource in resources
        if text(resource.get(GROUPS[resource.type][0])) and _names(resource)
    ]

    def one(item: tuple[str, Resource]) -> Iterator[Answer]:
        region, group = item
        key, service, argument = GROUPS[group.type]
        family = text(group.get(key)) or ""
        known = {
            str(found.get("ParameterName", "")): found
            for found in account.every(
                service,
                "DescribeEngineDefaultParameters",
                "EngineDefaults.Parameters",
                region=region,
                **{argument: family},
            )
        }
        subject = f"{region} {group.construct_path}"
        if not known:
            yield failed(subject, f"no parameters of a family {family}", remedy="name a family of the engine's major")
            return
        faults = [
            fault
            for name in _names(group)
            if (fault := _fault(name, text(group.get(VALUES[group.type], name)), known)) is not None
        ]
        for fault in faults:
            yield failed(
                subject, f"{family}: {fault}", remedy="remove or correct it: RDS and ElastiCache refuse the group"
            )
        if not faults:
            yield passed(subject, f"{len(_names(group))} parameters of {family}")

    yield from account.each(questions, one, subject=place)


def _names(group: Resource) -> list[str]:
    values = group.get(VALUES[group.type]).value
    return [str(name) for name in values] if isinstance(values, dict) else []


def _fault(name: str, value: str | None, known: dict[str, dict[str, Any]]) -> str | None:
    if name not in known:
        return f"no parameter {name}"
    if known[name].get("IsModifiable") is False:
        return f"{name} cannot be changed"
    allowed = str(known[name].get("AllowedValues", ""))
    if value is not None and not _allowed(value, allowed, list_valued=known[name].get("DataType") == "list"):
        return f"{name} = {value}, allowed: {allowed}"
    return None


def _allowed(value: str, allowed: str, *, list_valued: bool) -> bool:
    """Only a range of numbers and a plain enumeration are judged; formulas, patterns and sizes are left to AWS."""
    if match := RANGE.fullmatch(allowed):
        try:
            return float(match[1]) <= float(value) <= float(match[2])
        except ValueError:
            # A formula such as {DBInstanceClassMemory/9531392}, which RDS works out itself.
            return True
    if not allowed or not PLAIN_WORDS.fullmatch(allowed) or RANGE.search(allowed):
        return True
    options = {option.strip().lower() for option in allowed.split(",")}
    given = [part.strip().lower() for part in value.split(",")] if list_valued else [value.strip().lower()]
    return set(given) <= options
