"""The page that somebody opens at night: is it us, the database, Redis, OpenAI, or AWS?"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import Alarms, Severity
from infra.monitoring.dashboards.page import Graph, heading, row, states
from infra.monitoring.metrics.application import QUEUES
from infra.monitoring.metrics.statistic import MINUTE
from infra.monitoring.sources import Sources


def rows(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    """From what pages down to what may have caused it."""
    urgent = [alarms.by_name[name] for name in alarms.spoken(Severity.P0)]
    slower = [alarms.by_name[name] for name in alarms.spoken(Severity.P1)]
    return [
        *([states("P0: red is an outage", urgent)] if urgent else []),
        *([states("P1: red is a degradation", slower, height=6)] if slower else []),
        heading("## Us\nRequests, errors, times, tasks. All of it bad at once: look at the database below first."),
        *_web(alarms, sources),
        *_queue(alarms, sources),
        heading("## The database\nNo answer, no connections left, locks, or a plan that went wrong?"),
        *_database(alarms, sources),
        heading("## Redis\nThe broker (queue) and the cache."),
        *_valkey(alarms, sources),
        *_outside(alarms, sources),
    ]


def _web(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    limits, balancer = alarms.environment.alarms.thresholds, sources.load_balancer
    return [
        row(
            Graph(title="Requests a minute", lines=[balancer.requests()],
                  right=[balancer.errors_of_tasks(), balancer.errors_of_its_own()]),
            Graph(title="Errors (%)", lines=[balancer.error_percent()],
                  limits=[("P0", limits.web_errors_percent), ("P1", limits.web_some_errors_percent)]),
            Graph(title="Seconds to answer", lines=[balancer.seconds(one) for one in ("p50", "p95", "p99")],
                  limits=[("p95: P1", limits.web_p95_seconds), ("p99: P1", limits.web_p99_seconds)]),
            Graph(title="Healthy web tasks", lines=[balancer.healthy_tasks()], limits=[("P0 below", 1)]),
        ),
        row(
            Graph(title="Tasks", lines=[one.tasks() for one in (sources.web, sources.worker, sources.beat)]),
            Graph(title="CPU (%)", lines=[one.cpu_percent() for one in (sources.web, sources.worker)],
                  limits=[("out", alarms.environment.web.scale_out_cpu), ("in", alarms.environment.web.scale_in_cpu)]),
            Graph(title="Memory of the fullest task (%)",
                  lines=[one.memory_percent(statistic="Maximum") for one in (sources.web, sources.worker)],
                  limits=[("P1", 95)]),
            Graph(title="Turned away by the firewall", lines=list(sources.blocked.values()))
            if sources.blocked
            else Graph(title="Synthetic user (s)", lines=[sources.application.journey_seconds("login")]),
        ),
    ]  # fmt: skip


def _queue(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    limits, application = alarms.environment.alarms.thresholds, sources.application
    engines = ["openai", "local"] if alarms.environment.features.openai else ["local"]
    return [
        row(
            Graph(title="Receipts in the queue", lines=[application.queue_length(queue) for queue in QUEUES],
                  right=[application.backlog_per_task()]),
            Graph(title="Oldest receipt (s)", lines=[application.oldest_seconds(queue) for queue in QUEUES],
                  limits=[("interactive: P1", limits.interactive_wait_seconds), ("P0", limits.stalled_seconds)]),
            Graph(title="Reading (s)",
                  lines=[application.reading_seconds(engine, one) for engine in engines for one in ("p50", "p95")]),
            Graph(title="Given up (%)", lines=[application.failed_percent(15 * MINUTE, least=1)],
                  right=[application.receipts_read(5 * MINUTE)],
                  limits=[("P1", limits.extraction_failed_percent)]),
        )
    ]  # fmt: skip


def _database(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    limits, writer = alarms.environment.alarms.thresholds, sources.writer
    most = alarms.environment.database.max_connections
    application = sources.application
    lag = [reader.replica_lag_seconds() for reader in sources.readers]
    return [
        row(
            Graph(title="PostgreSQL answers",
                  lines=[application.database_reachable(), application.broker_reachable()]),
            Graph(title="Connections", lines=[one.connections() for one in (writer, *sources.readers)],
                  limits=[("P1", most * limits.database_connections_percent / 100), ("none left", most)]),
            Graph(title="CPU (%)", lines=[one.cpu_percent() for one in (writer, *sources.readers)],
                  limits=[("P1", limits.database_cpu_percent)]),
            Graph(title="Sessions at work, waiting", lines=[writer.load(), writer.waiting()],
                  right=[application.locks_waited_for()]),
        ),
        row(
            Graph(title="Slow statements, deadlocks", lines=[application.slow_statements()],
                  right=[application.deadlocks()],
                  limits=[("P1", limits.slow_statements_per_5_minutes)]),
            Graph(title="Cache hits (%)", lines=[application.cache_hit_percent()], from_zero=False),
            Graph(title="Read and write (s)", lines=[writer.read_seconds(), writer.write_seconds()]),
            Graph(title="Free storage (bytes), replica lag (s)", lines=[writer.free_storage_bytes()], right=lag),
        ),
    ]  # fmt: skip


def _valkey(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    limits, both = alarms.environment.alarms.thresholds, (sources.broker, sources.cache)
    return [
        row(
            Graph(title="Memory (%)", lines=[one.memory_percent() for one in both],
                  limits=[("broker: P1", limits.valkey_memory_percent)]),
            Graph(title="Engine CPU (%)", lines=[one.cpu_percent() for one in both],
                  limits=[("P1", limits.valkey_cpu_percent)]),
            Graph(title="Connections", lines=[one.connections() for one in both]),
            Graph(title="Evictions of the cache", lines=[sources.cache.evictions()],
                  limits=[("P1", limits.cache_evictions_per_5_minutes)]),
        )
    ]  # fmt: skip


def _outside(alarms: Alarms, sources: Sources) -> list[list[cloudwatch.IWidget]]:
    """OpenAI, where the environment asks it."""
    if not alarms.environment.features.openai:
        return []
    limits, application = alarms.environment.alarms.thresholds, sources.application
    return [
        heading("## OpenAI\nFailing here and nothing else: see https://status.openai.com, and let the breaker do it."),
        row(
            Graph(title="Calls without an answer (%)", lines=[application.openai_failed_percent(5 * MINUTE, least=1)],
                  right=[application.openai_calls()], limits=[("P1", limits.openai_failed_percent)]),
            Graph(title="Seconds to answer", lines=[application.openai_seconds(one) for one in ("p50", "p95", "p99")],
                  limits=[("p95: P1", limits.openai_p95_seconds)]),
            Graph(title="Breaker open, read here instead", lines=[application.openai_breaker_open()],
                  right=[application.fallbacks()]),
            Graph(title="Sent back by the limiter", lines=[application.openai_waits()],
                  limits=[("P1", limits.openai_waits_per_5_minutes)]),
        ),
    ]  # fmt: skip
