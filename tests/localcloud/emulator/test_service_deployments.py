"""Service deployments through the API, with tasks that are only said to run; and what becomes of a rule's weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator.ecs_reports import EcsReports, ReportRefusedError, TaskReport

from .support import Deploy, Emulator

CLUSTER, SERVICE, ALARM = "switch", "web", "switch-errors"


def _balancer(*, path: str = "/*", note: str = "a") -> dict[str, Any]:
    """A load balancer whose rule forwards to two target groups, and a parameter that has nothing to do with it."""
    group = {"Port": 8000, "Protocol": "HTTP", "TargetType": "ip", "VpcId": {"Ref": "Vpc"}}
    weights = [{"TargetGroupArn": {"Ref": "Blue"}, "Weight": 100}, {"TargetGroupArn": {"Ref": "Green"}, "Weight": 0}]
    resources = {
        "Note": ("SSM::Parameter", {"Type": "String", "Value": note}),
        "Vpc": ("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
        **{
            f"Subnet{zone}": (
                "EC2::Subnet",
                {
                    "VpcId": {"Ref": "Vpc"},
                    "CidrBlock": f"10.0.{number}.0/24",
                    "AvailabilityZone": f"us-east-1{zone}",
                },
            )
            for number, zone in enumerate("ab")
        },
        "Balancer": (
            "ElasticLoadBalancingV2::LoadBalancer",
            {"Type": "application", "Subnets": [{"Ref": "Subneta"}, {"Ref": "Subnetb"}]},
        ),
        "Blue": ("ElasticLoadBalancingV2::TargetGroup", group),
        "Green": ("ElasticLoadBalancingV2::TargetGroup", group),
        "Listener": (
            "ElasticLoadBalancingV2::Listener",
            {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            },
        ),
        "Rule": (
            "ElasticLoadBalancingV2::ListenerRule",
            {
                "ListenerArn": {"Ref": "Listener"},
                "Priority": 1,
                "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}],
                "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}],
            },
        ),
    }
    return {name: {"Type": f"AWS::{kind}", "Properties": properties} for name, (kind, properties) in resources.items()}


_OUTPUTS = {name: {"Ref": name} for name in ("Rule", "Blue", "Green")}


def _weights(emulator: Emulator, rule: str) -> list[int]:
    described = emulator.client("elbv2").describe_rules(RuleArns=[rule])["Rules"][0]
    return [group["Weight"] for group in described["Actions"][0]["ForwardConfig"]["TargetGroups"]]


def test_an_update_that_does_not_touch_the_rule_leaves_its_weights(emulator: Emulator, deploy: Deploy) -> None:
    outputs = deploy("balancer", _balancer(), _OUTPUTS)
    rule = outputs["Rule"]
    shifted = [{"TargetGroupArn": outputs["Blue"], "Weight": 10}, {"TargetGroupArn": outputs["Green"], "Weight": 90}]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": shifted}}
    emulator.client("elbv2").modify_rule(RuleArn=rule, Actions=[action])
    deploy("balancer", _balancer(note="b"), _OUTPUTS)
    assert _weights(emulator, rule) == [10, 90]
    # As on AWS (aws-cdk#36649), an update of the rule itself writes the template's weights back.
    deploy("balancer", _balancer(note="b", path="/shop/*"), _OUTPUTS)
    assert _weights(emulator, rule) == [100, 0]


class HoldingRunner:
    """Runs nothing and says it does: each deployment has as many healthy tasks as ECS wants of it, and a rolling one is
    complete then, unless `completes` is false."""

    def __init__(self, ecs: Any, reports: EcsReports) -> None:
        self.completes = True
        self._ecs, self._reports = ecs, reports
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.1):
            # The service or a task may go between two calls.
            with suppress(ClientError, ReportRefusedError):
                for service in self._ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"]:
                    self._advance(service)

    def _advance(self, service: dict[str, Any]) -> None:
        arns = self._ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
        tasks = self._ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
        rolling = service["deploymentConfiguration"].get("strategy", "ROLLING") == "ROLLING"
        counts = {each["id"]: each["desiredCount"] for each in service["deployments"]}
        if rolling:
            counts = {each["id"]: counts[each["id"]] for each in service["deployments"] if each["status"] == "PRIMARY"}
        if service["status"] != "ACTIVE":
            counts = {}
        for task in tasks:
            counts[task["startedBy"]] = counts.get(task["startedBy"], 0) - 1
            if counts[task["startedBy"]] < 0:
                self._reports.report_task(
                    cluster=CLUSTER, report=TaskReport(task_arn=task["taskArn"], last_status="STOPPED")
                )
        for deployment, missing in counts.items():
            for _ in range(missing):
                arn = self._reports.create_task(cluster=CLUSTER, service=SERVICE, deployment_id=deployment)
                self._reports.report_task(cluster=CLUSTER, report=TaskReport(task_arn=arn, last_status="RUNNING"))
        primary = service["deployments"][0]
        if self.completes and rolling and primary["rolloutState"] == "IN_PROGRESS" and not any(counts.values()):
            self._reports.complete_deployment(cluster=CLUSTER, service=SERVICE, deployment_id=primary["id"])


class Switch:
    """A service behind the load balancer."""

    runner: HoldingRunner

    def __init__(self, emulator: Emulator, outputs: dict[str, str]) -> None:
        self.ecs = emulator.client("ecs")
        self._emulator, self._outputs = emulator, outputs
        self._definitions: dict[str, str] = {}

    def definition(self, version: str) -> str:
        if version not in self._definitions:
            container = {"name": "web", "image": version, "memory": 64, "portMappings": [{"containerPort": 8000}]}
            made = self.ecs.register_task_definition(
                family=version, networkMode="awsvpc", containerDefinitions=[container]
            )
            self._definitions[version] = made["taskDefinition"]["taskDefinitionArn"]
        return self._definitions[version]

    def create(self, **configuration: Any) -> None:
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=SERVICE,
            taskDefinition=self.definition("one"),
            desiredCount=1,
            launchType="FARGATE",
            deploymentConfiguration=configuration,
            loadBalancers=[
                {
                    "containerName": "web",
                    "containerPort": 8000,
                    "targetGroupArn": self._outputs["Blue"],
                    "advancedConfiguration": {
                        "alternateTargetGroupArn": self._outputs["Green"],
                        "productionListenerRule": self._outputs["Rule"],
                        "roleArn": "",
                    },
                }
            ],
        )
        self.ended("SUCCESSFUL")

    def update(self, version: str, **more: Any) -> str:
        """Ask for a version; the ARN of its service deployment."""
        known = {each["serviceDeploymentArn"] for each in self.listed()}
        self.ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=self.definition(version), **more)
        return next((a for each in self.listed() if (a := each["serviceDeploymentArn"]) not in known), "")

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ecs.list_service_deployments(cluster=CLUSTER, service=SERVICE)[
            "serviceDeployments"
        ]
        return found

    def described(self, arn: str = "") -> dict[str, Any]:
        arns = [arn or self.listed()[0]["serviceDeploymentArn"]]
        found: dict[str, Any] = self.ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"][
            0
        ]
        return found

    def at(self, stage: str, *, within: float = 20) -> dict[str, Any]:
        deadline = time.monotonic() + within
        while (found := self.described()).get("lifecycleStage") != stage:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def ended(self, status: str, arn: str = "", *, within: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + within
        while not (found := self.described(arn)).get("finishedAt"):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        assert found["status"] == status, found
        return found

    def weights(self) -> list[int]:
        return _weights(self._emulator, self._outputs["Rule"])

    def version(self) -> str:
        """What the service is at, and its only tasks."""
        service = self.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
        arns = self.ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE)["taskArns"]
        tasks = self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
        assert {each["taskDefinitionArn"] for each in tasks} == {service["taskDefinition"]}
        return str(service["taskDefinition"]).rsplit("/", 1)[-1].partition(":")[0]


@pytest.fixture
def switch(emulator: Emulator, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Switch]:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(emulator.home))
    monkeypatch.setenv("LOCALCLOUD_BASE_PORT", str(emulator.base))
    made = Switch(emulator, deploy("balancer", _balancer(), _OUTPUTS))
    made.ecs.create_cluster(clusterName=CLUSTER)
    runner = made.runner = HoldingRunner(made.ecs, EcsReports(region="us-east-1"))
    yield made
    with suppress(ClientError):
        made.ecs.delete_service(cluster=CLUSTER, service=SERVICE, force=True)
    deadline = time.monotonic() + 10
    while made.ecs.list_tasks(cluster=CLUSTER)["taskArns"] and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.stop()
    made.ecs.delete_cluster(cluster=CLUSTER)


@pytest.fixture
def alarm(emulator: Emulator) -> Iterator[Any]:
    """Sets the alarm's state; it never leaves it by itself."""
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="switch",
        MetricName="errors",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        TreatMissingData="ignore",
        ComparisonOperator="GreaterThanThreshold",
    )
    yield lambda state: cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="test")
    cloudwatch.delete_alarms(AlarmNames=[ALARM])


BLUE_GREEN: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
BAKING: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30}
WATCHED: dict[str, Any] = {"alarmNames": [ALARM], "enable": True, "rollback": True}


def test_blue_and_green_change_roles_with_each_deployment(switch: Switch) -> None:
    switch.create(**BLUE_GREEN)
    assert switch.weights() == [100, 0]
    for version, weights in (("two", [0, 100]), ("three", [100, 0])):
        found = switch.ended("SUCCESSFUL", switch.update(version))
        assert (switch.version(), switch.weights()) == (version, weights)
        assert found["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100.0
        assert len(found["sourceServiceRevisions"]) == 1
    service = switch.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    assert [each["arn"] for each in service["currentServiceRevisions"]] == [found["targetServiceRevision"]["arn"]]


def test_stopping_a_deployment_rolls_it_back(switch: Switch) -> None:
    switch.create(**BAKING)
    arn = switch.update("two")
    baking = switch.at("BAKE_TIME")
    assert switch.weights() == [0, 100]
    switch.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    found = switch.ended("ROLLBACK_SUCCESSFUL")
    assert (switch.version(), switch.weights()) == ("one", [100, 0])
    assert found["rollback"]["serviceRevisionArn"] == baking["sourceServiceRevisions"][0]["arn"]
    with pytest.raises(ClientError, match="ROLLBACK_SUCCESSFUL"):
        switch.ecs.stop_service_deployment(serviceDeploymentArn=arn)


def test_scaling_while_both_run_is_for_both(switch: Switch) -> None:
    switch.create(**BAKING)
    switch.update("two")
    switch.at("BAKE_TIME")
    switch.ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)
    service = switch.ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    assert [each["desiredCount"] for each in service["deployments"]] == [2, 2]


def test_a_deployment_in_the_middle_of_another_is_reconciled_first(switch: Switch) -> None:
    switch.create(**BAKING)
    first = switch.update("two")
    switch.at("BAKE_TIME")
    second = switch.update("three", deploymentConfiguration=BLUE_GREEN)
    stopped = switch.ended("STOPPED", first)
    assert "has taken its place" in stopped["statusReason"]
    assert switch.at("RECONCILE_SERVICE")["serviceDeploymentArn"] == second
    switch.ended("SUCCESSFUL", second)
    assert (switch.version(), switch.weights()) == ("three", [0, 100])


def test_an_aborted_deployment_stands_until_the_next_one(switch: Switch) -> None:
    switch.create(**BAKING)
    arn = switch.update("two")
    switch.at("BAKE_TIME")
    switch.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
    assert switch.ended("STOPPED")["stoppedAt"]
    assert switch.weights() == [0, 100]
    switch.ended("SUCCESSFUL", switch.update("one", deploymentConfiguration=BLUE_GREEN))
    assert (switch.version(), switch.weights()) == ("one", [0, 100])


def test_asking_for_what_is_in_production_is_asking_for_a_rollback(switch: Switch) -> None:
    switch.create(**BAKING)
    arn = switch.update("two")
    switch.at("BAKE_TIME")
    assert switch.update("one") == ""
    switch.ended("ROLLBACK_SUCCESSFUL", arn)
    assert (switch.version(), switch.weights()) == ("one", [100, 0])


def test_a_rollback_in_the_middle_of_a_rollback_ends_in_one_version(switch: Switch, alarm: Any) -> None:
    alarm("OK")
    switch.create(**BAKING, alarms=WATCHED)
    arn = switch.update("two")
    switch.at("BAKE_TIME")
    alarm("ALARM")
    switch.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    switch.update("one")
    assert switch.ended("ROLLBACK_SUCCESSFUL", arn)["status"] == "ROLLBACK_SUCCESSFUL"
    assert (switch.version(), switch.weights()) == ("one", [100, 0])


def test_an_alarm_that_is_in_alarm_already_is_not_watched(switch: Switch, alarm: Any) -> None:
    alarm("ALARM")
    switch.create(**BLUE_GREEN, alarms=WATCHED)
    found = switch.ended("SUCCESSFUL", switch.update("two"))
    assert found["alarms"] == {"status": "DISABLED", "alarmNames": [ALARM], "triggeredAlarmNames": []}


def test_a_rolling_update_goes_back_by_alarm(switch: Switch, alarm: Any) -> None:
    alarm("OK")
    switch.create(alarms=WATCHED)
    switch.runner.completes = False  # else it may be over before anybody looks
    arn = switch.update("two")
    deadline = time.monotonic() + 10
    while switch.described(arn).get("alarms", {}).get("status") != "MONITORING":
        assert time.monotonic() < deadline, switch.described(arn)
        time.sleep(0.05)
    alarm("ALARM")
    while switch.described(arn)["status"] == "IN_PROGRESS":
        assert time.monotonic() < deadline, switch.described(arn)
        time.sleep(0.05)
    switch.runner.completes = True
    found = switch.ended("ROLLBACK_SUCCESSFUL", arn)
    assert found["alarms"]["triggeredAlarmNames"] == [ALARM]
    assert switch.version() == "one"


def test_traffic_cannot_be_shifted_without_a_second_target_group(switch: Switch) -> None:
    with pytest.raises(ClientError, match="alternateTargetGroupArn"):
        switch.ecs.create_service(
            cluster=CLUSTER,
            serviceName="other",
            taskDefinition=switch.definition("one"),
            deploymentConfiguration=BLUE_GREEN,
            loadBalancers=[{"containerName": "web", "containerPort": 8000, "targetGroupArn": "arn:of:a:group"}],
        )
