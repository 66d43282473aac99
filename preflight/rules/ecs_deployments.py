"""How ECS rolls a service out: what guards it, its alarms and hooks, and what a pipeline must not ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.ecs_services import API, GUIDE, SERVICE, shifts_traffic, strategy
from preflight.rules.ordering import waits_for
from preflight.values import Text, boolean, entries, integer, is_unknown, reference, target, text

_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_BUILDERS = ("AWS::CodeBuild::Project", "AWS::CodePipeline::Pipeline")
_STAGES = frozenset(
    {
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    }
)
_TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"


@rule(
    "ECS-3",
    constraint=3,
    severity=Severity.OUTAGE,
    confidence=Confidence.BELIEVED,
    title="No pipeline reverts drift",
    otherwise="On a stack whose listener rules ECS shifts, the declared weights come back, and live traffic goes to "
    "an empty target group.",
    remedy="Deploy with ordinary change sets.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html",
    types=_BUILDERS,
)
def reverts_drift(builder: Resource) -> Iterator[Fault]:
    yield from _says(builder, r"--revert-drift|REVERT_DRIFT", "asks for a change set that reverts drift")


@rule(
    "ECS-25",
    constraint=25,
    severity=Severity.SILENT,
    # EXPRESS is right for stacks without services, and which stacks a command deploys is not in the template.
    confidence=Confidence.BELIEVED,
    title="No pipeline deploys services in EXPRESS mode",
    otherwise="CloudFormation does not wait for the service to be ready: a green stack over a dead service.",
    remedy="Leave the deployment mode at STANDARD.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeploymentConfig.html",
    types=_BUILDERS,
)
def express_mode(builder: Resource) -> Iterator[Fault]:
    yield from _says(builder, r'cdk\b[^\n",]*--express\b|Mode\W{1,8}EXPRESS\b', "deploys in EXPRESS mode")


@rule(
    "ECS-5",
    constraint=5,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A rollout that shifts traffic is guarded by alarms or hooks, not by the circuit breaker alone",
    otherwise="The circuit breaker works for rolling updates only: a bad release stays.",
    remedy="Name CloudWatch alarms with Rollback: true, or check the release in lifecycle hooks.",
    source=f"{API}/API_DeploymentCircuitBreaker.html",
    types=(SERVICE,),
)
def breaker_alone(service: Resource) -> Iterator[Fault]:
    if _breaker(service) and shifts_traffic(service) and not _guarded(service):
        node = service.get("DeploymentConfiguration", "DeploymentCircuitBreaker")
        yield Fault(at=str(node), message=f"nothing else guards this {strategy(service)} service")


@rule(
    "ECS-5b",
    constraint=5,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    level=Level.WARNING,
    title="The circuit breaker is for rolling updates",
    otherwise="It does nothing where ECS shifts traffic; a reader believes that it does.",
    remedy="Drop DeploymentCircuitBreaker; alarms and hooks do the work.",
    source=f"{API}/API_DeploymentCircuitBreaker.html",
    types=(SERVICE,),
)
def breaker_idle(service: Resource) -> Iterator[Fault]:
    if _breaker(service) and shifts_traffic(service) and _guarded(service):
        node = service.get("DeploymentConfiguration", "DeploymentCircuitBreaker")
        yield Fault(at=str(node), message=f"without effect under {strategy(service)}")


@rule(
    "ECS-5c",
    constraint=5,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    level=Level.WARNING,
    title="A rollout that shifts traffic has something that can send it back",
    otherwise="Without alarms and hooks only a person stops a bad release.",
    remedy="Name CloudWatch alarms with Rollback: true, or check the release in lifecycle hooks.",
    source=f"{GUIDE}/deployment-alarm-failure.html",
    types=(SERVICE,),
)
def unguarded(service: Resource) -> Iterator[Fault]:
    if shifts_traffic(service) and not _breaker(service) and not _guarded(service):
        yield Fault(at="DeploymentConfiguration", message="no alarms and no hooks")


@rule(
    "ECS-6",
    constraint=6,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A service does not refer to an alarm that is made from the service",
    otherwise="The template has a circular dependency, and CloudFormation refuses it.",
    remedy="Give the alarm a fixed AlarmName and write that name in AlarmNames.",
    source=f"{_TEMPLATES}/aws-properties-ecs-service-deploymentalarms.html",
    types=(SERVICE,),
)
def alarm_cycle(service: Resource) -> Iterator[Fault]:
    for node in entries(service.get("DeploymentConfiguration", "Alarms", "AlarmNames")):
        alarm = target(node, *_ALARMS)
        if alarm and (is_unknown(node) or reference(node)) and waits_for(alarm, service):
            yield Fault(at=str(node), message=f"{alarm.logical_id} refers to this service")


@rule(
    "ECS-6b",
    constraint=6,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A service waits for the alarms that it names",
    otherwise="Named by text, alarm and service are created in any order; a service may be refused for an alarm that "
    "does not exist yet.",
    remedy="Let the service DependsOn the alarm, whose dimensions then name the service by text.",
    source=f"{GUIDE}/deployment-alarm-failure.html",
    types=(SERVICE,),
    lacks=("DependsOn",),
)
def alarm_first(service: Resource) -> Iterator[Fault]:
    for node in entries(service.get("DeploymentConfiguration", "Alarms", "AlarmNames")):
        alarm = target(node, *_ALARMS)
        if alarm and alarm.stack is service.stack and not is_unknown(node) and not waits_for(service, alarm):
            yield Fault(at=str(node), message=f"nothing orders it after {alarm.logical_id}")


@rule(
    "ECS-11",
    constraint=11,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Lifecycle hooks run at stages that take hooks",
    otherwise="CreateService refuses the hook: SCALE_UP, BAKE_TIME and CLEAN_UP take none.",
    remedy="Use PRE_SCALE_UP, POST_SCALE_UP, or another stage of the list.",
    source=f"{API}/API_DeploymentLifecycleHook.html",
    types=(SERVICE,),
)
def hook_stages(service: Resource) -> Iterator[Fault]:
    for hook in entries(service.get("DeploymentConfiguration", "LifecycleHooks")):
        for node in entries(hook.get("LifecycleStages")):
            stage = text(node)
            if stage is not None and stage not in _STAGES:
                yield Fault(at=str(node), message=f"{stage} takes no hook")


@rule(
    "ECS-11b",
    constraint=11,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A Lambda hook says its function, a pause hook none",
    otherwise="CreateService refuses the hook.",
    remedy="Give HookTargetArn for AWS_LAMBDA (the default), and leave it out for PAUSE.",
    source=f"{API}/API_DeploymentLifecycleHook.html",
    types=(SERVICE,),
)
def hook_target(service: Resource) -> Iterator[Fault]:
    for hook in entries(service.get("DeploymentConfiguration", "LifecycleHooks")):
        node = hook.get("TargetType")
        kind = "AWS_LAMBDA" if node.absent else text(node)
        if isinstance(hook.value, dict) and kind == "AWS_LAMBDA" and hook.get("HookTargetArn").absent:
            yield Fault(at=str(hook), message="no HookTargetArn")


@rule(
    "ECS-24",
    constraint=24,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    level=Level.WARNING,
    title="A rolling service has the circuit breaker",
    otherwise="An image that does not start holds the stack for about three hours before it rolls back.",
    remedy="Set DeploymentCircuitBreaker to Enable: true, Rollback: true.",
    source=f"{GUIDE}/deployment-circuit-breaker.html",
    types=(SERVICE,),
)
def rolling_breaker(service: Resource) -> Iterator[Fault]:
    node = service.get("DeploymentConfiguration", "DeploymentCircuitBreaker", "Enable")
    off = node.absent or boolean(node) is False
    if strategy(service) == "ROLLING" and off and integer(service.get("DesiredCount")) != 0:
        yield Fault(at=str(node), message="no circuit breaker")


def _says(builder: Resource, pattern: str, what: str) -> Iterator[Fault]:
    """Commands are in build specifications and in action configurations, as text or as a structure."""
    for key in ("Source", "Stages"):
        written = builder.get(key)
        if any(re.search(pattern, found) for found in _texts(written.value)):
            yield Fault(at=str(written), message=what)


def _texts(value: object) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Text):
            yield item.literal
        elif isinstance(item, dict | list):
            pending.extend(item.values() if isinstance(item, dict) else item)


def _breaker(service: Resource) -> bool:
    return boolean(service.get("DeploymentConfiguration", "DeploymentCircuitBreaker", "Enable")) is True


def _guarded(service: Resource) -> bool:
    """By hooks, or by alarms that send the rollout back. What is not known counts as a guard."""
    configuration = service.get("DeploymentConfiguration")
    alarms, hooks = configuration.get("Alarms"), configuration.get("LifecycleHooks")
    if is_unknown(hooks) or entries(hooks) or is_unknown(alarms):
        return True
    on = all(boolean(alarms.get(key)) is not False for key in ("Enable", "Rollback"))
    return not alarms.absent and on and bool(entries(alarms.get("AlarmNames")) or is_unknown(alarms.get("AlarmNames")))
