"""Which behaviour a path belongs to."""

from __future__ import annotations

import re

from localcloud.dataplane import patterns
from localcloud.dataplane.specs import BehaviorSpec, DistributionSpec, PublicKeySpec


def path_regex(behavior: BehaviorSpec) -> str:
    """The behaviour's path pattern; CloudFront takes them with and without the first slash."""
    if behavior.path_pattern == "*":
        return ".*"
    return patterns.regex("/" + behavior.path_pattern.removeprefix("/"))


def find(distribution: DistributionSpec, path: str) -> BehaviorSpec:
    """The first behaviour whose pattern fits; the last one fits everything."""
    for behavior in distribution.behaviors:
        if re.fullmatch(path_regex(behavior), path):
            return behavior
    return distribution.behaviors[-1]


def trusted_keys(behavior: BehaviorSpec) -> tuple[PublicKeySpec, ...]:
    return behavior.trusted_keys or ()
