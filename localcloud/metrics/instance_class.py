"""What an instance or node class has, which is the measure of shares: of its processors, of its memory.

docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html and
docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GIB = 1024**3

_GIB_PER_VCPU = {"t": 4, "m": 4, "r": 8, "c": 2}
"""By the family's first letter, from `large` on."""

_BURSTABLE_GIB = {"micro": 1, "small": 2, "medium": 4}
"""Below `large`, where there are two vCPUs. Cache nodes have less; of them the vCPUs alone are used."""


@dataclass(frozen=True, kw_only=True)
class InstanceClass:
    """Memory in bytes."""

    vcpus: int
    memory: int


def instance_class(name: str) -> InstanceClass | None:
    """Of db.m7g.large, cache.t4g.micro and the like; None for families that are not known here."""
    found = re.fullmatch(r"(?:db|cache)\.([a-z])\w*\.(\w+)", name)
    if not found or found[1] not in _GIB_PER_VCPU:
        return None
    family, size = found[1], found[2]
    if family == "t" and size in _BURSTABLE_GIB:
        return InstanceClass(vcpus=2, memory=_BURSTABLE_GIB[size] * _GIB)
    multiple = re.fullmatch(r"(\d*)xlarge", size)
    if not multiple and size != "large":
        return None
    vcpus = 4 * int(multiple[1] or 1) if multiple else 2
    return InstanceClass(vcpus=vcpus, memory=vcpus * _GIB_PER_VCPU[family] * _GIB)
