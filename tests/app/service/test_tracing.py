"""Traces: what begins one, what is in it, and that it reaches X-Ray, signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from openai_support import good
from opentelemetry import context as contexts
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind, format_trace_id
from support import png, receipt
from tracing_support import HEADER, OURS, XRay, ask_web, attributes, xray_endpoint
from workers import until, worker

from receipts.states import State
from spendsmart.tracing import export, load_balancer, propagation


@pytest.fixture
def xray() -> Iterator[XRay]:
    with xray_endpoint() as found:
        yield found


@pytest.fixture
def login(user: Any) -> dict[str, str]:
    from accounts import tokens

    return {"Authorization": f"Bearer {tokens.begin(user).access}", "X-Amzn-Trace-Id": HEADER}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Root=1-67891233-abcdef012345678912345678", "67891233abcdef012345678912345678"),
        (HEADER, OURS),
        ("Root=1-67891233-abcdef012345678912345678;Self=1-67891234-aaaaaaaaaaaaaaaaaaaaaaaa", OURS),
        ("Self=1-67891234-aaaaaaaaaaaaaaaaaaaaaaaa;Self=1-00000001-bbbbbbbbbbbbbbbbbbbbbbbb", OURS),
        ("", None),
        ("Root=1-67891233-abcdef01234567891234567", None),
        ("XRoot=1-67891233-abcdef012345678912345678", None),
        ("Root=1-67891233-abcdef012345678912345678x", None),
    ],
)
def test_only_what_the_load_balancer_made_up_is_a_trace_id(header: str, expected: str | None) -> None:
    assert load_balancer.trace_id(header) == expected


@pytest.mark.django_db(transaction=True)
def test_a_request_is_one_trace_from_the_load_balancers_header_to_openai(
    xray: XRay, openai_server: Any, bucket: str, user: Any, login: dict[str, str], tmp_path: Path
) -> None:
    openai_server.reply = good()
    made = receipt(user, state=State.AWAITING_UPLOAD, body=png())
    asked = ask_web(
        {"method": "POST", "path": f"/api/v1/receipts/{made.id}/complete/", "headers": login},
        {"path": "/readyz"},
        percent="100",
        xray=xray.url,
    )
    assert asked.statuses == [202, 200]
    with worker(
        tmp_path, TRACING_SAMPLE_PERCENT="100", AWS_ENDPOINT_URL_XRAY=xray.url, OTEL_BSP_SCHEDULE_DELAY="200",
        EXTRACTION_ENGINE="openai", OPENAI_API_KEY="sk-the-key-of-the-tests", OPENAI_BASE_URL=openai_server.url,
    ) as one:  # fmt: skip
        until(lambda: xray.named("run/receipts.tasks.extract"), among=(one,))
    (ran,) = xray.named("run/receipts.tasks.extract")
    (sent,) = xray.named("apply_async/receipts.tasks.extract")
    (request,) = (span for _, span in xray.spans if span.kind == Span.SPAN_KIND_SERVER)
    assert request.name == "POST api/v1/receipts/<uuid:pk>/complete/"  # and whoever asks for our health is no trace
    assert {span.trace_id.hex() for span in (request, sent, ran)} == {OURS}
    assert (request.parent_span_id, sent.parent_span_id, ran.parent_span_id) == (b"", request.span_id, sent.span_id)
    assert {service for service, span in xray.spans if span in (request, sent)} == {"spendsmart-web"}
    assert {service for service, span in xray.spans if span is ran} == {"spendsmart-worker"}
    below = {span.name: span for _, span in xray.spans if span.parent_span_id == ran.span_id}
    assert {"S3.GetObject", "SELECT", "UPDATE", "EVALSHA", "recognize text", "chat gpt-6-luna"} <= below.keys()
    assert attributes(ran)["spendsmart.receipt"] == str(made.id)
    assert attributes(ran)["spendsmart.engine"] == "openai"
    assert attributes(below["chat gpt-6-luna"])["gen_ai.usage.output_tokens"] > 0
    assert (xray.headers[0]["path"], xray.headers[0]["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
    signed = "/us-east-1/xray/aws4_request, SignedHeaders=content-encoding;content-type;host;"
    assert all(signed in headers["Authorization"] for headers in xray.headers)
    finished = asked.line("request_finished")
    assert (finished["trace_id"], finished["receipt"], finished["code"]) == (OURS, str(made.id), 202)
    assert f'"trace_id": "{OURS}"' in next(
        line for line in one.log.read_text().splitlines() if '"event": "receipt_read"' in line
    )


@pytest.mark.django_db(transaction=True)
def test_off_means_that_nothing_is_instrumented_and_lines_have_the_id_all_the_same(
    xray: XRay, login: dict[str, str]
) -> None:
    asked = ask_web({"path": "/api/v1/receipts/", "headers": login}, percent="0", xray=xray.url)
    assert (asked.statuses, xray.bodies) == ([200], [])
    finished = asked.line("request_finished")
    assert (finished["trace_id"], finished["route"], finished["code"]) == (OURS, "api/v1/receipts/", 200)
    assert (finished["duration_ms"] > 0, finished["release"]) == (True, "0123456789ab")
    # redis-py imports the SDK of metrics by itself.
    loaded = ("opentelemetry.instrumentation", "opentelemetry.exporter", "opentelemetry.sdk.trace", "wrapt")
    assert [name for name in asked.modules if name.startswith(loaded)] == []


def test_who_asks_does_not_decide_what_is_traced() -> None:
    """`Sampled=1` and a `traceparent` come from outside: it is the share of the load balancer's ids that decides."""
    outside = {"X-Amzn-Trace-Id": HEADER, "traceparent": f"00-{'b' * 32}-{'c' * 16}-01"}
    for percent, traced in ((0.001, False), (100, True)):
        with _begun(outside, percent=percent) as span:
            assert span.is_recording() == traced
            assert getattr(span, "parent", None) is None
            assert format_trace_id(span.get_span_context().trace_id) == OURS


def test_what_a_message_says_holds_for_its_task() -> None:
    for flag, traced in (("01", True), ("00", False)):
        message = {"traceparent": f"00-{'b' * 32}-{'c' * 16}-{flag}"}
        with _begun(message, percent=50, kind=SpanKind.CONSUMER) as span:
            assert (span.is_recording(), format_trace_id(span.get_span_context().trace_id)) == (traced, "b" * 32)


@pytest.mark.parametrize(
    ("kind", "traced"), [(SpanKind.SERVER, True), (SpanKind.CONSUMER, True), (SpanKind.CLIENT, False)]
)
def test_a_query_outside_of_requests_and_tasks_is_no_trace(kind: SpanKind, traced: bool) -> None:
    with _begun({}, percent=100, kind=kind) as span:
        assert span.is_recording() == traced


@contextmanager
def _begun(carrier: dict[str, str], *, percent: float, kind: SpanKind = SpanKind.SERVER) -> Iterator[Any]:
    provider = TracerProvider(sampler=propagation.sampler(percent), id_generator=propagation.IdGenerator())
    token = contexts.attach(propagation.Propagator().extract(carrier))
    try:
        with provider.get_tracer("tests").start_as_current_span("begun", kind=kind) as span:
            yield span
    finally:
        contexts.detach(token)


def test_xray_out_of_reach_is_nobodys_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", "http://127.0.0.1:9")
    monkeypatch.setattr(export, "EXPORT_SECONDS", 0.5)
    assert export.xray("us-east-1").export([]) == SpanExportResult.FAILURE
