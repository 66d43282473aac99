"""Services, deployments and tasks as the task runner drives them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator.ecs_reports import ContainerReport, EcsReports, ReportRefusedError, TaskReport

from .support import Deploy, Emulator, settled


@pytest.fixture
def reports(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> EcsReports:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(emulator.home))
    monkeypatch.setenv("LOCALCLOUD_BASE_PORT", str(emulator.base))
    return EcsReports(region="us-east-1")


def _resources(image: str, **properties: Any) -> dict[str, Any]:
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "shop"}},
        "Definition": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "shop",
                "RequiresCompatibilities": ["FARGATE"],
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "ContainerDefinitions": [
                    {
                        "Name": "web",
                        "Image": image,
                        "Essential": True,
                        "PortMappings": [{"ContainerPort": 8000}],
                        "Secrets": [{"Name": "PASSWORD", "ValueFrom": "arn:aws:secretsmanager:us-east-1:0:secret:a"}],
                        "HealthCheck": {"Command": ["CMD", "true"], "Interval": 5},
                        "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}},
                        "DependsOn": [{"ContainerName": "side", "Condition": "HEALTHY"}],
                        "StopTimeout": 30,
                    },
                    {"Name": "side", "Image": image, "HealthCheck": {"Command": ["CMD", "true"]}},
                ],
                "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
                "Volumes": [{"Name": "scratch"}],
                "EphemeralStorage": {"SizeInGiB": 25},
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {
                "ServiceName": "web",
                "Cluster": {"Ref": "Cluster"},
                "TaskDefinition": {"Ref": "Definition"},
                "DesiredCount": 1,
                "LaunchType": "FARGATE",
                "HealthCheckGracePeriodSeconds": 60,
                "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
                **properties,
            },
        },
    }


class Runner:
    """Runs nothing and says it does: completes rollouts of images named "good", fails all others."""

    def __init__(self, ecs: Any, reports: EcsReports) -> None:
        self._ecs, self._reports = ecs, reports
        self._stopped = threading.Event()
        self.paused = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.05):
            if self.paused:
                continue
            # The cluster, a service or a task may go between two calls.
            with suppress(ClientError, ReportRefusedError):
                for service in self._ecs.describe_services(cluster="shop", services=["web"])["services"]:
                    self._advance(service)

    def _advance(self, service: dict[str, Any]) -> None:
        where = {"cluster": service["clusterArn"]}
        for arn in self._ecs.list_tasks(cluster="shop", desiredStatus="STOPPED")["taskArns"]:
            task = self._ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0]
            if task["lastStatus"] != "STOPPED":
                self._reports.report_task(**where, report=TaskReport(task_arn=arn, last_status="STOPPED"))
        for deployment in service["deployments"]:
            if deployment["status"] != "PRIMARY" or deployment["rolloutState"] != "IN_PROGRESS":
                continue
            about = {**where, "service": service["serviceArn"], "deployment_id": deployment["id"]}
            definition = self._ecs.describe_task_definition(taskDefinition=deployment["taskDefinition"])
            if deployment["runningCount"] >= deployment["desiredCount"]:
                self._reports.complete_deployment(**about)
                for arn in self._ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"]:
                    task = self._ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0]
                    if task["startedBy"] != deployment["id"]:
                        self._ecs.stop_task(cluster="shop", task=arn)
                continue
            arn = self._reports.create_task(**about)
            if definition["taskDefinition"]["containerDefinitions"][0]["image"] == "good":
                self._reports.report_task(**where, report=_running(arn))
            else:
                self._reports.report_task(
                    **where,
                    report=TaskReport(
                        task_arn=arn,
                        last_status="STOPPED",
                        stop_code="EssentialContainerExited",
                        stopped_reason="Essential container in task exited",
                        failed=True,
                        containers=[ContainerReport(name="web", last_status="STOPPED", exit_code=3)],
                    ),
                )
                self._reports.fail_deployment(**about, reason="container web exited with code 3: PASSWORD is missing")


def _running(arn: str) -> TaskReport:
    return TaskReport(
        task_arn=arn,
        last_status="RUNNING",
        health_status="HEALTHY",
        containers=[ContainerReport(name="web", last_status="RUNNING", health_status="HEALTHY", runtime_id="42")],
        host_ports={"web:8000": 31000},
    )


@pytest.fixture
def runner(emulator: Emulator, reports: EcsReports) -> Iterator[Runner]:
    made = Runner(emulator.client("ecs"), reports)
    yield made
    made.stop()


@pytest.fixture
def shop(runner: Runner, deploy: Deploy) -> Deploy:
    """Deploys with a runner that outlives the stack: services drain only while someone reports."""
    return deploy


def _service(emulator: Emulator) -> dict[str, Any]:
    found: dict[str, Any] = emulator.client("ecs").describe_services(cluster="shop", services=["web"])["services"][0]
    return found


def test_a_task_definition_is_kept_whole(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    found = emulator.client("ecs").describe_task_definition(taskDefinition="shop")["taskDefinition"]
    web = found["containerDefinitions"][0]
    assert web["secrets"][0]["name"] == "PASSWORD"
    assert web["healthCheck"] == {"command": ["CMD", "true"], "interval": 5}
    assert web["linuxParameters"] == {"initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}}
    assert web["dependsOn"] == [{"containerName": "side", "condition": "HEALTHY"}]
    assert found["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert found["ephemeralStorage"] == {"sizeInGiB": 25}
    assert "taskRoleArn" not in found


def test_a_service_is_complete_when_its_rollout_is(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    service = _service(emulator)
    assert (service["runningCount"], service["pendingCount"]) == (1, 0)
    assert [d["rolloutState"] for d in service["deployments"]] == ["COMPLETED"]
    assert service["healthCheckGracePeriodSeconds"] == 60
    assert "steady state" in service["events"][0]["message"]
    ecs = emulator.client("ecs")
    task = ecs.describe_tasks(cluster="shop", tasks=ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"])[
        "tasks"
    ][0]
    assert (task["lastStatus"], task["healthStatus"], task["group"]) == ("RUNNING", "HEALTHY", "service:web")
    assert task["containers"][0]["networkBindings"][0]["hostPort"] == 31000
    assert {"name": "privateIPv4Address", "value": "127.0.0.1"} in task["attachments"][0]["details"]


def test_a_failed_create_rolls_back_with_the_reason(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("bad"), expect="ROLLBACK_COMPLETE")
    events = emulator.client("cloudformation").describe_stack_events(StackName="shop")["StackEvents"]
    assert any("exited with code 3: PASSWORD is missing" in e.get("ResourceStatusReason", "") for e in events)
    assert emulator.client("ecs").list_clusters()["clusterArns"] == []


def test_a_failed_update_brings_the_old_revision_back(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    before = _service(emulator)["taskDefinition"]
    shop("shop", _resources("bad"), expect="UPDATE_ROLLBACK_COMPLETE")
    service = _service(emulator)
    assert service["taskDefinition"] == before
    assert service["runningCount"] == 1
    assert [d["rolloutState"] for d in service["deployments"] if d["status"] == "PRIMARY"] == ["COMPLETED"]


def test_the_circuit_breaker_brings_the_last_completed_deployment_back(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    ecs = emulator.client("ecs")
    before = _service(emulator)
    ecs.register_task_definition(family="broken", containerDefinitions=[{"name": "web", "image": "bad", "memory": 64}])
    ecs.update_service(cluster="shop", service="web", taskDefinition="broken")
    deadline = time.monotonic() + 10
    while (after := _service(emulator))["deployments"][0]["rolloutState"] != "COMPLETED":
        assert time.monotonic() < deadline, after["deployments"]
        time.sleep(0.05)
    assert after["taskDefinition"] == before["taskDefinition"]
    assert after["deployments"][0]["id"] == before["deployments"][0]["id"]
    assert any("rolling back to deployment" in event["message"] for event in after["events"])


def test_a_rollout_can_be_cancelled(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    stuck = _resources("good", DesiredCount=50)
    cloudformation = emulator.client("cloudformation")
    stuck["Definition"]["Properties"]["Cpu"] = "512"
    started = time.monotonic()
    shop("shop", stuck, wait=False)
    if cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "UPDATE_IN_PROGRESS":
        cloudformation.cancel_update_stack(StackName="shop")
    assert settled(cloudformation, "shop")["StackStatus"] in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")
    assert time.monotonic() - started < 90  # the rollout itself would have the patience for 900


def test_a_task_run_by_hand(emulator: Emulator, shop: Deploy, reports: EcsReports) -> None:
    shop("shop", _resources("good"))
    ecs = emulator.client("ecs")
    task = ecs.run_task(cluster="shop", taskDefinition="shop", launchType="FARGATE", startedBy="me")["tasks"][0]
    assert (task["lastStatus"], task["group"]) == ("PROVISIONING", "family:shop")
    assert task["taskArn"] in ecs.list_tasks(cluster="shop", startedBy="me")["taskArns"]
    reports.report_task(
        cluster="shop",
        report=TaskReport(
            task_arn=task["taskArn"],
            last_status="STOPPED",
            stopped_reason="Essential container in task exited",
            containers=[ContainerReport(name="web", last_status="STOPPED", exit_code=0)],
        ),
    )
    ended = ecs.describe_tasks(cluster="shop", tasks=[task["taskArn"]])["tasks"][0]
    assert (ended["lastStatus"], ended["containers"][0]["exitCode"]) == ("STOPPED", 0)
    assert ended["stoppedReason"] == "Essential container in task exited"


def test_eventbridge_hears_of_each_state_of_a_task(emulator: Emulator, shop: Deploy, reports: EcsReports) -> None:
    shop("shop", _resources("good"))
    ecs, events, queues = (emulator.client(name) for name in ("ecs", "events", "sqs"))
    family = "arn:aws:ecs:us-east-1:000000000000:task-definition/shop:"
    failed = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "lastStatus": ["STOPPED"],
            "taskDefinitionArn": [{"prefix": family}],
            "$or": [{"stopCode": ["EssentialContainerExited"]}, {"stoppedReason": [{"prefix": "Task failed"}]}],
        },
    }
    events.put_rule(Name="failed", EventPattern=json.dumps(failed))
    url = queues.create_queue(QueueName="failed")["QueueUrl"]
    events.put_targets(Rule="failed", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:failed"}])
    arn, by_us = (ecs.run_task(cluster="shop", taskDefinition="shop")["tasks"][0]["taskArn"] for _ in range(2))
    for status in ("RUNNING", "STOPPED", "STOPPED"):
        reports.report_task(cluster="shop", report=TaskReport(task_arn=arn, last_status=status))
    reports.report_task(
        cluster="shop", report=TaskReport(task_arn=by_us, last_status="STOPPED", stop_code="UserInitiated")
    )
    bodies = [
        json.loads(one["Body"]) for one in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=9)["Messages"]
    ]
    assert [one["detail"]["taskArn"] for one in bodies] == [arn]
    assert bodies[0]["resources"] == [arn]
    assert bodies[0]["detail"]["stopCode"] == "EssentialContainerExited"
    assert not any(name.startswith("_") for name in bodies[0]["detail"])


def test_a_task_is_run_once_for_a_client_token(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    ecs = emulator.client("ecs")
    request = {"cluster": "shop", "taskDefinition": "shop", "launchType": "FARGATE"}
    first, again, other = (
        ecs.run_task(**request, clientToken=token)["tasks"][0]["taskArn"] for token in ("release-1", "release-1", "2")
    )
    assert first == again
    assert first != other


def test_stopping_a_task_only_asks_for_it(
    emulator: Emulator, shop: Deploy, reports: EcsReports, runner: Runner
) -> None:
    shop("shop", _resources("good"))
    runner.paused = True
    ecs = emulator.client("ecs")
    arn = ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"][0]
    asked = ecs.stop_task(cluster="shop", task=arn, reason="drill")["task"]
    assert (asked["desiredStatus"], asked["lastStatus"]) == ("STOPPED", "RUNNING")
    assert _service(emulator)["runningCount"] == 1
    reports.report_task(cluster="shop", report=TaskReport(task_arn=arn, last_status="STOPPED"))
    assert ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0]["stoppedReason"] == "drill"
    assert _service(emulator)["runningCount"] == 0
    runner.paused = False


def test_task_protection(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    ecs = emulator.client("ecs")
    arns = ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"]
    ecs.update_task_protection(cluster="shop", tasks=arns, protectionEnabled=True, expiresInMinutes=5)
    found = ecs.get_task_protection(cluster="shop", tasks=arns)["protectedTasks"][0]
    assert found["protectionEnabled"] is True
    assert 200 < found["expirationDate"].timestamp() - time.time() <= 300
    ecs.update_task_protection(cluster="shop", tasks=arns, protectionEnabled=False)
    assert ecs.get_task_protection(cluster="shop", tasks=arns)["protectedTasks"][0]["protectionEnabled"] is False


def test_reports_about_strangers_are_refused(reports: EcsReports) -> None:
    with pytest.raises(ReportRefusedError, match="no service nobody"):
        reports.complete_deployment(cluster="nowhere", service="nobody", deployment_id="ecs-svc/1")


def test_a_scaled_service_cannot_be_deleted_without_force(emulator: Emulator, shop: Deploy) -> None:
    shop("shop", _resources("good"))
    with pytest.raises(ClientError, match="scaled above 0"):
        emulator.client("ecs").delete_service(cluster="shop", service="web")
