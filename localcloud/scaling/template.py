"""Services and their scaling, read from the templates of a cloud assembly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from localcloud.emulator.cloudwatch.evaluation import COMPARISONS, Missing, Rule
from localcloud.scaling.errors import ScalingError
from localcloud.scaling.model import BACKLOG, CPU, Alarm, Service, Size, StepPolicy, Timing
from localcloud.scaling.steps import AdjustmentType, StepAdjustment

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_ALARM = "AWS::CloudWatch::Alarm"
_SERVICE = "AWS::ECS::Service"
_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

PLACEMENT_SECONDS = 35.0 + 15.0
"""From the order to RUNNING on Fargate: 35 s for placement and network, 15 s for 600 MB of image at 40 MB/s.

An assumption, the same as in `make plan`; AWS publishes no figure.
"""

BOOT_SECONDS = 20.0
"""From RUNNING to an application that answers; an assumption, the same as in `make plan`."""

_SIMULATED = {CPU, BACKLOG}
_DEFAULT_COOLDOWN = 300
"""API_StepScalingPolicyConfiguration.html: "If not specified, the default value is 300", for ECS services."""


@dataclass(frozen=True, kw_only=True)
class _Stack:
    region: str
    resources: dict[str, dict[str, Any]]

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, resource in self.resources.items():
            if resource.get("Type") == kind:
                yield name, resource.get("Properties", {})

    def properties(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.resources[name].get("Properties", {})
        return found

    def path(self, name: str) -> str:
        return str(self.resources[name].get("Metadata", {}).get("aws:cdk:path", name))


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The templates of a cloud assembly."""

    folder: Path

    @cached_property
    def stacks(self) -> list[_Stack]:
        """Raises ScalingError where the folder holds no assembly."""
        try:
            manifest = json.loads((self.folder / "manifest.json").read_text())
            return [
                _Stack(
                    region=artifact["environment"].rsplit("/", 1)[-1],
                    resources=json.loads((self.folder / artifact["properties"]["templateFile"]).read_text()).get(
                        "Resources", {}
                    ),
                )
                for artifact in manifest["artifacts"].values()
                if artifact["type"] == "aws:cloudformation:stack"
            ]
        except (OSError, ValueError, KeyError) as error:
            raise ScalingError(f"{self.folder} holds no cloud assembly ({error}): run `make synth` first") from None

    def services(self) -> list[Service]:
        """Every ECS service that scales. Raises ScalingError for what cannot be simulated, naming it."""
        return [
            self._service(stack, name, target)
            for stack in self.stacks
            for name, target in stack.of_type(_TARGET)
            if target.get("ServiceNamespace") == "ecs"
        ]

    def _service(self, stack: _Stack, target_id: str, target: dict[str, Any]) -> Service:
        service_id = next((one for one in _references(target["ResourceId"]) if _is(stack, one, _SERVICE)), None)
        if service_id is None:
            raise ScalingError(f"{stack.path(target_id)} scales no service of its own stack; only these are simulated")
        service = stack.properties(service_id)
        task = stack.properties(next(iter(_references(service["TaskDefinition"]))))
        size = _size(task)
        return Service(
            name=_name(service, task),
            region=stack.region,
            minimum=int(target["MinCapacity"]),
            maximum=int(target["MaxCapacity"]),
            policies=tuple(
                _policy(stack, name, policy)
                for name, policy in stack.of_type(_POLICY)
                if target_id in _references(policy.get("ScalingTargetId"))
            ),
            size=size,
            timing=self._timing(service, task),
        )

    def _timing(self, service: dict[str, Any], task: dict[str, Any]) -> Timing:
        stop = max(float(one.get("StopTimeout", 30)) for one in task["ContainerDefinitions"])
        if not service.get("LoadBalancers"):
            return Timing(start=PLACEMENT_SECONDS, ready=BOOT_SECONDS, drain=stop)
        # Where several groups share a service, as for blue and green, they are alike.
        group = next((one for stack in self.stacks for _, one in stack.of_type(_GROUP)), {})
        checks = float(group.get("HealthyThresholdCount", 5)) * float(group.get("HealthCheckIntervalSeconds", 30))
        attributes = {one["Key"]: one["Value"] for one in group.get("TargetGroupAttributes", [])}
        drain = float(attributes.get("deregistration_delay.timeout_seconds", 300))
        return Timing(start=PLACEMENT_SECONDS, ready=BOOT_SECONDS + checks, drain=drain)


def _name(service: dict[str, Any], task: dict[str, Any]) -> str:
    """What people call it: the container behind the load balancer, else the last that the task starts."""
    for balancer in service.get("LoadBalancers", []):
        return str(balancer["ContainerName"])
    return str(task["ContainerDefinitions"][-1]["Name"])


def _size(task: dict[str, Any]) -> Size:
    variables = {
        one["Name"]: one.get("Value")
        for container in task["ContainerDefinitions"]
        for one in container.get("Environment", [])
    }
    slots = variables.get("WORKER_CONCURRENCY")
    return Size(
        vcpu=int(task["Cpu"]) / 1024,
        memory_gib=int(task["Memory"]) / 1024,
        architecture="arm64" if task.get("RuntimePlatform", {}).get("CpuArchitecture") == "ARM64" else "x86",
        slots=int(slots) if slots is not None else None,
    )


def _policy(stack: _Stack, name: str, policy: dict[str, Any]) -> StepPolicy:
    path = stack.path(name)
    if policy.get("PolicyType") != "StepScaling":
        raise ScalingError(f"{path} is {policy.get('PolicyType')}: only StepScaling is simulated")
    settings = policy["StepScalingPolicyConfiguration"]
    alarms = [one for _, one in stack.of_type(_ALARM) if name in _references(one.get("AlarmActions"))]
    if len(alarms) != 1:
        raise ScalingError(f"{path} is invoked by {len(alarms)} alarms of its stack; exactly one is simulated")
    return StepPolicy(
        name=name,
        alarm=alarm_of(alarms[0], path=path),
        kind=AdjustmentType(settings["AdjustmentType"]),
        steps=tuple(
            StepAdjustment(
                lower=one.get("MetricIntervalLowerBound"),
                upper=one.get("MetricIntervalUpperBound"),
                adjustment=int(one["ScalingAdjustment"]),
            )
            for one in settings["StepAdjustments"]
        ),
        cooldown=float(settings.get("Cooldown", _DEFAULT_COOLDOWN)),
        aggregation=settings.get("MetricAggregationType", "Average"),
        minimum_magnitude=int(settings.get("MinAdjustmentMagnitude", 0)),
    )


def alarm_of(properties: dict[str, Any], *, path: str) -> Alarm:
    """An alarm's properties, as CloudFormation writes them. Raises ScalingError for a metric that is not simulated."""
    metrics, statistics, periods, expression = {}, [], [], None
    for query in properties.get("Metrics") or [{"Id": "m", "MetricStat": _plain(properties)}]:
        if "Expression" in query:
            expression = str(query["Expression"])
            continue
        stat = query["MetricStat"]
        metrics[str(query["Id"])] = str(stat["Metric"]["MetricName"])
        statistics.append(str(stat["Stat"]))
        periods.append(int(stat["Period"]))
    if unknown := set(metrics.values()) - _SIMULATED:
        raise ScalingError(
            f"the alarm of {path} watches {', '.join(sorted(unknown))}; simulated are {CPU} and {BACKLOG}"
        )
    count = int(properties["EvaluationPeriods"])
    return Alarm(
        metrics=metrics,
        expression=expression,
        statistic=statistics[0],
        period=periods[0],
        rule=Rule(
            comparison=COMPARISONS[properties["ComparisonOperator"]],
            threshold=float(properties["Threshold"]),
            periods=count,
            to_alarm=int(properties.get("DatapointsToAlarm", count)),
            missing=Missing(properties.get("TreatMissingData", "missing")),
        ),
    )


def _plain(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "Metric": {"MetricName": properties.get("MetricName")},
        "Stat": properties.get("Statistic", "Average"),
        "Period": properties.get("Period", 60),
    }


def _is(stack: _Stack, name: str, kind: str) -> bool:
    return stack.resources.get(name, {}).get("Type") == kind


def _references(value: Any) -> Iterator[str]:
    """Logical ids that a value refers to, by Ref, Fn::GetAtt, or in the text of Fn::Sub."""
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        elif isinstance(value.get("Fn::GetAtt"), list):
            yield value["Fn::GetAtt"][0]
        else:
            for one in value.values():
                yield from _references(one)
