"""Spans of the OpenTelemetry protocol as events of the log group `aws/spans`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def events(request: ExportTraceServiceRequest) -> Iterator[dict[str, Any]]:
    """One for each span."""
    for of_resource in request.resource_spans:
        resource = {"attributes": _attributes(of_resource.resource.attributes)}
        for of_scope in of_resource.scope_spans:
            scope = {"name": of_scope.scope.name, "version": of_scope.scope.version}
            for span in of_scope.spans:
                yield {"resource": resource, "scope": scope, **_span(span)}


def _span(span: Span) -> dict[str, Any]:
    status = {"code": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_")}
    parent = {"parentSpanId": span.parent_span_id.hex()} if span.parent_span_id else {}
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        **parent,
        "flags": span.flags,
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        "startTimeUnixNano": span.start_time_unix_nano,
        "endTimeUnixNano": span.end_time_unix_nano,
        "durationNano": span.end_time_unix_nano - span.start_time_unix_nano,
        "attributes": _attributes(span.attributes),
        "events": [
            {"timeUnixNano": event.time_unix_nano, "name": event.name, "attributes": _attributes(event.attributes)}
            for event in span.events
        ],
        "status": status | ({"message": span.status.message} if span.status.message else {}),
    }


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case name:
            return getattr(value, name)
