"""A deployment configuration as the steps and times that follow from it.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROLLING = "ROLLING"

# What ECS takes when a configuration does not say (API reference of CanaryConfiguration and LinearConfiguration; the
# bake time is the one of CDK's L2 construct, as the API requires it).
_CANARY_PERCENT, _CANARY_BAKE_MINUTES = 5.0, 10.0
_LINEAR_PERCENT, _LINEAR_BAKE_MINUTES = 10.0, 6.0
_BAKE_MINUTES = 15.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """A share of production traffic in percent, and the seconds it stays before the next step."""

    percent: float
    bake: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """How production traffic moves, and the seconds both revisions run after the move."""

    name: str
    steps: tuple[Step, ...]
    bake: float


def name_of(configuration: Mapping[str, Any]) -> str:
    """ROLLING, BLUE_GREEN, LINEAR or CANARY."""
    return str(configuration.get("strategy") or ROLLING)


def strategy(configuration: Mapping[str, Any]) -> Strategy:
    """The strategy of a deployment configuration that is not a rolling one."""
    name = name_of(configuration)
    steps: tuple[Step, ...] = (Step(percent=100.0),)
    if name == "CANARY":
        steps = _canary(configuration.get("canaryConfiguration") or {})
    elif name == "LINEAR":
        steps = _linear(configuration.get("linearConfiguration") or {})
    return Strategy(name=name, steps=steps, bake=_seconds(configuration.get("bakeTimeInMinutes"), _BAKE_MINUTES))


def longest_bake(configuration: Mapping[str, Any]) -> float:
    """The most seconds in which a deployment does nothing but wait."""
    if name_of(configuration) == ROLLING:
        return 0.0
    found = strategy(configuration)
    return max(found.bake, *(step.bake for step in found.steps))


def _canary(given: Mapping[str, Any]) -> tuple[Step, ...]:
    percent = float(given.get("canaryPercent") or _CANARY_PERCENT)
    if percent >= 100:
        return (Step(percent=100.0),)
    bake = _seconds(given.get("canaryBakeTimeInMinutes"), _CANARY_BAKE_MINUTES)
    return (Step(percent=percent, bake=bake), Step(percent=100.0))


def _linear(given: Mapping[str, Any]) -> tuple[Step, ...]:
    """The bake time is not applied after 100 percent (LinearConfiguration, stepBakeTimeInMinutes)."""
    percent = float(given.get("stepPercent") or _LINEAR_PERCENT)
    bake = _seconds(given.get("stepBakeTimeInMinutes"), _LINEAR_BAKE_MINUTES)
    steps, number = [], 1
    while number * percent < 100:
        steps.append(Step(percent=round(number * percent, 1), bake=bake))
        number += 1
    return (*steps, Step(percent=100.0))


def _seconds(minutes: Any, default: float) -> float:
    return 60.0 * float(default if minutes is None else minutes)
