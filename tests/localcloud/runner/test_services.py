"""Real services: their tasks, their health, their deployments, and a runner that dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import Any

import psutil

from localcloud import aws, layout

from .conftest import REGION, Runner, Stage, eventually

FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
CRASH = "import sys\nprint('MISSING_THING is not set')\nsys.exit(3)"
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
SERVER = """
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
    http.server.HTTPServer((os.environ["BIND_ADDRESS"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def ids(tasks: list[dict[str, Any]]) -> set[str]:
    return {task["taskArn"] for task in tasks}


def processes_of(stage: Stage, runner: Runner, service: str) -> set[int]:
    return {
        container["pid"]
        for task in runner.status()["tasks"]
        if task["group"] == f"service:{service}" and task["status"] == "RUNNING"
        for container in task["containers"].values()
    }


def test_a_scalable_target_brings_a_service_within_its_bounds_once(stage: Stage, runner: Runner) -> None:
    name = stage.serve(stage.define(stage.container(FOREVER)))
    aws.client("application-autoscaling", REGION).register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{stage.cluster}/{name}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=2,
        MaxCapacity=3,
    )
    service = eventually(lambda: (s := stage.service(name))["runningCount"] == 2 and s)
    assert service
    assert service["desiredCount"] == 2
    shown = eventually(lambda: [s for s in runner.status()["services"] if s["name"] == name and s["running"] == 2])
    assert shown[0]["desired"] == 2
    # What somebody sets later stays until a policy acts, as on AWS: a service can be stopped.
    stage.ecs.update_service(cluster=stage.cluster, service=name, desiredCount=0)
    assert eventually(lambda: (s := stage.service(name))["runningCount"] == 0 and s)["desiredCount"] == 0
    stage.remove(name)
    eventually(lambda: stage.service(name)["status"] == "INACTIVE")
    assert not processes_of(stage, runner, name)


def test_a_crashed_task_is_replaced_and_the_reason_kept(stage: Stage, runner: Runner) -> None:
    name = stage.serve(stage.define(stage.container(FOREVER)))
    stage.rollout(name)
    before = stage.tasks(name)[0]
    os.kill(processes_of(stage, runner, name).pop(), signal.SIGSEGV)
    eventually(lambda: stage.task(before["taskArn"])["lastStatus"] == "STOPPED", within=2)
    assert "main with code 139" in stage.task(before["taskArn"])["stoppedReason"]
    eventually(lambda: any(t["lastStatus"] == "RUNNING" for t in stage.tasks(name)) and ids(stage.tasks(name)))
    assert before["taskArn"] not in ids(stage.tasks(name))
    status = next(s for s in runner.status()["services"] if s["name"] == name)
    assert (status["restarts"], "code 139" in status["last_error"]) == (1, True)
    stage.remove(name)


def test_a_task_whose_own_check_fails_is_replaced(stage: Stage) -> None:
    check = {"command": ["CMD-SHELL", "test ! -e $HOME/ill"], "interval": 5, "timeout": 2, "retries": 1}
    program = "import os, time\ntime.sleep(1)\nopen(os.environ['HOME'] + '/ill', 'w')\ntime.sleep(600)"
    name = stage.serve(stage.define(stage.container(program, healthCheck=check)))
    stage.rollout(name)
    first = stage.tasks(name)[0]
    stopped = stage.stopped(first["taskArn"])
    assert stopped["healthStatus"] == "UNHEALTHY"
    assert stopped["stoppedReason"].startswith("Task failed container health checks: main")
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"
    eventually(lambda: stage.tasks(name) and first["taskArn"] not in ids(stage.tasks(name)))
    stage.remove(name)


def test_a_deployment_replaces_tasks_without_ever_having_too_few(stage: Stage) -> None:
    name = stage.serve(stage.define(stage.container(FOREVER)), count=2)
    stage.rollout(name)
    old = ids(stage.tasks(name))
    stage.ecs.update_service(cluster=stage.cluster, service=name, taskDefinition=stage.define(stage.container(FOREVER)))
    fewest = 2

    def watch() -> bool:
        nonlocal fewest
        service = stage.service(name)
        fewest = min(fewest, service["runningCount"])
        return bool(service["deployments"][0]["rolloutState"] == "COMPLETED" and service["runningCount"] == 2)

    eventually(watch, period=0.02)
    assert fewest == 2
    assert not ids(stage.tasks(name)) & old
    stage.remove(name)


def test_the_circuit_breaker_goes_back_to_what_ran_and_says_why(stage: Stage) -> None:
    good = stage.define(stage.container(FOREVER))
    name = stage.serve(good, deploymentConfiguration=BREAKER)
    stage.rollout(name)
    running = ids(stage.tasks(name))
    # Without a health check a task is as good as healthy from its start to its crash, and may replace the old one.
    check = {"command": ["CMD-SHELL", "true"], "interval": 5, "timeout": 2, "retries": 1}
    broken = stage.define(stage.container(CRASH, healthCheck=check))
    stage.ecs.update_service(cluster=stage.cluster, service=name, taskDefinition=broken)
    service = eventually(lambda: (s := stage.service(name))["taskDefinition"] == good and s, within=20)
    assert service
    failed = [event["message"] for event in service["events"] if "deployment failed" in event["message"]]
    assert "MISSING_THING is not set" in failed[0]
    stage.rollout(name)
    assert ids(stage.tasks(name)) == running
    stage.remove(name)


def test_a_first_deployment_that_fails_starts_nothing_more(stage: Stage, runner: Runner) -> None:
    name = stage.serve(stage.define(stage.container(CRASH)), deploymentConfiguration=BREAKER)
    service = stage.rollout(name, "FAILED")
    deployment = service["deployments"][0]
    assert "MISSING_THING is not set" in deployment["rolloutStateReason"]
    assert deployment["failedTasks"] == 3
    eventually(lambda: not stage.tasks(name))
    stage.remove(name)


def test_a_protected_task_is_not_scaled_in(stage: Stage) -> None:
    name = stage.serve(stage.define(stage.container(FOREVER)), count=2)
    stage.rollout(name)
    both = sorted(ids(stage.tasks(name)))
    stage.ecs.update_task_protection(cluster=stage.cluster, tasks=both, protectionEnabled=True)
    stage.ecs.update_service(cluster=stage.cluster, service=name, desiredCount=1)
    time.sleep(2.5)  # two turns of a runner at rest, and then some
    assert ids(stage.tasks(name)) == set(both)
    stage.ecs.update_task_protection(cluster=stage.cluster, tasks=both[:1], protectionEnabled=False)
    eventually(lambda: ids(stage.tasks(name)) == {both[1]})
    stage.remove(name)


def test_tasks_are_targets_while_they_run_and_drained_before_they_end(stage: Stage) -> None:
    elb = aws.client("elbv2", REGION)
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=8000, TargetType="ip", VpcId="vpc-1")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    variables = [{"name": "PORT", "value": "8000"}, {"name": "BIND_ADDRESS", "value": "0.0.0.0"}]  # noqa: S104
    container = stage.container(SERVER, portMappings=[{"containerPort": 8000}], environment=variables)
    balancers = [{"targetGroupArn": arn, "containerName": "main", "containerPort": 8000}]
    name = stage.serve(stage.define(container), loadBalancers=balancers)

    def targets() -> list[int]:
        health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return [each["Target"]["Port"] for each in health]

    port = eventually(targets)[0]
    assert stage.service(name)["deployments"][0]["rolloutState"] == "IN_PROGRESS", "its target is not healthy yet"
    said = {arn: {f"127.0.0.1:{port}": "healthy"}}
    for file in ("target-health.json", "targets.json"):
        layout.write_private(layout.folder("dataplane") / file, json.dumps(said))
    stage.rollout(name)
    task = stage.tasks(name)[0]
    with socket.create_connection(("127.0.0.1", port)):
        stage.ecs.update_service(cluster=stage.cluster, service=name, desiredCount=0)
        eventually(lambda: stage.task(task["taskArn"])["lastStatus"] == "DEACTIVATING")
        eventually(lambda: not targets())
        # Somebody is still connected: the task has to wait for them, for as long as the deregistration delay.
        try:
            eventually(lambda: stage.task(task["taskArn"])["lastStatus"] == "STOPPED", within=4)
        except AssertionError:
            pass
        else:
            raise AssertionError("the task ended while it was serving")
    stage.stopped(task["taskArn"])
    stage.remove(name)


def test_a_runner_that_is_killed_leaves_one_set_of_tasks_after_its_restart(stage: Stage, runner: Runner) -> None:
    name = stage.serve(stage.define(stage.container(FOREVER)), count=2)
    stage.rollout(name)
    orphans = eventually(lambda: len(found := processes_of(stage, runner, name)) == 2 and found)
    assert orphans
    before = ids(stage.tasks(name))
    runner.kill()
    assert all(psutil.pid_exists(pid) for pid in orphans), "they live on without it"
    runner.restart()
    eventually(lambda: not runner.status()["tasks"], within=5, period=0.01)
    eventually(lambda: (s := stage.service(name))["runningCount"] == 2 and not ids(stage.tasks(name)) & before and s)
    assert not any(psutil.pid_exists(pid) for pid in orphans)
    assert stage.task(before.pop())["stoppedReason"] == "The task runner was restarted"
    of_service = [
        p for p in psutil.process_iter() if _task_of(p) in {arn.rsplit("/", 1)[-1] for arn in ids(stage.tasks(name))}
    ]
    assert len(of_service) == 2
    stage.remove(name)


def _task_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("LOCALCLOUD_TASK")
    except psutil.Error:
        return None
