"""What Envoy has been told of rules' weights, for the emulator to know when a change has arrived."""

from __future__ import annotations

import json
from collections.abc import Iterable

from localcloud import layout
from localcloud.dataplane.specs import ForwardAction, LoadBalancerSpec

Weights = dict[str, dict[str, int]]
"""Weights by the target groups' ARNs by the rules' ARNs."""


def served(balancers: Iterable[LoadBalancerSpec]) -> Weights:
    rules = (rule for balancer in balancers for listener in balancer.listeners for rule in listener.rules)
    return {rule.arn: dict(rule.action.weights) for rule in rules if isinstance(rule.action, ForwardAction)}


def write(found: Weights) -> None:
    layout.write_private(layout.folder("dataplane") / "served-weights.json", json.dumps(found, sort_keys=True))
