"""Log lines say which receipt and which request they are about, and nothing that is nobody's business."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.utils import timezone
from support import png, receipt

from receipts import reading, tasks
from receipts.models import BulkUpload
from receipts.states import State
from spendsmart.logging import dictionary
from spendsmart.redaction import cleaned

CARD = "4111 1111 1111 1111"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
SIGNED = "https://bucket.s3.amazonaws.com/receipts/1/2?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc123"
USER = "6fc1ad0a-804e-41b4-8a88-40e2f0138d16"
IMAGE = f"https://receipts.s3.us-east-1.amazonaws.com/receipts/{USER}/{USER}"
CLOUDFRONT = "https://d1.cloudfront.net/receipts/1/2?Expires=1&Signature=abc123~_&Key-Pair-Id=K1"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines as they are written: by the formatter of the configuration, from all loggers."""
    out = io.StringIO()
    formatter = dictionary("INFO")["formatters"]["json"]
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**{k: v for k, v in formatter.items() if k != "()"}))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        (f"token {TOKEN} is not valid", TOKEN),
        ("Incorrect API key provided: sk-proj-abcdefgh1234", "sk-proj-abcdefgh1234"),
        (f"PUT {SIGNED} failed", "abc123"),
        (f"PUT {SIGNED} failed", "X-Amz"),
        (f"see {CLOUDFRONT}", "abc123"),
        ("GET /api/v1/receipts/search/?q=ann%40example.com", "ann%40example.com"),
        ("Ann.O'Neil+receipts@mail.example.co.uk wrote", "receipts@mail.example.co.uk"),
        (f"card {CARD} was declined", CARD),
        ("card 4111111111111111.", "4111111111111111"),
        ("q=5555-5555-5555-4444&x=1", "5555-5555-5555-4444"),
        ("q=3782%20822463%2010005", "822463"),
        ("Error 111 connecting to rediss://broker:p%40ss@10.0.0.1:6379/0", "p%40ss"),
        ("assumed with ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"),
        (f'Could not connect to the endpoint URL: "{IMAGE}"', "receipts.s3"),
        (f"GET https://127.0.0.1:4566/bucket/receipts/{USER}/{USER}/photo.jpg", "photo.jpg"),
        ("GET /api/v1/receipts/?token=plantedtoken&page=2", "plantedtoken"),
        ("host=db password=planted user=ann", "planted"),
        ("Cookie: sessionid=abcdef0123456789; csrftoken=fedcba9876543210", "fedcba9876543210"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ\n-----END RSA PRIVATE KEY-----", "MIIEvQ"),
    ],
)
def test_a_secret_is_not_in_the_line(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in cleaned(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112 is no card",
        "took 1764299424123 ms",
        "0198c2e0-4111-4111-8111-411111111111",
        "GET /api/v1/receipts/?state=extracted&since=2026-03-01",
        "receipts/6fc1ad0a-804e-41b4-8a88-40e2f0138d16/d062c27f-04c8-4cda-a05e-ee9b5e8a5cdc",
        "the basic idea of a signature",
        f"https://app.example.com/api/v1/receipts/{USER}/complete/",
        "tokens=12 and refreshed=yes",
        "2026-11-28T03:23:21.199886Z",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert cleaned(text) == text


def test_no_way_to_log_leads_around(lines) -> None:
    log = structlog.get_logger("test")
    log.warning("a", detail={"deep": [f"Bearer {TOKEN}", {"to": "ann@example.com"}]}, number=4111111111111111)
    log.warning("b", password="hunter2", Authorization="x", error=ValueError("ann@example.com"))
    logging.getLogger("library").warning("sent to %s with %s", "ann@example.com", SIGNED)
    try:
        raise ValueError(f"card {CARD} of ann@example.com")
    except ValueError:
        logging.getLogger("library").exception("it broke")
        log.exception("it broke, too")
    written = json.dumps(lines())
    assert len(lines()) == 5
    assert "ValueError" in written and "Traceback" in written
    for secret in ("ann@example.com", TOKEN, "abc123", CARD, "4111111111111111", "hunter2"):
        assert secret not in written


# Messages are sent after the commit: only a real one happens within the request.
@pytest.mark.django_db(transaction=True)
def test_the_requests_of_a_receipt_say_which(api, user, bucket, lines) -> None:
    made = receipt(user, state=State.AWAITING_UPLOAD, body=png())
    assert api.post(f"/api/v1/receipts/{made.id}/complete/").status_code == 202
    written = {line["event"]: line for line in lines()}
    sent, finished = written["task_enqueued"], written["request_finished"]
    assert sent["receipt"] == finished["receipt"] == str(made.id)
    assert sent["request_id"] == finished["request_id"]


@pytest.mark.django_db(transaction=True)
def test_each_message_of_a_bulk_upload_says_which_receipt_it_is_for(api, user, bucket, lines) -> None:
    upload = BulkUpload.objects.create(user=user)
    made = [str(receipt(user, state=State.AWAITING_UPLOAD, bulk_upload=upload, body=png()).id) for _ in range(3)]
    assert api.post(f"/api/v1/bulk-uploads/{upload.id}/complete/", {"receipts": made}, format="json").status_code == 202
    sent = [line for line in lines() if line["event"] == "task_enqueued"]
    assert sorted(line["receipt"] for line in sent) == sorted(made)
    assert {line["bulk_upload"] for line in sent} == {str(upload.id)}
    assert len({line["request_id"] for line in sent}) == 1


@pytest.mark.parametrize(
    ("state", "fields", "event"),
    [
        (State.UPLOADED, {}, "task_enqueued"),
        (State.QUEUED, {}, "task_enqueued"),
        (State.EXTRACTING, {"attempts": 1}, "task_enqueued"),
        (State.EXTRACTING, {"attempts": reading.MAX_ATTEMPTS}, "receipt_given_up"),
        (State.AWAITING_UPLOAD, {}, "upload_expired"),
    ],
)
def test_what_the_sweeper_does_with_a_receipt_says_which(user, bucket, lines, state, fields, event: str) -> None:
    made = receipt(user, state=state, state_changed_at=timezone.now() - timedelta(hours=1), **fields)
    tasks.sweep()
    assert [line["receipt"] for line in lines() if line["event"] == event] == [str(made.id)]


def test_a_postponed_receipt_says_which_and_the_how_manieth_try_it_was(user, bucket, lines, monkeypatch) -> None:
    def break_down(*_: object) -> None:
        raise reading.storage.StorageUnavailableError("S3 is away")

    monkeypatch.setattr(reading.storage, "read", break_down)
    made = receipt(user, attempts=1)
    reading.process(made.id)
    (line,) = [line for line in lines() if line["event"] == "receipt_postponed"]
    assert (line["receipt"], line["attempt"]) == (str(made.id), 2)


def test_a_request_is_logged_with_the_address_that_the_load_balancer_saw(
    lines: Callable[[], list[dict[str, Any]]], client: Any, db: None
) -> None:
    client.get("/api/v1/receipts/", headers={"X-Forwarded-For": "8.8.8.8, 203.0.113.7"})
    client.get("/api/v1/receipts/", REMOTE_ADDR="10.1.2.3")
    finished = [line for line in lines() if line["event"] == "request_finished"]
    assert [line["ip"] for line in finished] == ["203.0.113.7", "10.1.2.3"]
    assert all(line["code"] == 401 and line["request"] == "GET /api/v1/receipts/" for line in finished)
