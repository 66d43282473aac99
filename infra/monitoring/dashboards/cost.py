"""Product and cost: how much is read, by whom, and what it costs."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import Alarms, Severity
from infra.monitoring.dashboards.page import Graph, row, states
from infra.monitoring.metrics import account
from infra.monitoring.metrics.statistic import DAY, HOUR
from infra.monitoring.sources import Sources

_GIB = 1024**3


def rows(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    environment, limits, application = alarms.environment, alarms.environment.alarms.thresholds, sources.application
    red = [alarms.by_name[name] for name in alarms.spoken(Severity.P2)]
    spending = [
        row(
            Graph(title="OpenAI today (USD)", lines=[application.openai_spent_today(HOUR)],
                  limits=[("budgets.openai_daily_usd", environment.budgets.openai_daily_usd)]),
            Graph(title="OpenAI this month (USD)", lines=[application.openai_spent_this_month(HOUR)],
                  limits=[("P2", limits.openai_month_usd)]),
            Graph(title="Cents a receipt", lines=[application.openai_cents_per_receipt(DAY)],
                  limits=[("P2", limits.openai_cents_per_receipt)]),
            Graph(title="Calls, and read here instead", lines=[application.openai_calls(HOUR)],
                  right=[application.fallbacks(HOUR)]),
        )
    ] if environment.features.openai else []  # fmt: skip
    return [
        *([states("P2: red costs more than it should", red)] if red else []),
        row(
            Graph(title="Receipts read an hour", lines=[application.receipts_read(HOUR)]),
            Graph(title="Upload to read (s)",
                  lines=[application.upload_to_read_seconds(one, HOUR) for one in ("p50", "p95")]),
            Graph(title="Requests an hour", lines=[sources.load_balancer.requests(HOUR)]),
        ),
        *spending,
        row(
            Graph(title="Through NAT (bytes a day)", lines=[account.nat_bytes_out(sources.nat_gateways)],
                  limits=[("P2", limits.nat_gib_per_day * _GIB)]),
            Graph(title="Through the load balancer (bytes a day)", lines=[sources.load_balancer.bytes_out(DAY)],
                  limits=[("P2", limits.out_gib_per_day * _GIB)]),
            Graph(title="Logs (bytes a day, the whole account)", lines=[account.log_bytes()],
                  limits=[("P2", limits.log_gib_per_day * _GIB)]),
        ),
        row(
            Graph(title="CPU by day (%): what is idle",
                  lines=[one.cpu_percent(DAY) for one in (sources.writer, sources.web, sources.worker)],
                  limits=[("P2 below", limits.idle_cpu_percent)]),
            Graph(title="Tasks", lines=[sources.web.tasks(), sources.worker.tasks()]),
        ),
    ]  # fmt: skip
