"""The OpenAI engine against a server that speaks its API over real HTTP: good answers, bad ones, and none."""

from __future__ import annotations

import base64
import io
import json
import socket
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import openai_server as api
import pytest
from PIL import Image
from receipt_images import CAFE_MY, draw, encode

from extraction import ExtractionError, RejectedImageError, RetryableExtractionError, engine_for
from extraction.openai_engine import OpenAIEngine

# Receipts of any size do here: nothing looks at the pixels.
PHOTO = encode(draw(CAFE_MY[:4], size=16, width=300))


@pytest.fixture
def server() -> Iterator[api.Scripted]:
    with api.serve() as script:
        yield script


@pytest.fixture
def engine(server: api.Scripted) -> OpenAIEngine:
    return OpenAIEngine(api_key="sk-test", model="gpt-test", base_url=server.url, timeout=0.5)


def test_a_good_answer_becomes_an_extraction(server: api.Scripted, engine: OpenAIEngine) -> None:
    server.body = api.fields()
    read = engine.extract(PHOTO)
    assert (read.merchant, read.purchased_on, read.currency) == ("Corner Bean Coffee", date(2026, 3, 14), "USD")
    assert (read.total, read.tax, read.engine) == (Decimal("17.17"), Decimal("1.42"), "openai")
    assert [(item.quantity, item.price) for item in read.items] == [
        (Decimal(2), Decimal("9.00")), (Decimal(1), Decimal("4.25")), (Decimal(1), Decimal("2.50")),
    ]  # fmt: skip
    assert read.confidence["total"] == 1.0
    assert read.needs_review == []


def test_what_is_sent(server: api.Scripted, engine: OpenAIEngine) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    server.body = api.fields()
    engine.extract(encode(Image.open(io.BytesIO(PHOTO)), exif=exif))
    (request,) = server.requests
    body = request["body"]
    assert request["path"] == "/v1/responses"
    assert request["authorization"] == "Bearer sk-test"
    assert (body["model"], body["store"]) == ("gpt-test", False)
    assert body["max_output_tokens"] <= 4000
    assert body["text"]["format"]["strict"] is True
    assert set(body["text"]["format"]["schema"]["required"]) == set(api.FIELDS)
    (part,) = body["input"][0]["content"]
    head, _, data = part["image_url"].partition(",")
    assert (part["type"], head) == ("input_image", "data:image/jpeg;base64")
    assert not Image.open(io.BytesIO(base64.b64decode(data))).getexif()  # no place, no camera


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total": "71.17"}, "Subtotal, tax and tip do not add up to the total."),
        ({"subtotal": None, "total": "99.00"}, "The items do not add up to the total."),
        ({"total": None}, "The total was not found."),
        ({"purchased_on": None}, "The date was not found."),
        ({"purchased_on": "14.03.2026"}, "The date is not a value we understand."),
        ({"purchased_on": "2999-01-01"}, "The date lies in the future or too far back."),
        ({"total": "17,17"}, "The total is not a value we understand."),
        ({"total": "NaN"}, "The total is not a value we understand."),
        ({"currency": "dollars"}, "The currency is not a value we understand."),
        ({"merchant": ""}, "The merchant was not found."),
        ({"is_receipt": False}, "The picture does not show a receipt."),
    ],
)
def test_what_does_not_hold_wants_a_look(
    server: api.Scripted, engine: OpenAIEngine, changes: dict[str, object], reason: str
) -> None:
    server.body = api.fields(**changes)
    assert reason in engine.extract(PHOTO).needs_review


def test_a_refusal_wants_a_look(server: api.Scripted, engine: OpenAIEngine) -> None:
    server.body = api.answer({"type": "refusal", "refusal": "I cannot help with that."})
    read = engine.extract(PHOTO)
    assert read.total is None
    assert read.needs_review == ["OpenAI refused to read the picture: I cannot help with that."]


@pytest.mark.parametrize(
    "body",
    [
        api.answer(api.text(json.dumps(api.FIELDS)[:80]), status="incomplete",
                   incomplete_details={"reason": "max_output_tokens"}),
        api.answer(api.text(""), output=[], status="incomplete", incomplete_details={"reason": "content_filter"}),
        api.answer(api.text("not JSON")),
        api.answer(api.text('{"merchant": "only"}')),
        api.answer(api.text(json.dumps(api.FIELDS | {"category": "weapons"}))),
        api.answer(api.text("[]"), output=[]),
        api.answer(api.text(json.dumps(api.FIELDS)), status="failed"),
    ],
    ids=["cut off", "filtered", "prose", "missing fields", "unknown category", "no output", "failed"],
)  # fmt: skip
def test_incomplete_and_invalid_answers_are_errors(server: api.Scripted, engine: OpenAIEngine, body: bytes) -> None:
    server.body = body
    with pytest.raises(ExtractionError) as caught:
        engine.extract(PHOTO)
    assert not isinstance(caught.value, RetryableExtractionError)


@pytest.mark.parametrize(
    ("status", "headers", "retry_after"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (429, {"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        (429, {}, None),
        (429, {"Retry-After": "soon"}, None),
        (500, {}, None),
        (503, {"Retry-After": "30"}, 30.0),
    ],
)
def test_limits_and_outages_are_for_the_caller_to_retry(
    server: api.Scripted, engine: OpenAIEngine, status: int, headers: dict[str, str], retry_after: float | None
) -> None:
    server.status, server.headers = status, headers
    server.body = b'{"error": {"message": "busy", "type": "x", "code": "x", "param": null}}'
    with pytest.raises(RetryableExtractionError) as caught:
        engine.extract(PHOTO)
    assert caught.value.retry_after == retry_after
    assert len(server.requests) == 1  # the client itself must not retry: limits and bills are counted outside


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_our_own_mistakes_are_not_retried(server: api.Scripted, engine: OpenAIEngine, status: int) -> None:
    server.status, server.body = status, b'{"error": {"message": "no", "code": "bad"}}'
    with pytest.raises(ExtractionError, match=str(status)) as caught:
        engine.extract(PHOTO)
    assert not isinstance(caught.value, RetryableExtractionError)
    assert "sk-test" not in str(caught.value)


def test_a_hang_ends_at_the_timeout(server: api.Scripted, engine: OpenAIEngine) -> None:
    server.body, server.delay_seconds = api.fields(), 3.0
    started = time.monotonic()
    with pytest.raises(RetryableExtractionError, match="in time"):
        engine.extract(PHOTO)
    assert time.monotonic() - started < 2.5


def test_a_broken_connection_and_none_at_all(server: api.Scripted, engine: OpenAIEngine) -> None:
    server.body, server.cut_after = api.fields(), 50
    with pytest.raises(RetryableExtractionError):
        engine.extract(PHOTO)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(RetryableExtractionError, match="reached"):
            OpenAIEngine(api_key="k", model="m", base_url=url, timeout=0.5).extract(PHOTO)


@pytest.mark.parametrize("body", [b"<html>gateway</html>", b"", b"[]", b"{}"])
def test_something_else_answers(server: api.Scripted, engine: OpenAIEngine, body: bytes) -> None:
    server.body = body
    with pytest.raises(ExtractionError):
        engine.extract(PHOTO)


def test_hostile_bytes_are_never_sent(server: api.Scripted, engine: OpenAIEngine) -> None:
    with pytest.raises(RejectedImageError):
        engine.extract(b"<svg/>")
    assert server.requests == []


def test_engine_for_names_what_is_missing() -> None:
    assert engine_for(name="openai", openai_api_key="k", openai_model="m").name == "openai"
    assert engine_for(name="local", openai_api_key=None, openai_model="m").name == "local"
    with pytest.raises(ValueError, match="OPENAI_API_KEY"):
        engine_for(name="openai", openai_api_key=None, openai_model="m")
    with pytest.raises(ValueError, match="EXTRACTION_ENGINE"):
        engine_for(name="magic", openai_api_key=None, openai_model=None)
