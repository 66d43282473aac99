"""What a request caused, as a tree: the load balancer's log line, and the spans that X-Ray has put into `aws/spans`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud import aws, layout
from localcloud.console import LocalCloudError

GROUP = "aws/spans"
PAGE = 10_000

_OF_ALB = re.compile(r'(?:Self|Root)=1-([0-9a-f]{8})-([0-9a-f]{24})[^"]*"$')
_SAID = (
    *("http.response.status_code", "spendsmart.receipt", "spendsmart.engine", "spendsmart.outcome"),
    *("messaging.destination", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "error.type"),
)
"""Attributes that are worth a place in a line."""

_LONGEST_QUERY = 90


@dataclass(frozen=True, kw_only=True)
class Span:
    """Times in nanoseconds since the epoch; `parent` is None for the first one of a trace."""

    trace: str
    id: str
    parent: str | None
    name: str
    service: str
    start: int
    duration: int
    attributes: Mapping[str, Any]
    error: str | None

    @classmethod
    def of(cls, message: str) -> Span:
        """From an event of `aws/spans`."""
        event = json.loads(message)
        status = event["status"]
        return cls(
            trace=event["traceId"],
            id=event["spanId"],
            parent=event.get("parentSpanId"),
            name=event["name"],
            service=event["resource"]["attributes"].get("service.name", "?"),
            start=event["startTimeUnixNano"],
            duration=event["durationNano"],
            attributes=event["attributes"],
            error=status.get("message", "failed") if status["code"] == "ERROR" else None,
        )


def read(region: str) -> dict[str, list[Span]]:
    """All spans by trace, the newest trace last. Raises LocalCloudError when there are none."""
    pages = aws.client("logs", region).get_paginator("filter_log_events").paginate(logGroupName=GROUP, limit=PAGE)
    try:
        spans = [Span.of(event["message"]) for page in pages for event in page["events"]]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        spans = []
    if not spans:
        raise LocalCloudError("no trace yet", remedy="send something, and see that [tracing] sample_percent is not 0")
    found: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start):
        found[span.trace].append(span)
    return dict(found)


def named(traces: Mapping[str, list[Span]], of: str) -> dict[str, list[Span]]:
    """Those whose id begins so, or in which the receipt of that id was read."""
    return {
        trace: spans
        for trace, spans in traces.items()
        if trace.startswith(of) or any(span.attributes.get("spendsmart.receipt") == of for span in spans)
    }


def table(traces: Mapping[str, list[Span]], *, count: int = 20) -> str:
    """One line for each of the newest traces."""
    rows = [f"{'trace':<33}{'ms':>9} {'spans':>6}  begins with"]
    for trace, spans in list(traces.items())[-count:]:
        took = max(span.start + span.duration for span in spans) - spans[0].start
        rows.append(f"{trace:<33}{took / 1e6:>9.1f} {len(spans):>6}  {spans[0].name}")
    return "\n".join(rows)


def tree(spans: Iterable[Span], *, balancer: str | None = None) -> str:
    """One line for each span: when it began and how long it took in milliseconds, in the order of its calls."""
    spans = list(spans)
    known = {span.id for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent if span.parent in known else None].append(span)
    begin = min(span.start for span in spans)
    rows = [f"trace {spans[0].trace}", f"{'at ms':>9}{'took ms':>10}"]
    rows += [f"{'':>19}  load balancer  {balancer}"] if balancer else []
    rows += _rows(children, None, begin=begin, depth=1 if balancer else 0, service="")
    return "\n".join(rows)


def _rows(
    children: Mapping[str | None, list[Span]], parent: str | None, *, begin: int, depth: int, service: str
) -> Iterator[str]:
    for span in children.get(parent, []):
        times = f"{(span.start - begin) / 1e6:>9.1f}{span.duration / 1e6:>10.1f}"
        where = f"{span.service}  " if span.service != service else ""
        yield f"{times}  {'  ' * depth}{where}{_said(span)}"
        yield from _rows(children, span.id, begin=begin, depth=depth + 1, service=span.service)


def _said(span: Span) -> str:
    query = " ".join(str(span.attributes.get("db.query.text", "")).split())
    words = [query[:_LONGEST_QUERY] if query else span.name]
    words += [f"{name.rpartition('.')[2]}={span.attributes[name]}" for name in _SAID if name in span.attributes]
    words += [f"FAILED: {span.error}"] if span.error else []
    return "  ".join(words)


def balancer_line(trace: str) -> str | None:
    """What the load balancer's access log says of the request that the trace began with."""
    for path in sorted(layout.folder("logs").rglob("alb-*.log")):
        for line in _lines(path):
            found = _OF_ALB.search(line)
            if found and "".join(found.groups()) == trace:
                return _request_of(line)
    return None


def _lines(path: Path) -> Iterator[str]:
    with path.open(errors="replace") as file:
        for line in file:
            yield line.rstrip("\n")


def _request_of(line: str) -> str:
    request = re.search(r'"([A-Z]+ [^"]*)"', line)
    fields = line.split()
    return f"{request[1] if request else line}  (target {fields[4]}, {fields[7]} ms, {fields[8]})"
