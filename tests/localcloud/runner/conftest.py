"""One emulator for all tests of the runner, and small programs as images."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from localcloud import aws, images, layout

REGION = "us-east-1"
ROLE_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, within: float = 15, period: float = 0.1) -> Found:
    """The first truthy value of `look`; the last one fails the test when time is over."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {within} s"
        time.sleep(period)


def _start(module: str) -> subprocess.Popen[bytes]:
    log = (layout.folder("logs") / f"{module}.log").open("ab")
    return subprocess.Popen([sys.executable, "-m", module], stdout=log, stderr=log, cwd=layout.REPOSITORY)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="package")
def cloud() -> Iterator[Path]:
    """The state folder of a local cloud of which only the emulator runs."""
    before = {name: os.environ.get(name) for name in ("LOCALCLOUD_HOME", "LOCALCLOUD_BASE_PORT")}
    folder = Path(tempfile.mkdtemp(prefix="runner-")).resolve()
    base = os.environ.get("LOCALCLOUD_TEST_BASE_PORT", "16500")
    os.environ.update(LOCALCLOUD_HOME=str(folder / "home"), LOCALCLOUD_BASE_PORT=base)
    aws.client.cache_clear()
    emulator = _start("localcloud.emulator")

    def answers() -> bool:
        assert emulator.poll() is None, (layout.folder("logs") / "localcloud.emulator.log").read_text()
        try:
            return bool(aws.client("sts", REGION).get_caller_identity())
        except Exception:  # noqa: BLE001  (whatever it is, not yet)
            return False

    try:
        eventually(answers, within=30)
        yield folder / "home"
    finally:
        emulator.kill()  # it would wait for our connections to end; its state is thrown away anyway
        emulator.wait()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        aws.client.cache_clear()
        shutil.rmtree(folder)


class Runner:
    """The runner as a process of its own."""

    def __init__(self) -> None:
        self.process = _start("localcloud.runner")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        self.process = _start("localcloud.runner")

    def status(self) -> dict[str, Any]:
        path = layout.home() / "runner" / "status.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"services": [], "tasks": []}
        return found


@pytest.fixture(scope="package")
def runner(cloud: Path) -> Iterator[Runner]:
    started = Runner()
    yield started
    _end(started.process)


@pytest.fixture(scope="package")
def stage(cloud: Path, runner: Runner) -> Stage:
    return Stage()


class Stage:
    """A cluster, its roles and logs; makes images, task definitions, services and tasks."""

    def __init__(self) -> None:
        self.ecs = aws.client("ecs", REGION)
        self.cluster = "stage"
        self.ecs.create_cluster(clusterName=self.cluster)
        aws.client("logs", REGION).create_log_group(logGroupName="/stage")
        logs = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
        self.execution_role = self.role("execution", logs)
        self.task_role = self.role(
            "task",
            {"Effect": "Allow", "Action": ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"], "Resource": "*"},
        )

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        """A role that tasks may assume; its ARN."""
        iam = aws.client("iam", REGION)
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ROLE_TRUST))["Role"]["Arn"]
        if statements:
            self.allow(name, *statements)
        return str(arn)

    def allow(self, role: str, *statements: dict[str, Any]) -> None:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        aws.client("iam", REGION).put_role_policy(
            RoleName=role, PolicyName="given", PolicyDocument=json.dumps(document)
        )

    def image(self, program: str, *, dockerfile: str = "") -> str:
        """An image whose /app has one `main.py`; its reference."""
        tag = uuid.uuid4().hex
        with tempfile.TemporaryDirectory() as name:
            context = Path(name)
            (context / "main.py").write_text(textwrap.dedent(program))
            (context / "Dockerfile").write_text(dockerfile or 'FROM python\nCMD ["python", "main.py"]\n')
            reference = f"{layout.ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/stage:{tag}"
            images.build(context, dockerfile=context / "Dockerfile", tag=reference)
        return reference

    def container(self, program: str, **given: Any) -> dict[str, Any]:
        """A container definition that runs the program and logs to /stage."""
        logs = {"awslogs-group": "/stage", "awslogs-region": REGION, "awslogs-stream-prefix": "test"}
        return {
            "name": "main",
            "image": self.image(program),
            "essential": True,
            "stopTimeout": 2,
            "logConfiguration": {"logDriver": "awslogs", "options": logs},
            **given,
        }

    def define(self, *containers: dict[str, Any], **given: Any) -> str:
        """A task definition's ARN."""
        request = {
            "family": f"family-{uuid.uuid4().hex[:8]}",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": self.execution_role,
            "taskRoleArn": self.task_role,
            "containerDefinitions": list(containers),
            **given,
        }
        return str(self.ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"])

    def run(self, definition: str, **given: Any) -> str:
        """Start a task on its own; its ARN."""
        return str(
            self.ecs.run_task(cluster=self.cluster, taskDefinition=definition, launchType="FARGATE", **given)["tasks"][
                0
            ]["taskArn"]
        )

    def task(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_tasks(cluster=self.cluster, tasks=[arn])["tasks"][0]
        return found

    def stopped(self, arn: str, *, within: float = 15) -> dict[str, Any]:
        """The task once it is over."""
        return eventually(lambda: (task := self.task(arn))["lastStatus"] == "STOPPED" and task, within=within) or {}

    def started(self, arn: str) -> dict[str, Any]:
        return eventually(lambda: (task := self.task(arn))["lastStatus"] == "RUNNING" and task) or {}

    def serve(self, definition: str, *, count: int = 1, **given: Any) -> str:
        """A service's name."""
        name = f"service-{uuid.uuid4().hex[:8]}"
        self.ecs.create_service(
            cluster=self.cluster,
            serviceName=name,
            taskDefinition=definition,
            desiredCount=count,
            launchType="FARGATE",
            **given,
        )
        return name

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_services(cluster=self.cluster, services=[name])["services"][0]
        return found

    def rollout(self, name: str, state: str = "COMPLETED", *, within: float = 20) -> dict[str, Any]:
        """The service once its primary deployment has reached a state."""

        def look() -> dict[str, Any] | None:
            service = self.service(name)
            primary = next(d for d in service["deployments"] if d["status"] == "PRIMARY")
            return service if primary["rolloutState"] == state else None

        found = eventually(look, within=within)
        assert found
        return found

    def tasks(self, service: str) -> list[dict[str, Any]]:
        """Live tasks of a service."""
        arns = self.ecs.list_tasks(cluster=self.cluster, serviceName=service)["taskArns"]
        return self.ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []

    def remove(self, service: str) -> None:
        self.ecs.delete_service(cluster=self.cluster, service=service, force=True)

    def log(self, task: dict[str, Any], container: str = "main") -> str:
        """What a container has written so far."""
        group = task["group"].removeprefix("service:")
        path = layout.home() / "logs" / "tasks" / group.partition(":")[2] / task["taskArn"].rsplit("/", 1)[-1]
        path = path if path.exists() else layout.home() / "logs" / "tasks" / group / path.name
        return (path / f"{container}.log").read_text() if (path / f"{container}.log").exists() else ""
