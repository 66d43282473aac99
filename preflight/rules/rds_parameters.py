"""Parameters of PostgreSQL parameter groups: which exist, which RDS sets itself, which values they take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import (
    CFN_INSTANCE,
    CLUSTER_PARAMETER_GROUP,
    INSTANCE,
    PARAMETER_GROUP,
    USER_GUIDE,
    data,
    is_postgres,
    split_family,
)
from preflight.values import Node, boolean, number, target, text

_LIST = "rds_postgres_parameters.json"
_PARAMETERS_GUIDE = USER_GUIDE + "Appendix.PostgreSQL.CommonDBATasks.Parameters.html"
_AURORA_OWN = ("apg_", "aurora_", "ansi_", "babelfish", "rds_")
_TRUTHS = frozenset(("0", "1", "on", "off", "true", "false", "yes", "no"))
_FORMULA = re.compile(r"\{|\b(GREATEST|LEAST|SUM|log)\b")
_NEWEST_KNOWN = 17  # the newest major whose types and ranges the list has


def _parameters(group: Resource) -> tuple[str, int, list[tuple[str, Node]]] | None:
    """Engine, major and parameters (names in lower case) of a PostgreSQL group."""
    parts = split_family(text(group.get("Family")) or "")
    if parts is None or not is_postgres(parts[0]):
        return None
    node = group.get("Parameters")
    names = node.value if isinstance(node.value, dict) else {}
    return parts[0], int(parts[1].split(".")[0]), [(name.lower(), node.get(name)) for name in names]


@rule(
    "RDS-54",
    constraint=54,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Every parameter exists in the group's family",
    otherwise='"Invalid / Unsupported DB Parameter": the group is not made.',
    remedy="Take the name that describe-engine-default-parameters lists for the family.",
    source="https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds",
    types=(PARAMETER_GROUP, CLUSTER_PARAMETER_GROUP),
)
def known_parameters(group: Resource) -> Iterator[Fault]:
    found = _parameters(group)
    if found is None:
        return
    engine, major, parameters = found
    for name, node in parameters:
        if problem := _unknown(name, engine, major):
            yield Fault(at=node.path(), message=problem)


def _unknown(name: str, engine: str, major: int) -> str | None:
    known = data(_LIST)
    if name in known["not_offered"]:
        return f"RDS does not offer {name}; it follows from rds.logical_replication"
    parameter = known["parameters"].get(name)
    if parameter is not None:
        # Aurora adds and keeps parameters on its own schedule.
        if engine == "postgres" and major > parameter.get("until", major):
            return f"PostgreSQL {major} has no {name} any more"
        if engine == "postgres" and major < parameter.get("since", major):
            return f"PostgreSQL {major} has no {name} yet"
        return None
    if "." in name:
        return _misspelt(name, known)
    if major > known["newest_major"] or (engine != "postgres" and name.startswith(_AURORA_OWN)):
        return None
    return f"PostgreSQL has no parameter {name}"


def _misspelt(name: str, known: dict[str, Any]) -> str | None:
    """Extensions have parameters that no list of ours has, so only what looks like a slip counts."""
    prefix = name.split(".")[0]
    if prefix != "rds" and prefix in known["extension_prefixes"]:
        return None
    candidates, word = (known["own"], name) if prefix == "rds" else (known["extension_prefixes"], prefix)
    close = get_close_matches(word, candidates, n=1, cutoff=0.85)
    return f"no parameter {name} (is {close[0]} meant?)" if close and close[0] != word else None


@rule(
    "RDS-54b",
    constraint=54,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A parameter group sets nothing that RDS keeps for itself",
    otherwise='"Unmodifiable DB Parameter": the group is not made.',
    remedy="Leave the parameter out of the group.",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Reference.ParameterGroups.html",
    types=(PARAMETER_GROUP, CLUSTER_PARAMETER_GROUP),
)
def modifiable_parameters(group: Resource) -> Iterator[Fault]:
    found = _parameters(group)
    for name, node in found[2] if found else ():
        if name in data(_LIST)["fixed"]:
            yield Fault(at=node.path(), message=f"{name} cannot be set")


@rule(
    "RDS-54c",
    constraint=54,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A parameter has a value of its type, numbers without a unit and within the range",
    otherwise='"Invalid parameter value": the group is not made, or the database does not start.',
    remedy="Write the number in the parameter's own unit (500 for 500 ms), and one of the listed words.",
    source=_PARAMETERS_GUIDE,
    types=(PARAMETER_GROUP, CLUSTER_PARAMETER_GROUP),
)
def parameter_values(group: Resource) -> Iterator[Fault]:
    found = _parameters(group)
    if found is None or found[1] > _NEWEST_KNOWN:
        return
    for name, node in found[2]:
        parameter = data(_LIST)["parameters"].get(name)
        value = text(node)
        if parameter is not None and value is not None and (problem := _wrong(value.strip(), parameter)):
            yield Fault(at=node.path(), message=f"{name} is {value!r}, {problem}")


def _wrong(value: str, parameter: dict[str, Any]) -> str | None:
    kind = parameter.get("type")
    if not value or _FORMULA.search(value):
        return None
    if kind == "bool" and value.lower() not in _TRUTHS:
        return "not 0 or 1"
    if kind == "enum" and value.lower() not in _TRUTHS and value.lower() not in map(str.lower, parameter["values"]):
        return f"not one of {', '.join(parameter['values'])}"
    if kind in ("integer", "real"):
        amount = number(value)
        if amount is None:
            return "not a plain number"
        # RDS itself allows more connections than PostgreSQL's limit of the day, so only the lower end is certain.
        if amount < parameter["min"] or (kind == "real" and amount > parameter["max"]):
            return f"not within {parameter['min']} to {parameter['max']}"
    return None


@rule(
    "RDS-55",
    constraint=55,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="A protected database with static parameters does not apply changes immediately",
    otherwise="The next stack update that touches a static parameter restarts the database at once.",
    remedy="Set ApplyImmediately to false, and restart in the maintenance window.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-applyimmediately",
    types=(INSTANCE,),
)
def surprise_restart(instance: Resource) -> Iterator[Fault]:
    if boolean(instance.get("DeletionProtection")) is not True:
        return
    group = target(instance.get("DBParameterGroupName"), PARAMETER_GROUP)
    found = _parameters(group) if group else None
    if found is None:
        return
    static = [name for name, _ in found[2] if data(_LIST)["parameters"].get(name, {}).get("static")]
    immediately = instance.get("ApplyImmediately")
    if static and (immediately.absent or boolean(immediately)):
        yield Fault(at="ApplyImmediately", message=f"restarts at once for a change of {', '.join(sorted(static))}")
