"""X-Ray's OTLP endpoint with Transaction Search, which MiniStack does not have: spans become events of `aws/spans`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Transaction-Search-ingesting-span-log-groups.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from ministack import app as ministack_app
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs as logs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from localcloud.emulator.corrections import replace
from localcloud.emulator.spans import events

SERVICE = "xray"
PATH = "/v1/traces"
GROUP, STREAM = "aws/spans", "default"

MOST_BYTES, MOST_SPANS = 5 * 1024**2, 10_000
"""Of one request, without compression: the endpoint's limits."""

KEPT = 20_000
"""Newest spans that are kept; AWS keeps them as long as the log group says."""


def install() -> None:
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": [], "host_patterns": []}
    ministack_app.SERVICE_REGISTRY[SERVICE] = {"module": SERVICE}
    ministack_app.SERVICE_HANDLERS[SERVICE] = _handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    replace(iam_actions, "extract_iam_action", _with_spans(iam_actions.extract_iam_action))


def _with_spans(stock: Callable[..., str | None]) -> Callable[..., str | None]:
    """Whoever sends spans needs what whoever sends segments needs (AWSXrayWriteOnlyAccess)."""

    def extract(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == SERVICE:
            return "xray:PutTraceSegments"
        return stock(service, method, path, *rest)

    return extract


async def _handle(method: str, path: str, headers: Mapping[str, str], body: bytes, _query: Any) -> Any:
    if (method, path) != ("POST", PATH):
        return error_response_json("InvalidRequestException", f"{method} {path} is not available here", 400)
    if headers.get("content-type") != "application/x-protobuf":
        return error_response_json("InvalidRequestException", "Here spans are sent as application/x-protobuf.", 415)
    try:
        request = ExportTraceServiceRequest.FromString(body)  # MiniStack has unpacked it
    except DecodeError as error:
        return error_response_json("InvalidRequestException", f"This is no ExportTraceServiceRequest: {error}", 400)
    found = list(events(request))
    if len(body) > MOST_BYTES or len(found) > MOST_SPANS:
        told = f"{len(body)} bytes with {len(found)} spans; at most {MOST_BYTES} with {MOST_SPANS}"
        return error_response_json("InvalidRequestException", told, 413)
    _store(found)
    answer = ExportTraceServiceResponse().SerializeToString()
    return 200, {"Content-Type": "application/x-protobuf"}, answer


def _store(found: list[dict[str, Any]]) -> None:
    if GROUP not in logs._log_groups:
        logs._create_log_group({"logGroupName": GROUP})
    if STREAM not in logs._log_groups[GROUP]["streams"]:
        logs._create_log_stream({"logGroupName": GROUP, "logStreamName": STREAM})
    now = int(time.time() * 1000)
    messages = [{"timestamp": now, "message": json.dumps(span)} for span in found]
    logs._put_log_events({"logGroupName": GROUP, "logStreamName": STREAM, "logEvents": messages})
    kept = logs._log_groups[GROUP]["streams"][STREAM]["events"]
    for old in kept[:-KEPT]:
        logs._log_records.pop(old["eventId"], None)
    del kept[:-KEPT]
