"""The functions that ECS calls in a rollout. Calls to ECS are held against its service model; HTTP is real."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.functions import run_migration, run_smoke_test
from localcloud import tls

ARN = "arn:aws:ecs:us-east-1:000000000000"
REVISION = f"{ARN}:service-revision/cluster/web/9313423515462893900"
WEB, MIGRATION = f"{ARN}:task-definition/web:7", f"{ARN}:task-definition/migration:7"
TASK = f"{ARN}:task/cluster/0123456789abcdef"
RELEASE = "a" * 64
LABEL = "spendsmart.migration-task-definition"


def event(stage: str, **details: str) -> dict[str, Any]:
    """As in "Lambda hooks for Amazon ECS service deployments"."""
    return {
        "executionId": "e8d5a28f-eb01-4f3c-9454-a30ba6dc54bc",
        "lifecycleStage": stage,
        "resourceArn": f"{ARN}:service-deployment/cluster/web/EZe5RNVLH6PPzHXINuP28",
        "executionDetails": {
            "serviceArn": f"{ARN}:service/cluster/web",
            "targetServiceRevisionArn": REVISION,
            "testTrafficWeights": {},
            "productionTrafficWeights": {},
        },
        **({"hookDetails": details} if details else {}),
    }


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """What ECS is asked, in this order, and what it answers; both in the shapes of its API."""
    client = boto3.client("ecs", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    for name, value in {
        "MIGRATION_LABEL": LABEL,
        "SUBNETS": "subnet-1,subnet-2",
        "SECURITY_GROUP": "sg-1",
        "LOG_GROUP": "/migration",
        "DEADLINE_SECONDS": "600",
        "RELEASE_VARIABLE": "RELEASE",
        "PATIENCE_SECONDS": "0",
        "HOST": "app.example.com",
    }.items():
        monkeypatch.setenv(name, value)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def describe_release(ecs: Stubber, *, labels: dict[str, str]) -> None:
    ecs.add_response(
        "describe_service_revisions",
        {"serviceRevisions": [{"serviceRevisionArn": REVISION, "taskDefinition": WEB}]},
        {"serviceRevisionArns": [REVISION]},
    )
    containers = [
        {"name": "pgbouncer", "environment": [{"name": "SCRATCH_DIR", "value": "/scratch"}]},
        {"name": "web", "dockerLabels": labels, "environment": [{"name": "RELEASE", "value": RELEASE}]},
    ]
    ecs.add_response(
        "describe_task_definition",
        {"taskDefinition": {"taskDefinitionArn": WEB, "containerDefinitions": containers}},
        {"taskDefinition": WEB},
    )


def describe_task(ecs: Stubber, **task: Any) -> None:
    found = {"taskArn": TASK, "createdAt": datetime.now(UTC), "containers": [{"name": "migrate"}], **task}
    ecs.add_response("describe_tasks", {"tasks": [found]}, {"cluster": "cluster", "tasks": [TASK]})


def expect_run(ecs: Stubber, *, failures: list[dict[str, str]] | None = None) -> None:
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    ecs.add_response(
        "run_task",
        {"tasks": [] if failures else [{"taskArn": TASK}], "failures": failures or []},
        {
            "cluster": "cluster",
            "taskDefinition": MIGRATION,
            "launchType": "FARGATE",
            "startedBy": "rollout/9313423515462893900",
            "clientToken": "9313423515462893900",
            "networkConfiguration": {"awsvpcConfiguration": network},
        },
    )


def migrate(**details: str) -> dict[str, Any]:
    return run_migration.handler(event("PRE_SCALE_UP", **details), None)


def test_the_first_call_starts_the_releases_own_migration_and_asks_to_be_called_again(ecs: Stubber) -> None:
    describe_release(ecs, labels={LABEL: MIGRATION})
    expect_run(ecs)
    describe_task(ecs, lastStatus="PROVISIONING")
    assert migrate() == {
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": 5,
        "hookDetails": {"task": TASK, "log": "/migration migrate/migrate/0123456789abcdef"},
    }


def test_a_later_call_looks_at_the_task_and_starts_none(ecs: Stubber) -> None:
    describe_task(ecs, lastStatus="RUNNING")
    assert migrate(task=TASK, log="")["hookStatus"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("containers", "status"),
    [
        ([{"name": "migrate", "exitCode": 0}], "SUCCEEDED"),
        ([{"name": "migrate", "exitCode": 1}], "FAILED"),
        ([{"name": "migrate"}], "FAILED"),  # it never started
    ],
)
def test_how_the_task_ended_is_the_verdict(
    ecs: Stubber, containers: list[dict[str, Any]], status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    describe_task(ecs, lastStatus="STOPPED", stoppedReason="Essential container in task exited", containers=containers)
    assert migrate(task=TASK)["hookStatus"] == status
    said = capsys.readouterr().out
    assert "/migration migrate/migrate/0123456789abcdef" in said, "where its log is"
    assert ("Essential container" in said) == (status == "FAILED")


def test_a_task_that_takes_too_long_is_stopped(ecs: Stubber) -> None:
    describe_task(ecs, lastStatus="RUNNING", createdAt=datetime.now(UTC) - timedelta(seconds=601))
    ecs.add_response(
        "stop_task", {}, {"cluster": "cluster", "task": TASK, "reason": "The migration is not done after 601 s"}
    )
    assert migrate(task=TASK)["hookStatus"] == "FAILED"


def test_a_task_that_is_not_placed_sends_the_release_back(ecs: Stubber) -> None:
    describe_release(ecs, labels={LABEL: MIGRATION})
    expect_run(ecs, failures=[{"reason": "RESOURCE:FARGATE"}])
    answer = migrate()
    assert answer["hookStatus"] == "FAILED"
    assert "RESOURCE:FARGATE" in answer["reason"]


def test_an_error_of_ecs_is_a_verdict_with_a_reason(ecs: Stubber) -> None:
    ecs.add_client_error("describe_tasks", "AccessDeniedException", "not you")
    answer = migrate(task=TASK)
    assert (answer["hookStatus"], "not you" in answer["reason"]) == ("FAILED", True)


def test_a_release_from_before_the_label_can_be_gone_back_to(ecs: Stubber) -> None:
    describe_release(ecs, labels={})
    assert migrate() == {"hookStatus": "SUCCEEDED", "reason": "this release names no migration"}


Answers = dict[str, list[tuple[int, str | None, str]]]
GOOD: Answers = {
    "/readyz": [(200, RELEASE, '{"status": "ok"}')],
    "/login/": [(200, RELEASE, '<input name="password">')],
    "/api/schema/": [(200, RELEASE, "/api/v1/receipts/:")],
    "/": [(200, RELEASE, '<link href="/static/site.css">')],
    "/api/v1/receipts/": [(401, RELEASE, '{"detail": "Authentication credentials were not provided."}')],
}


def handler_of(answers: Answers, hosts: list[str]) -> type[BaseHTTPRequestHandler]:
    """Gives each path's answers in turn, the last one for ever; notes which hosts were asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            left = answers[self.path]
            status, release, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            if release:
                self.send_header("X-Release", release)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answers], list[str]]]:
    """The test listener with the given answers beside the good ones; returns the hosts that were asked for."""
    answers: Answers = {}
    hosts: list[str] = []

    def serve(given: Answers) -> list[str]:
        answers.update({path: list(each) for path, each in {**GOOD, **given}.items()})
        return hosts

    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(answers, hosts)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("TEST_URL", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setattr(run_smoke_test, "PAUSE_SECONDS", 0.01)
        yield serve
        server.shutdown()


def try_release() -> dict[str, Any]:
    return run_smoke_test.handler(event("POST_TEST_TRAFFIC_SHIFT"), None)


def test_a_good_release_passes_every_check_under_the_name_that_people_use(
    ecs: Stubber, listener: Callable[[Answers], list[str]]
) -> None:
    describe_release(ecs, labels={})
    hosts = listener({})
    answer = try_release()
    assert (answer["hookStatus"], answer["release"], len(answer["checks"])) == ("SUCCEEDED", RELEASE, len(GOOD))
    assert hosts == ["app.example.com"] * len(GOOD)


@pytest.mark.parametrize("first", [(503, None, "no target"), (200, "b" * 64, "{}"), (404, None, "Not found")])
def test_what_may_pass_is_tried_again(
    ecs: Stubber,
    listener: Callable[[Answers], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[int, str | None, str],
) -> None:
    monkeypatch.setenv("PATIENCE_SECONDS", "30")
    describe_release(ecs, labels={})
    listener({"/readyz": [first, first, *GOOD["/readyz"]]})
    assert try_release()["hookStatus"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/readyz", (200, RELEASE, '{"status": "failed"}')),
        ("/login/", (500, RELEASE, "Server error")),
        ("/api/schema/", (200, RELEASE, "openapi: 3.0.3")),
        ("/", (400, RELEASE, "Bad request")),
        ("/api/v1/receipts/", (200, RELEASE, '{"results": []}')),
    ],
)
def test_a_wrong_answer_of_the_new_release_sends_it_back_at_once(
    ecs: Stubber,
    listener: Callable[[Answers], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    wrong: tuple[int, str | None, str],
) -> None:
    monkeypatch.setenv("PATIENCE_SECONDS", "30")
    describe_release(ecs, labels={})
    listener({path: [wrong, *GOOD[path]]})
    answer = try_release()
    assert answer["hookStatus"] == "FAILED"
    assert f"GET {path}: {wrong[0]}" in answer["reason"]


def test_patience_ends(ecs: Stubber, listener: Callable[[Answers], list[str]]) -> None:
    describe_release(ecs, labels={})
    listener({"/readyz": [(200, "b" * 64, "")]})
    answer = try_release()
    assert answer["hookStatus"] == "FAILED"
    assert f"from release {'b' * 64}, not from {RELEASE}" in answer["reason"]


def test_nobody_listening_sends_it_back(ecs: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_URL", "http://127.0.0.1:9")
    describe_release(ecs, labels={})
    assert "ConnectionRefusedError" in try_release()["reason"]


@pytest.mark.parametrize(("host", "status"), [("localhost", "SUCCEEDED"), ("app.example.com", "FAILED")])
def test_over_tls_the_certificate_must_be_for_that_name(
    ecs: Stubber, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, status: str
) -> None:
    """The function goes to the load balancer's own address, whose name is in no certificate."""
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.material().authority))
    monkeypatch.setenv("HOST", host)
    describe_release(ecs, labels={})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(GOOD, [])) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.material().certificate, tls.material().key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("TEST_URL", f"https://127.0.0.1:{server.server_address[1]}")
        answer = try_release()
        server.shutdown()
    assert answer["hookStatus"] == status
    assert ("CERTIFICATE_VERIFY_FAILED" in answer.get("reason", "")) == (status == "FAILED")
