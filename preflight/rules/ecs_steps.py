"""The steps of a rollout that shifts traffic: how large, how long, and how long all together."""

from __future__ import annotations

import math
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ecs_services import API, GUIDE, SERVICE, shifts_traffic, strategy
from preflight.values import Node, number, target

_SCALABLE = "AWS::ApplicationAutoScaling::ScalableTarget"
# What AWS takes where nothing is written, in minutes and per cent.
_BAKE, _CANARY_BAKE, _STEP_BAKE, _STEP_PERCENT = 15, 10, 6, 10.0
_LONGEST_STACK_OPERATION, _DAY, _LONG_WITHOUT_SCALE_IN = 33 * 60, 24 * 60, 120
_TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"


@rule(
    "ECS-8",
    constraint=8,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Canary and linear steps and bake times are within their limits",
    otherwise="CreateService refuses the deployment configuration.",
    remedy="CanaryPercent 0.1 to 100 and StepPercent 3 to 100 by tenths; every bake time 0 to 1440 minutes.",
    source=f"{API}/API_CanaryConfiguration.html",
    types=(SERVICE,),
)
def step_limits(service: Resource) -> Iterator[Fault]:
    configuration = service.get("DeploymentConfiguration")
    canary, linear = configuration.get("CanaryConfiguration"), configuration.get("LinearConfiguration")
    for node, lowest in ((canary.get("CanaryPercent"), 0.1), (linear.get("StepPercent"), 3.0)):
        percent = number(node)
        if percent is not None and not (lowest <= percent <= 100 and _is_whole(percent * 10)):
            yield Fault(at=str(node), message=f"{percent:g} is not a multiple of 0.1 from {lowest:g} to 100")
    for node in (
        configuration.get("BakeTimeInMinutes"),
        canary.get("CanaryBakeTimeInMinutes"),
        linear.get("StepBakeTimeInMinutes"),
    ):
        minutes = number(node)
        if minutes is not None and not (0 <= minutes <= _DAY and _is_whole(minutes)):
            yield Fault(at=str(node), message=f"{minutes:g} is not a whole number of minutes from 0 to {_DAY}")


@rule(
    "ECS-8b",
    constraint=8,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="CanaryConfiguration goes with CANARY, LinearConfiguration with LINEAR",
    otherwise="It is valid with its own strategy only.",
    remedy="Set Strategy to match, or drop the configuration.",
    source=f"{API}/API_DeploymentConfiguration.html",
    types=(SERVICE,),
)
def step_strategy(service: Resource) -> Iterator[Fault]:
    chosen = strategy(service)
    for name, wanted in (("CanaryConfiguration", "CANARY"), ("LinearConfiguration", "LINEAR")):
        node = service.get("DeploymentConfiguration", name)
        if chosen not in (None, wanted) and isinstance(node.value, dict):
            yield Fault(at=str(node), message=f"beside Strategy {chosen}")


@rule(
    "ECS-9",
    constraint=9,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="All bake times of a rollout together stay within 33 hours",
    otherwise="CloudFormation refuses the service: the stack operation would end before the rollout (36 hours).",
    remedy="Shorten BakeTimeInMinutes or the step bake time, or make the steps larger.",
    source=f"{_TEMPLATES}/aws-properties-ecs-service-canaryconfiguration.html",
    types=(SERVICE,),
)
def total_bake(service: Resource) -> Iterator[Fault]:
    total = _bake_minutes(service)
    if strategy(service) in ("CANARY", "LINEAR") and total is not None and total > _LONGEST_STACK_OPERATION:
        message = f"{total:g} minutes of bake time, more than {_LONGEST_STACK_OPERATION}"
        yield Fault(at="DeploymentConfiguration", message=message)


@rule(
    "ECS-10",
    constraint=10,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A rollout that shifts traffic says its steps and bake times",
    otherwise="AWS's own values apply: 5 % for 10 minutes (canary), 10 % every 6 (linear), and 15 minutes at the end.",
    remedy="Write them down, be they the same.",
    source=f"{API}/API_CanaryConfiguration.html",
    types=(SERVICE,),
)
def explicit_steps(service: Resource) -> Iterator[Fault]:
    wanted = {
        "BLUE_GREEN": ["BakeTimeInMinutes"],
        "CANARY": [
            "BakeTimeInMinutes",
            "CanaryConfiguration.CanaryPercent",
            "CanaryConfiguration.CanaryBakeTimeInMinutes",
        ],
        "LINEAR": [
            "BakeTimeInMinutes",
            "LinearConfiguration.StepPercent",
            "LinearConfiguration.StepBakeTimeInMinutes",
        ],
    }
    for path in wanted.get(strategy(service) or "", []):
        node = service.get("DeploymentConfiguration", *path.split("."))
        if node.absent:
            yield Fault(at=str(node), message=f"{path} is left to its default")


@rule(
    "ECS-17",
    constraint=17,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A service that scales has short rollouts",
    otherwise="Nothing scales in for as long as a rollout lasts; scale-out goes on.",
    remedy="Shorten the bake times.",
    source=f"{GUIDE}/troubleshoot-service-auto-scaling.html",
    types=(_SCALABLE,),
)
def scales_in_late(scalable: Resource) -> Iterator[Fault]:
    service = target(scalable.get("ResourceId"), SERVICE)
    total = _bake_minutes(service) if service and shifts_traffic(service) else None
    if service and total is not None and total > _LONG_WITHOUT_SCALE_IN:
        message = f"{total:g} minutes of bake time, in which {scalable.logical_id} takes no task away"
        yield Fault(at="DeploymentConfiguration", message=message, resource=service)


def _bake_minutes(service: Resource) -> float | None:
    """All waiting that the deployment configuration asks for, as CloudFormation counts it; None if not all known."""
    configuration = service.get("DeploymentConfiguration")
    total = _or_default(configuration.get("BakeTimeInMinutes"), _BAKE)
    waits: float | None = 0
    if strategy(service) == "CANARY":
        waits = _or_default(configuration.get("CanaryConfiguration", "CanaryBakeTimeInMinutes"), _CANARY_BAKE)
    elif strategy(service) == "LINEAR":
        step = _or_default(configuration.get("LinearConfiguration", "StepPercent"), _STEP_PERCENT)
        bake = _or_default(configuration.get("LinearConfiguration", "StepBakeTimeInMinutes"), _STEP_BAKE)
        # The last step, to 100 %, has no bake of its own.
        steps = math.ceil(round(100 / step, 6)) - 1 if step and step >= 0.1 else None
        waits = None if steps is None or bake is None else steps * bake
    return None if total is None or waits is None else total + waits


def _or_default(node: Node, default: float) -> float | None:
    return default if node.absent else number(node)


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6
