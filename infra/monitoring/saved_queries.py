"""Saved queries of CloudWatch Logs Insights: the questions that are asked of the logs again and again.

Data alone, without the CDK. Each field that a query names is in lines that the application really writes:
`tests/app/service/test_log_queries.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPANS = "aws/spans"
"""Where Transaction Search keeps spans (docs/tracing.md)."""

_APPLICATION = ("Web", "Worker", "Beat")


@dataclass(frozen=True, kw_only=True)
class LogQuery:
    """`groups` are log groups of `TaskLogs` by their construct ids, or SPANS. What a reader puts in stands as `…`."""

    name: str
    groups: Sequence[str]
    text: str


QUERIES = (
    LogQuery(
        name="errors by release",
        groups=_APPLICATION,
        text="""
filter level in ["error", "critical"]
| stats count(*) as errors, min(timestamp) as since by release, event
| sort errors desc""",
    ),
    LogQuery(
        name="slowest endpoints",
        groups=("Web",),
        text="""
filter event = "request_finished"
| stats count(*) as requests, avg(duration_ms) as mean_ms, pct(duration_ms, 95) as p95_ms, max(duration_ms) as max_ms
  by route
| sort p95_ms desc
| limit 25""",
    ),
    LogQuery(
        name="one request",
        groups=_APPLICATION,
        text="""
# The header of its answer or another line says the id. Its tasks have the same one.
filter request_id = "…"
| fields @timestamp, event, request, code, duration_ms, receipt, task_id, trace_id, level, exception
| sort @timestamp asc""",
    ),
    LogQuery(
        name="one receipt",
        groups=_APPLICATION,
        text="""
filter receipt = "…"
| fields @timestamp, event, request, state, engine, fallback, reason, attempt, seconds, request_id, trace_id
| sort @timestamp asc""",
    ),
    LogQuery(
        name="failed extractions by cause",
        groups=("Worker",),
        text="""
filter event in ["receipt_ended", "receipt_postponed", "receipt_broke_the_reader", "receipt_given_up"]
| stats count(*) as times, count_distinct(receipt) as receipts by event, state, reason
| sort times desc""",
    ),
    LogQuery(
        name="OpenAI cost by model",
        groups=("Worker",),
        text="""
filter event = "openai_answered"
| stats count(*) as calls, sum(dollars) as usd, sum(input) as input_tokens, sum(cached) as cached_tokens,
  sum(output) as output_tokens, pct(seconds, 95) as p95_seconds by model, purpose
| sort usd desc""",
    ),
    LogQuery(
        name="OpenAI failures",
        groups=("Worker",),
        text="""
filter event = "openai_failed"
| stats count(*) as calls, max(retry_after) as longest_wait by model, outcome, cost
| sort calls desc""",
    ),
    LogQuery(
        name="who was rate-limited",
        groups=("Web",),
        text="""
filter event = "request_finished" and code = 429
| stats count(*) as refused by ip, user_id, route
| sort refused desc""",
    ),
    LogQuery(
        name="failed logins by address",
        groups=("Web",),
        text="""
filter event = "request_finished" and route in ["api/v1/auth/login/", "login/"] and code in [400, 401, 403, 429]
| stats count(*) as failed by ip, code
| sort failed desc""",
    ),
    LogQuery(
        name="tasks that failed",
        groups=("Worker",),
        text="""
filter event = "task_failed"
| fields @timestamp, task_id, error, receipt, trace_id, release
| sort @timestamp desc
| limit 100""",
    ),
    LogQuery(
        name="rollout hooks",
        groups=("MigrationHook", "SmokeTestHook"),
        text="""
filter ispresent(hookStatus)
| fields @timestamp, hook, hookStatus, reason, revision
| sort @timestamp desc
| limit 100""",
    ),
    LogQuery(
        name="slowest statements",
        groups=(SPANS,),
        text="""
filter `attributes.db.system.name` = "postgresql"
| stats count(*) as times, pct(durationNano, 95) / 1000000 as p95_ms, sum(durationNano) / 1000000 as all_ms
  by `attributes.db.query.text`
| sort all_ms desc
| limit 25""",
    ),
)
