"""The sweeper's function: a sweep, and what it did, for people and for an alarm."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from .settings import Settings, client
from .sweep import Report, sweep


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    settings = Settings.of_environment()
    report = sweep(settings, datetime.now(tz=UTC))
    said = as_json(report)
    print(json.dumps({"sweep": said}))
    client("cloudwatch").put_metric_data(
        Namespace=settings.namespace,
        MetricData=[
            {"MetricName": "OrphanedPreviews", "Value": report.orphaned, "Unit": "Count"},
            {"MetricName": "Previews", "Value": report.previews, "Unit": "Count"},
        ],
    )
    if settings.topic and (text := as_text(report)):
        client("sns").publish(TopicArn=settings.topic, Subject="Previews swept", Message=text)
    return said


def as_json(report: Report) -> dict[str, Any]:
    return {
        "previews": report.previews,
        "ended": report.ended,
        "ending_soon": report.warned,
        "deleted": [f"{each.kind} {each.name}" for each in report.deleted],
        "failed": report.failed,
        "late": report.late,
        "orphaned": report.orphaned,
    }


def as_text(report: Report) -> str:
    """For people; empty where nothing was done and nothing is wrong."""
    lines = [
        *(f"Ended, past its time or never alive: {name}" for name in report.ended),
        *(f"Deleted, as it had no preview any more: {each.kind} {each.name}" for each in report.deleted),
        *(f"Still there an hour after its end: {name}" for name in report.late),
        *(f"Could not be deleted: {each}" for each in report.failed),
    ]
    return "\n".join(lines)
