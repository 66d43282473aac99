"""Metrics of services that this process itself is: EventBridge, CloudWatch Logs, S3 replication.

Upstream has those of Lambda (Invocations, Errors, Throttles, Duration). What runs outside of this process is measured
by `localcloud.metrics`.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudwatch, cloudwatch_logs, eventbridge, s3

from localcloud.emulator.corrections import replace

Record = dict[str, Any]

_BYTES_OF_AN_EVENT = 26
"""Beside its message; docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""


def install() -> None:
    _count_matches()
    _count_invocations()
    _count_logs()
    _count_copies()


def _count_matches() -> None:
    """AWS/Events of rules with a pattern; docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""
    stock = eventbridge._matches_pattern_view

    def matches(pattern: Any, view: Any, owner: str = "rule") -> Any:
        found = stock(pattern, view, owner)
        kind, _, key = owner.partition(" ")
        if found and kind == "rule" and key:
            rule = {"RuleName": key.rpartition("|")[2]}
            for name in ("MatchedEvents", "TriggeredRules"):
                cloudwatch.record_metric("AWS/Events", name, 1, "Count", rule)
        return found

    replace(eventbridge, "_matches_pattern_view", matches)


def _count_invocations() -> None:
    stock = eventbridge._invoke_target
    last_fired: dict[str, str] = {}

    def invoke(target: Record, event: Record, rule: Record, view: Any = None) -> Any:
        name, arn = rule.get("Name", ""), rule.get("Arn", "")
        if event.get("DetailType") == "Scheduled Event" and last_fired.get(arn) != event["EventId"]:
            last_fired[arn] = event["EventId"]  # once, however many targets the rule has
            cloudwatch.record_metric("AWS/Events", "TriggeredRules", 1, "Count", {"RuleName": name})
        cloudwatch.record_metric("AWS/Events", "Invocations", 1, "Count", {"RuleName": name})
        return stock(target, event, rule, view)

    replace(eventbridge, "_invoke_target", invoke)


def _count_logs() -> None:
    """AWS/Logs; docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html"""
    stock = cloudwatch_logs._put_log_events

    def put(data: Record) -> Any:
        answer = stock(data)
        if answer[0] < 300:
            events = data.get("logEvents", [])
            size = sum(len(event.get("message", "").encode()) + _BYTES_OF_AN_EVENT for event in events)
            for dimensions in ({}, {"LogGroupName": data["logGroupName"]}):
                cloudwatch.record_metric("AWS/Logs", "IncomingBytes", size, "Bytes", dimensions)
                cloudwatch.record_metric("AWS/Logs", "IncomingLogEvents", len(events), "None", dimensions)
        return answer

    replace(cloudwatch_logs, "_put_log_events", put)


def _count_copies() -> None:
    """AWS/S3 of replication rules with metrics; docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html: what
    is pending in the copy's region, what failed in the source's. An object is copied here before its write is
    answered, so what is pending is nothing, and latency what the copying took."""
    stock = s3._maybe_replicate

    def replicate(bucket: str, key: str, record: Record, data: Any, tags: Any = None) -> None:
        rule, _ = s3._replication_rule_for(bucket, key, tags)
        began = time.monotonic()
        stock(bucket, key, record, data, tags)
        if rule and (rule.get("Destination", {}).get("Metrics") or {}).get("Status") == "Enabled":
            _record_copy(bucket, rule, copied=record.get("replication_status") == "COMPLETED", began=began)

    replace(s3, "_maybe_replicate", replicate)


def _record_copy(bucket: str, rule: Record, *, copied: bool, began: float) -> None:
    destination = rule["Destination"]["Bucket"].rpartition(":")[2]
    dimensions = {"SourceBucket": bucket, "DestinationBucket": destination, "RuleId": rule.get("ID", "")}
    if not copied:
        _record_in(bucket, "OperationsFailedReplication", 1, "Count", dimensions)
        return
    _record_in(destination, "ReplicationLatency", time.monotonic() - began, "Seconds", dimensions)
    _record_in(destination, "BytesPendingReplication", 0, "Bytes", dimensions)
    _record_in(destination, "OperationsPendingReplication", 0, "Count", dimensions)


def _record_in(bucket: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
    region = s3._buckets[bucket].get("region") or "us-east-1"
    with request_scope(get_account_id(), region):
        cloudwatch.record_metric("AWS/S3", name, value, unit, dimensions)
