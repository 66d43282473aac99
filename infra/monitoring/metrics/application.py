"""What SpendSmart publishes about itself (`app_src/spendsmart/metrics.py`), and what functions beside it do."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.statistic import DAY, MINUTE, expression, metric

QUEUES = ("interactive", "bulk", "default")
"""The application's queues (`QUEUES` in its settings)."""

SWEEP = 15 * MINUTE
"""Seconds between two sweeps of previews."""


def namespace(environment: str) -> str:
    return f"SpendSmart/{environment}"


@dataclass(frozen=True, kw_only=True)
class ApplicationMetrics:
    environment: str

    # ---- who can be reached ----
    def database_reachable(self) -> cloudwatch.Metric:
        """1 when the scheduler got an answer of the database, 0 when not; twice a minute."""
        return self.plain("DatabaseReachable", "Minimum", label="database reachable")

    def broker_reachable(self) -> cloudwatch.Metric:
        return self.plain("BrokerReachable", "Minimum", label="broker reachable")

    def scheduler_reports(self) -> cloudwatch.Metric:
        """How often the scheduler spoke in a minute, whatever it found."""
        return self.plain("DatabaseReachable", "SampleCount", label="reports of the scheduler")

    # ---- the queue ----
    def oldest_seconds(self, queue: str, seconds: int = MINUTE) -> cloudwatch.Metric:
        """How long the oldest receipt of a queue has waited; 0 while none waits."""
        return self._of_queue("OldestSeconds", queue, seconds, f"{queue}: oldest (s)")

    def queue_length(self, queue: str, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._of_queue("QueueLength", queue, seconds, f"{queue}: receipts")

    def backlog(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self.plain("QueueLength", "Maximum", seconds, label="receipts that wait or are read")

    def backlog_per_task(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self.plain("BacklogPerTask", "Maximum", seconds, label="receipts per worker task")

    # ---- reading ----
    def receipts_read(self, seconds: int) -> cloudwatch.Metric:
        """Receipts whose reading ended, however it ended."""
        return self.plain("Extractions", "Sum", seconds, label="readings that ended")

    def failed_percent(self, seconds: int, *, least: int) -> cloudwatch.MathExpression:
        """Percent of readings that were given up; 0 while fewer than `least` ended in a period."""
        return expression(
            f"IF(FILL(ended,0)>={least},100*FILL(failed,0)/FILL(ended,0),0)",
            label="readings given up (%)",
            seconds=seconds,
            metrics={
                "ended": self.receipts_read(seconds),
                "failed": metric(
                    namespace(self.environment),
                    "Extractions",
                    statistic="Sum",
                    seconds=seconds,
                    dimensions={"Engine": "none", "Outcome": "failed"},
                ),
            },
        )

    def reading_seconds(self, engine: str, statistic: str, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return metric(
            namespace(self.environment),
            "ExtractionSeconds",
            statistic=statistic,
            seconds=seconds,
            label=f"{engine}: {statistic} (s)",
            dimensions={"Engine": engine},
        )

    def upload_to_read_seconds(self, statistic: str, seconds: int) -> cloudwatch.Metric:
        """From a receipt's arrival until it is read, of those that were sent one at a time."""
        return metric(
            namespace(self.environment),
            "ReceiptSeconds",
            statistic=statistic,
            seconds=seconds,
            label=f"upload to read, {statistic}",
            dimensions={"Upload": "single"},
        )

    def late_percent(self, limit_seconds: int, seconds: int) -> cloudwatch.MathExpression:
        """Percent of receipts sent one at a time that were read later than a limit."""
        return expression(
            "100-within",
            label=f"read after more than {limit_seconds} s (%)",
            seconds=seconds,
            metrics={"within": self.upload_to_read_seconds(f"PR(:{limit_seconds})", seconds)},
        )

    # ---- previews (`infra/functions/preview_server/sweeper`) ----
    def orphaned_previews(self) -> cloudwatch.Metric:
        """What a sweep found past its end and could not delete."""
        return self.plain("OrphanedPreviews", "Maximum", SWEEP, label="orphaned previews")

    # ---- OpenAI ----
    def openai_calls(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return self.plain("OpenAICalls", "Sum", seconds, label="calls of OpenAI")

    def openai_failed_percent(self, seconds: int, *, least: int) -> cloudwatch.MathExpression:
        """Percent of calls without an answer; 0 while fewer than `least` were made in a period."""
        return expression(
            f"IF(FILL(calls,0)>={least},100*FILL(failed,0)/FILL(calls,0),0)",
            label="calls of OpenAI without an answer (%)",
            seconds=seconds,
            metrics={
                "calls": self.openai_calls(seconds),
                "failed": self.plain("OpenAIFailures", "Sum", seconds),
            },
        )

    def openai_seconds(self, statistic: str, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return self.plain("OpenAISeconds", statistic, seconds, label=f"OpenAI: {statistic} (s)")

    def openai_breaker_open(self) -> cloudwatch.Metric:
        """1 while nobody may ask."""
        return self.plain("OpenAIBreakerOpen", "Maximum", label="breaker open")

    def openai_waits(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        """How often the limiter sent somebody back."""
        return self.plain("OpenAIWaits", "Sum", seconds, label="sent back by the limiter")

    def openai_spent_today(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        """Dollars of the day (UTC) so far."""
        return self.plain("OpenAISpentToday", "Maximum", seconds, label="spent today (USD)")

    def openai_spent_this_month(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return self.plain("OpenAISpentThisMonth", "Maximum", seconds, label="spent this month (USD)")

    def openai_cents_per_receipt(self, seconds: int = DAY, *, least: int = 1) -> cloudwatch.MathExpression:
        """Cents for each receipt that OpenAI has read; 0 while it has read fewer than `least`."""
        return expression(
            f"IF(FILL(receipts,0)>={least},100*FILL(cost,0)/FILL(receipts,0),0)",
            label="cents a receipt",
            seconds=seconds,
            metrics={
                "cost": self.plain("OpenAICost", "Sum", seconds),
                "receipts": self.reading_seconds("openai", "SampleCount", seconds),
            },
        )

    def fallbacks(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        """Receipts that the embedded engine read though OpenAI should have."""
        return self.plain("Fallbacks", "Sum", seconds, label="read here instead of by OpenAI")

    # ---- the database's log ----
    def deadlocks(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return self.plain("DatabaseDeadlocks", "Sum", seconds, label="deadlocks")

    def slow_statements(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return self.plain("DatabaseSlowStatements", "Sum", seconds, label="slow statements")

    def cache_hit_percent(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        """Percent of blocks that PostgreSQL found in its memory."""
        return self.plain("DatabaseCacheHitPercent", "Minimum", seconds, label="cache hits (%)")

    def locks_waited_for(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self.plain("DatabaseLockWaits", "Maximum", seconds, label="sessions that wait for a lock")

    # ---- functions beside it ----
    def journey_succeeded(self, seconds: int) -> cloudwatch.Metric:
        """1 when the synthetic user came through, 0 when not."""
        return self.plain("JourneySucceeded", "Minimum", seconds, label="journey succeeded")

    def journey_seconds(self, step: str, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return metric(
            namespace(self.environment),
            "JourneySeconds",
            statistic="Maximum",
            seconds=seconds,
            label=f"{step} (s)",
            dimensions={"Step": step},
        )

    def maintenance(self) -> cloudwatch.Metric:
        """Set by whoever works on the platform, or by a pipeline: alarms stay quiet for half an hour."""
        return self.plain("Maintenance", "Maximum", label="maintenance")

    def backup_age_hours(self, kind: str) -> cloudwatch.Metric:
        return metric(
            namespace(self.environment),
            "BackupAgeHours",
            statistic="Maximum",
            seconds=60 * MINUTE,
            label=f"{kind}: age of the newest backup (h)",
            dimensions={"ResourceType": kind},
        )

    def replication_seconds(self) -> cloudwatch.Metric:
        return self.plain("ReplicationSeconds", "Maximum", 15 * MINUTE, label="copy of receipts behind (s)")

    def events(self, kind: str, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        """AWS's events of one kind, counted."""
        return metric(
            namespace(self.environment),
            "Events",
            statistic="Sum",
            seconds=seconds,
            label=kind,
            dimensions={"Kind": kind},
        )

    def plain(self, name: str, statistic: str, seconds: int = MINUTE, label: str = "") -> cloudwatch.Metric:
        """A metric without dimensions."""
        return metric(namespace(self.environment), name, statistic=statistic, seconds=seconds, label=label)

    def _of_queue(self, name: str, queue: str, seconds: int, label: str) -> cloudwatch.Metric:
        return metric(
            namespace(self.environment),
            name,
            statistic="Maximum",
            seconds=seconds,
            label=label,
            dimensions={"Queue": queue},
        )
