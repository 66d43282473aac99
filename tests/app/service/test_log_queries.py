"""Saved queries find something in lines that the application really wrote, and name no field that no line has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai_support import ERROR, good
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support import png, receipt
from tracing_support import Asked, XRay, ask_web, xray_endpoint
from workers import until, worker

from infra.functions import run_migration
from infra.monitoring.saved_queries import QUERIES, SPANS
from localcloud.emulator.cloudwatch import insights
from localcloud.emulator.cloudwatch.insights_parser import fields_of, parsed
from localcloud.emulator.spans import events
from localcloud.openai_server import Reply
from receipts import tasks
from receipts.models import Receipt
from receipts.reading import MAX_ATTEMPTS
from receipts.states import State

Row = dict[str, Any]


@pytest.fixture
def xray() -> Iterator[XRay]:
    with xray_endpoint() as found:
        yield found


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_each_query_finds_lines_and_knows_their_fields(
    xray: XRay, openai_server: Any, bucket: str, user: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = receipt(user, state=State.AWAITING_UPLOAD, body=png())
    asked = _requests(user, read, xray)
    background = _tasks(openai_server, user, read, xray, tmp_path)
    hooks = _hook_lines(capsys)
    spans = [json.dumps(one) for body in xray.bodies for one in events(ExportTraceServiceRequest.FromString(body))]
    lines = {"Web": asked.output.splitlines(), "Worker": background, "Beat": [], "MigrationHook": hooks, SPANS: spans}
    request = next(line for line in asked.lines if line.get("receipt") == str(read.id))
    ids = {"request_id": request["request_id"], "receipt": str(read.id)}
    for query in QUERIES:
        rows = [_event(line) for group in query.groups for line in lines.get(group, [])]
        text = re.sub(r'(\w+) = "…"', lambda found: f'{found[1]} = "{ids[found[1]]}"', query.text)
        assert insights.answered(text, rows), f"{query.name} finds nothing"
        known = {name for row in rows for name in row}
        assert _named(text) <= known, f"{query.name}: no line has {sorted(_named(text) - known)}"


def _event(line: str) -> Row:
    return insights.discovered(line, timestamp=0)


def _named(text: str) -> set[str]:
    """Fields of a query that it has not made itself."""
    commands = parsed(text)
    made = {name for command in commands if command.verb == "stats" for _, name in command.columns}
    used = {name for command in commands for e, _ in (*command.columns, *command.by) for name in fields_of(e)}
    filtered = {name for command in commands if command.condition for name in fields_of(command.condition)}
    return (used - made) | filtered


def _requests(user: Any, read: Receipt, xray: XRay) -> Asked:
    from accounts import tokens

    headers = {"Authorization": f"Bearer {tokens.begin(user).access}"}
    login = {
        "method": "POST",
        "path": "/api/v1/auth/login/",
        "body": json.dumps({"email": "ann@example.com", "password": "a wrong one, again"}),
    }
    complete = {"method": "POST", "path": f"/api/v1/receipts/{read.id}/complete/", "headers": headers}
    asked = ask_web(*[login] * 12, {**complete, "broken": "no"}, complete, percent="100", xray=xray.url)
    assert {401, 429} <= set(asked.statuses) and asked.statuses[-2:] == [500, 202]
    return asked


def _tasks(openai_server: Any, user: Any, read: Receipt, xray: XRay, folder: Path) -> list[str]:
    """One receipt is read, one is put off by OpenAI's fault, one given up, one message is nonsense."""
    openai_server.reply = good()
    receipt(user, state=State.EXTRACTING, attempts=MAX_ATTEMPTS, state_changed_at="2026-01-01T00:00Z")
    with worker(
        folder, TRACING_SAMPLE_PERCENT="100", AWS_ENDPOINT_URL_XRAY=xray.url, OTEL_BSP_SCHEDULE_DELAY="200",
        EXTRACTION_ENGINE="openai", OPENAI_API_KEY="sk-the-key-of-the-tests", OPENAI_BASE_URL=openai_server.url,
    ) as one:  # fmt: skip
        until(lambda: '"openai_answered"' in one.log.read_text(), among=(one,))
        openai_server.reply = Reply(status=500, body=ERROR)
        failing = receipt(user, state=State.QUEUED, body=png(colour=90))
        tasks.send(failing.id, queue="interactive")
        tasks.extract.apply_async(("no id",), queue="interactive")
        tasks.sweep.apply_async(queue="default")
        told = ("openai_failed", "receipt_postponed", "task_failed", "receipt_given_up")
        until(lambda: all(f'"{event}"' in one.log.read_text() for event in told), among=(one,))
        until(lambda: read.id in Receipt.objects.exclude(state=State.EXTRACTING).values_list("id", flat=True))
    return one.log.read_text().splitlines()


def _hook_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    revision = "arn:aws:ecs:us-east-1:000000000000:service-revision/none/web/1"
    capsys.readouterr()
    answer = run_migration.handler({"executionDetails": {"targetServiceRevisionArn": revision}}, None)
    assert answer["hookStatus"] == "FAILED"
    return capsys.readouterr().out.splitlines()
