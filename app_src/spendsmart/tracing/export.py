"""Spans to X-Ray's OTLP endpoint, signed as any call to AWS, and first cleaned as log lines are.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.conf import settings
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace.status import Status
from requests.auth import AuthBase

from spendsmart import aws
from spendsmart.redaction import cleaned

EXPORT_SECONDS = 5.0
"""For one batch with its repetitions; nobody waits for it but a process that ends."""

KEPT_ATTRIBUTES = frozenset(
    [
        *("http.request.method", "http.route", "http.response.status_code", "url.path", "error.type"),
        *("db.system.name", "db.namespace", "db.query.text", "db.operation.name", "server.address"),
        *("rpc.service", "rpc.method", "http.status_code", "aws.request_id", "retry_attempts"),
        *("celery.task_name", "celery.action", "celery.state", "celery.retry.reason", "messaging.message.id"),
        *("messaging.destination", "gen_ai.provider.name", "gen_ai.operation.name", "gen_ai.request.model"),
        *("gen_ai.response.id", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
        *("spendsmart.receipt", "spendsmart.call", "spendsmart.engine", "spendsmart.outcome", "spendsmart.attempt"),
        *("exception.type", "exception.message"),
    ]
)
"""All that a span may say, whatever a library finds worth saying: no query string, address, user agent, parameter."""


class CleaningExporter(SpanExporter):
    """Hands on spans of which only KEPT_ATTRIBUTES are left, their texts without what no log line may say."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_cleaned_span(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def xray(region: str) -> SpanExporter:
    """To where the SDK's settings say that X-Ray is, with the task's own role (xray:PutTraceSegments)."""
    sdk = aws.session()
    session = requests.Session()
    # Proxies and .netrc of a developer's machine are none of the application's settings.
    session.trust_env = False
    session.auth = _Signature(sdk.get_credentials(), region)
    return OTLPSpanExporter(
        endpoint=f"{sdk.client('xray', region_name=region).meta.endpoint_url}/v1/traces",
        certificate_file=settings.TLS_AUTHORITIES,
        timeout=EXPORT_SECONDS,
        compression=Compression.Gzip,
        session=session,
    )


class _Signature(AuthBase):
    """AWS Signature Version 4."""

    def __init__(self, credentials: Credentials | None, region: str) -> None:
        self._credentials, self._region = credentials, region

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        headers = {name: request.headers[name] for name in ("Content-Type", "Content-Encoding")}
        signed = AWSRequest(method=request.method, url=request.url, headers=headers, data=request.body)
        SigV4Auth(self._credentials, "xray", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


def _cleaned_span(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=cleaned(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes),
        events=[
            Event(name=event.name, attributes=_kept(event.attributes), timestamp=event.timestamp)
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, span.status.description and cleaned(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


_COLUMNS = re.compile(r"^(SELECT (?:DISTINCT )?).*? (?=FROM )", re.DOTALL)
_LONGEST_QUERY = 500


def _shortened(query: str) -> str:
    """Django names every column of a table: most of a span would be that list."""
    return _COLUMNS.sub(r"\1… ", query)[:_LONGEST_QUERY]


def _kept(attributes: Mapping[str, object] | None) -> dict[str, object]:
    return {
        name: cleaned(_shortened(value) if name == "db.query.text" else value) if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
        if name in KEPT_ATTRIBUTES
    }
