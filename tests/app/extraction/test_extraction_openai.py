"""OpenAI's requests and answers, against a server that speaks its API over real HTTP: good answers, bad ones, none."""

from __future__ import annotations

import base64
import io
import json
import math
import socket
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from PIL import Image
from receipt_images import CAFE_MY, draw, encode

from extraction import engine_for
from extraction.images import open_photo
from extraction.openai_answer import MalformedAnswerError, Usage, parse
from extraction.openai_engine import CallFailedError, Cost, Reply, client, of_status, send
from extraction.openai_request import INSTRUCTIONS, LONGEST_SIDE, MAX_OUTPUT_TOKENS, input_tokens_at_most, request_body
from localcloud import openai_server as api

# Receipts of any size do here: nothing looks at the pixels.
PHOTO = draw(CAFE_MY[:4], size=16, width=300)
REFUSAL = api.answer({"type": "refusal", "refusal": "I cannot help with that."})


@pytest.fixture
def server() -> Iterator[api.OpenAIServer]:
    with api.serve() as server:
        yield server


def ask(server: api.OpenAIServer, photo: Image.Image = PHOTO, *, timeout: float = 3.0) -> Reply:
    body = request_body(photo, model="gpt-test")
    to = client(api_key="sk-test", base_url=server.url)
    return send(body, to=to, call_id="call-1", timeout=timeout, deadline=4.0)


def test_a_good_answer_becomes_an_extraction(server: api.OpenAIServer) -> None:
    server.reply = api.Reply(body=api.fields(), headers={"x-ratelimit-remaining-requests": "59"})
    reply = ask(server)
    read = reply.answered.extraction
    assert (read.merchant, read.purchased_on, read.currency) == ("Corner Bean Coffee", date(2026, 3, 14), "USD")
    assert (read.total, read.tax, read.engine) == (Decimal("17.17"), Decimal("1.42"), "openai")
    assert [(line.rate, line.net, line.amount) for line in read.tax_lines] == [
        (Decimal(9), Decimal("15.75"), Decimal("1.42"))
    ]
    assert [(item.quantity, item.price) for item in read.items] == [
        (Decimal(2), Decimal("9.00")), (Decimal(1), Decimal("4.25")), (Decimal(1), Decimal("2.50")),
    ]  # fmt: skip
    assert read.confidence["total"] == 1.0
    assert "tip" not in read.confidence  # nothing was found that one could be sure of
    assert read.needs_review == []
    assert reply.answered.usage == Usage(input=3000, cached=1500, output=200)
    assert reply.request_id == server.requests[0].request_id
    assert reply.headers["x-ratelimit-remaining-requests"] == "59"


def test_what_is_sent(server: api.OpenAIServer) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    server.reply = api.Reply(body=api.fields())
    ask(server, open_photo(encode(PHOTO, exif=exif)))
    (request,) = server.requests
    body = request.body
    assert (request.path, request.authorization, request.client_id) == ("/v1/responses", "Bearer sk-test", "call-1")
    assert (body["model"], body["store"], body["max_output_tokens"]) == ("gpt-test", False, MAX_OUTPUT_TOKENS)
    assert body["text"]["format"]["strict"] is True
    assert set(body["text"]["format"]["schema"]["required"]) == set(api.FIELDS)
    (part,) = body["input"][1]["content"]
    head, _, data = part["image_url"].partition(",")
    assert (part["type"], head) == ("input_image", "data:image/jpeg;base64")
    assert not Image.open(io.BytesIO(base64.b64decode(data))).getexif()  # no place, no camera


def test_the_instructions_are_cached_by_openai_and_the_picture_is_not(server: api.OpenAIServer) -> None:
    body = request_body(PHOTO, model="gpt-test")
    (instructions,), (picture,) = (message["content"] for message in body["input"])
    assert instructions["prompt_cache_breakpoint"] == {"mode": "explicit"} == body["prompt_cache_options"]
    assert "prompt_cache_breakpoint" not in picture
    # 1,024 tokens are the least that is cached; English has 4 to 5 characters a token.
    assert len(INSTRUCTIONS) > 1024 * 5


def test_a_huge_picture_is_sent_smaller_and_its_tokens_are_bounded() -> None:
    photo = Image.new("RGB", (900, 6000), "white")
    (part,) = request_body(photo, model="m")["input"][1]["content"]
    sent = Image.open(io.BytesIO(base64.b64decode(part["image_url"].partition(",")[2])))
    assert sent.size == (300, LONGEST_SIDE)
    patches = math.ceil(300 / 32) * math.ceil(LONGEST_SIDE / 32)
    assert patches * 2 < input_tokens_at_most(photo) < 6_000
    assert input_tokens_at_most(PHOTO) < input_tokens_at_most(photo)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purchased_on": "14.03.2026"}, "The date is not a value we understand."),
        ({"total": "17,17"}, "The total is not a value we understand."),
        ({"total": "NaN"}, "The total is not a value we understand."),
        ({"currency": "dollars"}, "The currency is not a value we understand."),
        ({"is_receipt": False}, "The picture does not show a receipt."),
    ],
)
def test_what_is_no_value_wants_a_look(changes: dict[str, object], reason: str) -> None:
    assert parse(json.loads(api.fields(**changes))).extraction.needs_review == [reason]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (REFUSAL, "refused"),
        (api.answer(api.text(json.dumps(api.FIELDS)[:80]), status="incomplete",
                    incomplete_details={"reason": "max_output_tokens"}), "incomplete"),
        (api.answer(api.text(""), output=[], status="incomplete", incomplete_details={"reason": "content_filter"}),
         "incomplete"),
        (api.answer(api.text("not JSON")), "invalid"),
        (api.answer(api.text('{"merchant": "only"}')), "invalid"),
        (api.answer(api.text(json.dumps(api.FIELDS | {"category": "weapons"}))), "invalid"),
        (api.answer(api.text("[]"), output=[]), "invalid"),
        (api.answer(api.text(json.dumps(api.FIELDS)), status="failed"), "incomplete"),
    ],
    ids=["refusal", "cut off", "filtered", "prose", "missing fields", "unknown category", "no output", "failed"],
)  # fmt: skip
def test_a_useless_answer_is_billed_and_wants_a_look(server: api.OpenAIServer, body: bytes, outcome: str) -> None:
    server.reply = api.Reply(body=body)
    answered = ask(server).answered
    assert (answered.outcome, answered.usage.output) == (outcome, 200)
    assert answered.extraction.total is None
    assert len(answered.extraction.needs_review) == 1


def test_characters_that_no_database_takes_are_left_out() -> None:
    merchant = parse(json.loads(api.fields(merchant="Caf\x00e"))).extraction.merchant
    refused = parse(json.loads(api.answer({"type": "refusal", "refusal": "n\x00o"}))).extraction.needs_review
    assert (merchant, "\x00" in refused[0], "\x00" in str(of_status(400, code="b\x00d"))) == ("Cafe", False, False)


def test_what_openai_adds_in_time_to_come_does_no_harm() -> None:
    body = json.loads(api.fields())
    body["output"].insert(0, {"type": "reasoning", "id": "r", "summary": [], "content": None})
    body |= {"tool_choice": {"type": "something new"}, "novelty": 1}
    assert parse(body).outcome == "answered"


@pytest.mark.parametrize(
    ("status", "headers", "retry_after"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (429, {"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        (429, {}, None),
        (429, {"Retry-After": "soon"}, None),
        (429, {"Retry-After": "nan"}, None),
        (429, {"Retry-After": "1e300"}, 3600.0),
        (500, {}, None),
        (503, {"Retry-After": "30"}, 30.0),
    ],
)
def test_limits_and_outages_cost_nothing_and_are_for_the_caller_to_retry(
    server: api.OpenAIServer, status: int, headers: dict[str, str], retry_after: float | None
) -> None:
    error = b'{"error": {"message": "busy", "type": "x", "code": "x", "param": null}}'
    server.reply = api.Reply(status=status, headers=headers, body=error)
    with pytest.raises(CallFailedError) as caught:
        ask(server)
    failed = caught.value
    assert (failed.cost, failed.again, failed.shut) == (Cost.FREE, True, False)
    assert (failed.retry_after, failed.outcome) == (retry_after, f"http_{status}")
    assert len(server.requests) == 1  # the client itself must not retry: limits and bills are counted outside


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_our_own_mistakes_are_not_retried(server: api.OpenAIServer, status: int) -> None:
    server.reply = api.Reply(status=status, body=b'{"error": {"message": "no", "code": "bad"}}')
    with pytest.raises(CallFailedError, match=f"{status}.*bad") as caught:
        ask(server)
    assert (caught.value.cost, caught.value.again) == (Cost.FREE, False)
    assert "sk-test" not in str(caught.value)


@pytest.mark.parametrize(("status", "code"), [(401, ""), (403, ""), (429, "insufficient_quota")])
def test_a_wrong_key_and_an_empty_account_shut_everybody_out(server: api.OpenAIServer, status: int, code: str) -> None:
    body = json.dumps({"error": {"message": "no", "code": code}}).encode()
    server.reply = api.Reply(status=status, body=body)
    with pytest.raises(CallFailedError) as caught:
        ask(server)
    assert (caught.value.cost, caught.value.shut) == (Cost.FREE, True)


def test_a_gateway_that_did_not_wait_leaves_the_call_in_doubt() -> None:
    assert {of_status(status).cost for status in (504, 524)} == {Cost.IN_DOUBT}
    assert {of_status(status).cost for status in (408, 500, 502, 503)} == {Cost.FREE}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (api.Reply(body=api.fields(), delay_seconds=7.0), "timeout"),
        (api.Reply(body=api.fields(), drip_seconds=0.7), "slow_drip"),
        (api.Reply(body=api.fields(), cut_after=50), "broken_off"),
        (api.Reply(body=b"<html>gateway</html>"), "malformed"),
        (api.Reply(body=b""), "malformed"),
        (api.Reply(body=b"[]"), "malformed"),
        (api.Reply(body=b"{}"), "malformed"),
        (api.Reply(body=api.fields()[:-30]), "malformed"),
        (api.Reply(body=api.answer(api.text("{}"), usage=None)), "malformed"),
        (api.Reply(status=504, body=b"{}"), "http_504"),
    ],
    ids=["hang", "drip", "cut off", "HTML", "empty", "list", "object", "truncated", "no bill", "gateway"],
)
def test_what_was_sent_and_never_answered_in_full_is_in_doubt(
    server: api.OpenAIServer, reply: api.Reply, outcome: str
) -> None:
    server.reply = reply
    began = time.monotonic()
    with pytest.raises(CallFailedError) as caught:
        ask(server)
    assert (caught.value.cost, caught.value.outcome) == (Cost.IN_DOUBT, outcome)
    assert time.monotonic() - began < 30


def test_without_a_connection_nothing_was_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        to = client(api_key="k", base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(CallFailedError) as caught:
            send(request_body(PHOTO, model="m"), to=to, call_id="c", timeout=0.5)
    assert (caught.value.cost, caught.value.again) == (Cost.NOT_SENT, True)


def test_a_body_that_is_no_response_is_told_from_one_that_is() -> None:
    with pytest.raises(MalformedAnswerError, match="usage"):
        parse({"status": "completed", "model": "m"})


def test_a_bill_beyond_all_reason_is_none() -> None:
    with pytest.raises(MalformedAnswerError, match="output_tokens"):
        parse(json.loads(api.fields()) | {"usage": api.USAGE | {"output_tokens": 10**10}})


def test_parts_of_the_input_are_never_more_than_the_input() -> None:
    details = {"cached_tokens": 5000, "cache_write_tokens": 100}
    found = parse(json.loads(api.fields()) | {"usage": api.USAGE | {"input_tokens_details": details}})
    assert found.usage == Usage(input=3000, cached=3000, cache_written=0, output=200)


def test_engine_for_knows_the_local_engine_alone() -> None:
    assert engine_for(name="local").name == "local"
    with pytest.raises(ValueError, match="magic"):
        engine_for(name="magic")
