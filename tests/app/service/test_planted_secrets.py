"""Secrets planted in all that the application is given, and everything that it writes afterwards looked through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from support import png, receipt
from tracing_support import XRay, ask_web, xray_endpoint
from workers import until, worker

from receipts import storage, tasks
from receipts.states import State

DEAD = "http://127.0.0.1:9"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
CLOUDFRONT = "https://d1.cloudfront.net/receipts/6fc1ad0a-804e-41b4-8a88-40e2f0138d16/x/photo.jpg"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """`texts` are what is planted; `secrets` what must be nowhere afterwards: the telling part of each."""

    texts: list[str]
    secrets: list[str]
    access: str

    @property
    def sentence(self) -> str:
        return " and ".join(self.texts)


@pytest.fixture
def planted(user: Any, bucket: str) -> Planted:
    from accounts import tokens

    session = tokens.begin(user)
    get = {"Bucket": bucket, "Key": f"receipts/{user.id}/6fc1ad0a-804e-41b4-8a88-40e2f0138d16"}
    presigned = storage.client().generate_presigned_url("get_object", Params=get, ExpiresIn=60)
    return Planted(
        texts=[
            presigned,
            presigned.partition("?")[0],
            f"{CLOUDFRONT}?Expires=1&Signature=cloudfrontsignature~_&Key-Pair-Id=K1PLANTED",
            f"Authorization: Bearer {session.access}",
            f"refresh={session.refresh}",
            "Cookie: sessionid=plantedsession0123456789; csrftoken=plantedcsrf0123456789",
            "Incorrect API key provided: sk-proj-planted0123456789",
            "postgresql://spendsmart:plantedpassword@db.internal:5432/spendsmart",
            "could not connect with host=db password=plantedpassword2 user=spendsmart",
            "rediss://worker:planted-valkey@10.0.0.1:6379/0",
            "cards 4111 1111 1111 1111, 5555555555554444 and 3782-822463-10005",
            "AKIAPLANTED123456789",
            "ann.planted@example.com",
            KEY,
        ],
        secrets=[
            presigned.partition("?")[0],
            *("X-Amz-Signature", "cloudfrontsignature", "K1PLANTED", "d1.cloudfront.net/receipts"),
            *(session.access, session.access.rpartition(".")[2], session.refresh, session.refresh.rpartition(".")[2]),
            *("plantedsession", "plantedcsrf", "sk-proj-planted", "plantedpassword", "planted-valkey"),
            *("4111 1111 1111 1111", "5555555555554444", "3782-822463-10005", "822463"),
            *("AKIAPLANTED", "ann.planted", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"),
        ],
        access=session.access,
    )


@pytest.fixture
def xray() -> Iterator[XRay]:
    with xray_endpoint() as found:
        yield found


@pytest.mark.django_db(transaction=True)
def test_nothing_that_was_planted_is_written(planted: Planted, xray: XRay, user: Any, tmp_path: Path) -> None:
    waiting = receipt(user, state=State.AWAITING_UPLOAD, body=png())
    read = receipt(user, state=State.QUEUED, body=png(), state_changed_at=timezone.now())
    asked = _ask(planted, xray, waiting=str(waiting.id))
    assert asked.statuses == [401, 400, 200, 404, 500, 503]
    tasks.extract.apply_async((planted.sentence,), queue="interactive")
    tasks.reread.apply_async((planted.sentence,), {"fresh": planted.sentence}, queue="bulk")
    tasks.extract.apply_async((str(read.id),), queue="interactive")
    with worker(
        tmp_path, TRACING_SAMPLE_PERCENT="100", AWS_ENDPOINT_URL_XRAY=xray.url, OTEL_BSP_SCHEDULE_DELAY="200",
        AWS_ENDPOINT_URL_S3=DEAD, AWS_MAX_ATTEMPTS="1",
    ) as one:  # fmt: skip
        spans = {"run/receipts.tasks.extract": 2, "run/receipts.tasks.reread": 1}
        until(lambda: all(len(xray.named(name)) == count for name, count in spans.items()), among=(one,))
    written = {
        "web's lines": asked.output,
        "the worker's lines": one.log.read_text(),
        "spans": b"".join(xray.bodies).decode(errors="replace"),
    }
    for place, text in written.items():
        found = [secret for secret in planted.secrets if secret in text or json.dumps(secret)[1:-1] in text]
        assert not found, f"{place}: {found}"
    # That it is not there says something only where it would have been.
    assert "RuntimeError" in written["web's lines"] and "the bucket says [removed]" in written["web's lines"]
    assert "badly formed hexadecimal UUID string" in written["the worker's lines"]
    assert "The image could not be fetched" in written["the worker's lines"]
    assert f"{DEAD}/" not in written["the worker's lines"], "an image by its address"
    assert "the bucket says [removed]" in written["spans"] and "badly formed" in written["spans"]


def _ask(planted: Planted, xray: XRay, *, waiting: str) -> Any:
    login, complete = "/api/v1/auth/login/", f"/api/v1/receipts/{waiting}/complete/"
    headers = {"Authorization": f"Bearer {planted.access}", "Cookie": "sessionid=plantedsession; csrftoken=plantedcsrf"}
    post = {"method": "POST", "headers": headers}
    signed = f"{CLOUDFRONT}?Signature=cloudfrontsignature"
    query = f"token={planted.access}&q=5555555555554444&password=plantedpassword&url={signed}"
    credentials = json.dumps({"email": "ann.planted@example.com", "password": "plantedpassword"})
    return ask_web(
        {"method": "POST", "path": login, "body": credentials},
        {"method": "POST", "path": login, "body": '{"email": "ann.planted@example.com", "password": "plantedpassword'},
        {"path": f"/api/v1/receipts/?{query}", "headers": headers},
        {"path": f"/api/v1/{planted.access}/", "headers": headers},
        {**post, "path": complete, "broken": f"the bucket says {planted.sentence}"},
        {**post, "path": complete},
        percent="100", xray=xray.url, AWS_ENDPOINT_URL_S3=DEAD, AWS_MAX_ATTEMPTS="1",
    )  # fmt: skip
