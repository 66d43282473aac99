"""ElastiCache parameter groups: families and values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.elasticache import API, CACHE, GROUP, GUIDE, PARAMETER_GROUP, engine, joins_other
from preflight.rules.rds_common import data
from preflight.values import Node, target, text

_LIST = "elasticache_parameters.json"
_REDIS_FAMILIES = {"2.6": "2.6", "2.8": "2.8", "3.2": "3.2", "4.0": "4.0", "5.0": "5.0", "6": "6.x", "7": "7"}
_MEMCACHED_FAMILIES = {"1.4": "1.4", "1.5": "1.5", "1.6": "1.6"}
_VALKEY_FAMILY = re.compile(r"valkey[1-9]\d?")
_CHOICES = {
    "maxmemory-policy": (
        "volatile-lru", "allkeys-lru", "volatile-lfu", "allkeys-lfu",
        "volatile-random", "allkeys-random", "volatile-ttl", "noeviction",
    ),
    "activedefrag": ("yes", "no"),
    "activerehashing": ("yes", "no"),
    "cluster-allow-reads-when-down": ("yes", "no"),
    "cluster-enabled": ("yes", "no"),
    "cluster-require-full-coverage": ("yes", "no"),
    "close-on-replica-write": ("yes", "no"),
    "close-on-slave-write": ("yes", "no"),
    "lazyfree-lazy-eviction": ("yes", "no"),
    "lazyfree-lazy-expire": ("yes", "no"),
    "lazyfree-lazy-server-del": ("yes", "no"),
    "lazyfree-lazy-user-del": ("yes", "no"),
    "replica-lazy-flush": ("yes", "no"),
}  # fmt: skip


def family_of(engine_name: str, engine_version: str) -> str | None:
    """valkey8 for 8.1, redis6.x for 6.2, memcached1.6 for 1.6.22; None for versions that are not listed."""
    major = engine_version.split(".")[0]
    if engine_name == "valkey":
        return f"valkey{major}" if major.isdecimal() else None
    families = {"redis": _REDIS_FAMILIES, "memcached": _MEMCACHED_FAMILIES}.get(engine_name, {})
    known = families.get(major) or families.get(".".join(engine_version.split(".")[:2]))
    return engine_name + known if known else None


def _engine_of(family: str) -> str:
    return family.rstrip("0123456789.x")


@rule(
    "CACHE-76",
    constraint=76,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A cache's parameter group belongs to the family of its engine and version",
    otherwise='"Expected a parameter group of family valkey8 but found one of family …".',
    remedy="Give the group the family of the engine version: valkey8 for Valkey 8.x, redis7 for Redis 7.x.",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/27709",
    types=(GROUP, CACHE),
)
def family_matches(resource: Resource) -> Iterator[Fault]:
    node, name = resource.get("CacheParameterGroupName"), engine(resource)
    family = _family(node) if not node.absent else None
    if family is None or name is None or joins_other(resource):
        return
    if _engine_of(family) != name:
        yield Fault(at=node.path(), message=f"family {family} for engine {name}")
        return
    version = text(resource.get("EngineVersion"))
    expected = family_of(name, version) if version else None
    if expected and expected != family:
        yield Fault(at=node.path(), message=f"family {family}, but {name} {version} needs {expected}")


def _family(node: Node) -> str | None:
    if group := target(node, PARAMETER_GROUP):
        return text(group.get("CacheParameterGroupFamily"))
    match = re.fullmatch(r"default\.([a-z]+\d[\d.x]*?)(\.cluster\.on)?", text(node) or "")
    return match[1] if match else None


@rule(
    "CACHE-76b",
    constraint=76,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A parameter group's family is one that ElastiCache has",
    otherwise="CreateCacheParameterGroup refuses the family.",
    remedy="Use valkey8, redis7, redis6.x or another of the list; cluster mode is a parameter, no family.",
    source=API + "API_CreateCacheParameterGroup.html",
    types=(PARAMETER_GROUP,),
)
def family_exists(group: Resource) -> Iterator[Fault]:
    family = text(group.get("CacheParameterGroupFamily"))
    if family is None:
        return
    known = {f"redis{tail}" for tail in _REDIS_FAMILIES.values()}
    known |= {f"memcached{tail}" for tail in _MEMCACHED_FAMILIES.values()}
    if family not in known and not _VALKEY_FAMILY.fullmatch(family):
        yield Fault(at="CacheParameterGroupFamily", message=f"there is no family {family}")


@rule(
    "CACHE-76c",
    constraint=76,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="maxmemory-policy and the switches of a parameter group have values that exist",
    otherwise='"Invalid parameter value": the group is not made.',
    remedy="Use noeviction, volatile-… or allkeys-… with lru, lfu or random, or volatile-ttl; yes or no for switches.",
    source=GUIDE + "ParameterGroups.Engine.html",
    types=(PARAMETER_GROUP,),
)
def parameter_values(group: Resource) -> Iterator[Fault]:
    for name, node in _parameters(group):
        # An unquoted yes of YAML 1.1 comes here as a boolean.
        value = None if isinstance(node.value, bool) else text(node)
        if value is not None and value not in _CHOICES.get(name, (value,)):
            yield Fault(at=node.path(), message=f"{name} is {value!r}, not one of {', '.join(_CHOICES[name])}")


@rule(
    "CACHE-76d",
    constraint=76,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A parameter group sets parameters that exist and may be set",
    otherwise="CreateCacheParameterGroup succeeds, setting the parameter is refused, and the stack rolls back.",
    remedy="Take the name that describe-engine-default-parameters lists as modifiable.",
    source=GUIDE + "ParameterGroups.Engine.html",
    types=(PARAMETER_GROUP,),
)
def known_parameters(group: Resource) -> Iterator[Fault]:
    family = text(group.get("CacheParameterGroupFamily")) or ""
    known = data(_LIST)
    # Older families differ too much from the list.
    if not re.fullmatch(r"valkey[78]|redis(5\.0|6\.x|7)", family):
        return
    for name, node in _parameters(group):
        if name in known["fixed"]:
            yield Fault(at=node.path(), message=f"{name} cannot be set")
        # A dot is in the names of modules' parameters, which are not listed.
        elif "." not in name and name not in known["parameters"]:
            yield Fault(at=node.path(), message=f"there is no parameter {name}")


def _parameters(group: Resource) -> list[tuple[str, Node]]:
    family = text(group.get("CacheParameterGroupFamily")) or ""
    node = group.get("Properties")
    if _engine_of(family) == "memcached" or not isinstance(node.value, dict):
        return []
    return [(name, node.get(name)) for name in node.value]
