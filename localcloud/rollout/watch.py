"""Reads the state of the web service's rollout through the AWS API, and nothing else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from localcloud import aws, outputs
from localcloud.rollout.record import Rest
from localcloud.rollout.snapshot import Deployment, Group, Snapshot

GROUP_NAMES = ("blue", "green")
"""What the service's target group and its alternate one are called here."""


class Watch:
    """Looks at the web service. Every method raises ClientError or BotoCoreError when the API does not answer."""

    def __init__(self) -> None:
        cluster = outputs.find("ClusterName")
        self.region = cluster.region
        self._cluster = cluster.value
        self._service = outputs.value("WebServiceName")
        self._ecs = aws.client("ecs", self.region)
        self._elb = aws.client("elbv2", self.region)
        self._cloudwatch = aws.client("cloudwatch", self.region)
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="watch")

    def look(self) -> Snapshot:
        """The state now. What does not depend on one another is asked for at the same time."""
        service = self.service()
        names = tuple((service["deploymentConfiguration"].get("alarms") or {}).get("alarmNames") or ())
        deployment = self._pool.submit(self.deployment)
        running = self._pool.submit(self._running)
        alarms = self._pool.submit(self._alarm_states, names)
        groups = self._groups(service)
        return Snapshot(
            at=time.time(),
            primary=_short(service["taskDefinition"]),
            running=running.result(),
            desired=service["desiredCount"],
            groups=groups,
            deployment=deployment.result(),
            alarms=alarms.result(),
        )

    def service(self) -> dict[str, Any]:
        """As DescribeServices tells it."""
        found = self._ecs.describe_services(cluster=self._cluster, services=[self._service], include=["TAGS"])[
            "services"
        ]
        service: dict[str, Any] = found[0]
        return service

    def strategy(self) -> str:
        """ROLLING, BLUE_GREEN, CANARY or LINEAR."""
        return str(self.service()["deploymentConfiguration"].get("strategy") or "ROLLING")

    def canary_percent(self) -> int:
        """What the first step of a canary moves; 100 for every other strategy."""
        canary = self.service()["deploymentConfiguration"].get("canaryConfiguration") or {}
        return round(float(canary.get("canaryPercent", 100)))

    def deployment(self) -> Deployment | None:
        """The latest service deployment; None when there never was one."""
        listed = self._ecs.list_service_deployments(cluster=self._cluster, service=self._service)["serviceDeployments"]
        if not listed:
            return None
        latest = max(listed, key=lambda brief: _unix(brief["createdAt"]) or 0.0)
        arn = latest["serviceDeploymentArn"]
        described = self._ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        return deployment_of(described[0]) if described else None

    def stop(self, deployment: Deployment) -> None:
        """Ask ECS to roll a deployment back, as an operator would."""
        self._ecs.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType="ROLLBACK")

    def deploy_at_once(self) -> None:
        """Deploy what runs once more, with all traffic at once and no bake."""
        configuration = {**self.service()["deploymentConfiguration"], "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
        configuration.pop("canaryConfiguration", None)
        self._ecs.update_service(
            cluster=self._cluster,
            service=self._service,
            forceNewDeployment=True,
            deploymentConfiguration=configuration,
        )

    def alarm_times(self, names: tuple[str, ...], *, since: float) -> dict[str, float]:
        """When each of the alarms first went to ALARM after `since` (DescribeAlarmHistory)."""
        found: dict[str, float] = {}
        for name in names:
            pages = self._cloudwatch.get_paginator("describe_alarm_history").paginate(
                AlarmName=name, HistoryItemType="StateUpdate", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for item in [item for page in pages for item in page["AlarmHistoryItems"]]:
                at = _unix(item["Timestamp"]) or 0.0
                if at >= since and "to ALARM" in item["HistorySummary"]:
                    found[name] = min(at, found.get(name, at))
        return found

    def speaking(self) -> list[str]:
        """Alarms of the service's deployment configuration that are in ALARM."""
        names = (self.service()["deploymentConfiguration"].get("alarms") or {}).get("alarmNames") or ()
        return [name for name, state in self._alarm_states(tuple(names)).items() if state == "ALARM"]

    def stack(self) -> str:
        """Name of the stack that the service belongs to."""
        tags = {tag["key"]: tag["value"] for tag in self.service()["tags"]}
        return str(tags["aws:cloudformation:stack-name"])

    def rest(self) -> Rest:
        """What is there when nothing moves any more."""
        seen = self.look()
        name = self.stack()
        stacks = aws.client("cloudformation", self.region)
        resources = stacks.describe_stack_resources(StackName=name)["StackResources"]
        family = seen.primary.rsplit(":", 1)[0]
        named = [_short(r["PhysicalResourceId"]) for r in resources if r["ResourceType"] == "AWS::ECS::TaskDefinition"]
        return Rest(
            tasks=frozenset(seen.running),
            service=seen.primary,
            template=next((each for each in named if each.rsplit(":", 1)[0] == family), ""),
            stack=stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            healthy={group.name: group.healthy for group in seen.groups},
            targets={group.name: group.targets for group in seen.groups},
            weights={group.name: group.weight for group in seen.groups},
            deployment=seen.deployment.status if seen.deployment else "",
        )

    def _running(self) -> dict[str, int]:
        arns = self._ecs.list_tasks(cluster=self._cluster, serviceName=self._service, desiredStatus="RUNNING")
        if not arns["taskArns"]:
            return {}
        counts: dict[str, int] = {}
        for task in self._ecs.describe_tasks(cluster=self._cluster, tasks=arns["taskArns"])["tasks"]:
            if task["lastStatus"] == "RUNNING":
                name = _short(task["taskDefinitionArn"])
                counts[name] = counts.get(name, 0) + 1
        return counts

    def _groups(self, service: dict[str, Any]) -> tuple[Group, ...]:
        balancer = service["loadBalancers"][0]
        shifting = balancer.get("advancedConfiguration") or {}
        arns = [balancer["targetGroupArn"], *filter(None, [shifting.get("alternateTargetGroupArn")])]
        rule = shifting.get("productionListenerRule")
        states_of = list(self._pool.map(self._states, arns))
        weights = self._weights(rule) if rule else dict.fromkeys(arns, 100)
        found = []
        for name, arn, states in zip(GROUP_NAMES, arns, states_of, strict=False):
            found.append(
                Group(name=name, weight=weights.get(arn, 0), healthy=states.count("healthy"), targets=len(states))
            )
        return tuple(found)

    def _states(self, target_group: str) -> list[str]:
        health = self._elb.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
        return [target["TargetHealth"]["State"] for target in health]

    def _weights(self, rule: str) -> dict[str, int]:
        action = self._elb.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"][-1]
        return {group["TargetGroupArn"]: group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]}

    def _alarm_states(self, names: tuple[str, ...]) -> dict[str, str]:
        if not names:  # else every alarm of the account would be described
            return {}
        answer = self._cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}


def deployment_of(described: dict[str, Any]) -> Deployment:
    """From an item of DescribeServiceDeployments."""
    rollback = described.get("rollback") or {}
    alarms = described.get("alarms") or {}
    return Deployment(
        arn=described["serviceDeploymentArn"],
        status=described["status"],
        stage=described.get("lifecycleStage") or "",
        reason=described.get("statusReason") or "",
        created_at=_unix(described["createdAt"]) or 0.0,
        finished_at=_unix(described.get("finishedAt")),
        rollback_at=_unix(rollback.get("startedAt")),
        rollback_reason=rollback.get("reason") or "",
        alarms=tuple(alarms.get("alarmNames") or ()),
        triggered=tuple(alarms.get("triggeredAlarmNames") or ()),
    )


def _unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _short(arn: str) -> str:
    """family:revision of a task definition."""
    return arn.rsplit("/", 1)[-1]
