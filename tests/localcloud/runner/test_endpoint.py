"""What a running task can ask its host, over the wire and with its own environment."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import psutil
import pytest

from localcloud import aws, layout, tls

from .conftest import REGION, Runner, Stage, eventually

FOREVER = "import time\ntime.sleep(600)"


class Inside:
    """A running task, and the variables its container was given."""

    def __init__(self, stage: Stage, runner: Runner) -> None:
        self.arn = stage.run(stage.define(stage.container(FOREVER)))
        stage.started(self.arn)
        task_id = self.arn.rsplit("/", 1)[-1]
        tasks = eventually(lambda: [t for t in runner.status()["tasks"] if t["id"] == task_id and t["containers"]])
        self.variables = psutil.Process(tasks[0]["containers"]["main"]["pid"]).environ()

    def ask(self, url: str, *, token: str = "", body: Any = None) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(url, headers={"Authorization": token} if token else {})  # noqa: S310
        if body is not None:
            request.method, request.data = "PUT", body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def inside(stage: Stage, runner: Runner) -> Any:
    task = Inside(stage, runner)
    yield task
    stage.ecs.stop_task(cluster=stage.cluster, task=task.arn)


def test_credentials_are_the_task_roles_and_for_the_tasks_own_token_only(inside: Inside, stage: Stage) -> None:
    address = inside.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    assert address.startswith("http://127.0.0.1:")
    for token in ("", "wrong", inside.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] + "x"):
        status, body = inside.ask(address, token=token)
        assert status == 403
        assert "SecretAccessKey" not in body
    status, body = inside.ask(address, token=inside.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    assert status == 200
    assert body["RoleArn"] == stage.task_role
    session = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=aws.endpoint(),
        verify=str(tls.material().authority),
        aws_access_key_id=body["AccessKeyId"],
        aws_secret_access_key=body["SecretAccessKey"],
        aws_session_token=body["Token"],
    )
    assert ":assumed-role/task/" in session.get_caller_identity()["Arn"]


def test_another_tasks_token_opens_nothing(inside: Inside, stage: Stage, runner: Runner) -> None:
    other = Inside(stage, runner)
    token = other.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    assert inside.ask(inside.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"], token=token)[0] == 403
    stage.ecs.stop_task(cluster=stage.cluster, task=other.arn)


def test_a_task_learns_about_itself(inside: Inside) -> None:
    address = inside.variables["ECS_CONTAINER_METADATA_URI_V4"]
    _, container = inside.ask(address)
    assert (container["Name"], container["KnownStatus"]) == ("main", "RUNNING")
    _, task = inside.ask(f"{address}/task")
    assert task["TaskARN"] == inside.arn
    assert [each["Name"] for each in task["Containers"]] == ["main"]
    assert inside.ask(f"{address}x")[0] == 404


def test_protection_is_kept_by_ecs_and_needs_the_task_roles_permission(inside: Inside, stage: Stage) -> None:
    address = f"{inside.variables['ECS_AGENT_URI']}/task-protection/v1/state"
    status, body = inside.ask(address, body={"ProtectionEnabled": True, "ExpiresInMinutes": 5})
    assert (status, body["protection"]["ProtectionEnabled"]) == (200, True)
    known = stage.ecs.get_task_protection(cluster=stage.cluster, tasks=[inside.arn])["protectedTasks"]
    assert known[0]["protectionEnabled"]
    assert inside.ask(address)[1]["protection"]["ExpirationDate"] == body["protection"]["ExpirationDate"]
    for unreadable in (b"not json", {"ProtectionEnabled": "yes"}, {"ProtectionEnabled": True, "ExpiresInMinutes": 0}):
        assert inside.ask(address, body=unreadable)[0] == 400
    deny = {"Effect": "Deny", "Action": "ecs:UpdateTaskProtection", "Resource": "*"}
    allow = {"Effect": "Allow", "Action": ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"], "Resource": "*"}
    stage.allow("task", allow, deny)
    try:
        status, body = inside.ask(address, body={"ProtectionEnabled": False})
    finally:
        stage.allow("task", allow)
    assert status == 400
    assert "AccessDenied" in body["error"]["Code"]


def test_the_endpoint_listens_on_the_loopback_address_only(inside: Inside) -> None:
    listening = [
        c.laddr.ip
        for c in psutil.net_connections(kind="tcp")
        if c.status == psutil.CONN_LISTEN and c.laddr.port == layout.ports().credentials
    ]
    assert listening == ["127.0.0.1"]
