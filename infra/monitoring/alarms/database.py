"""PostgreSQL: whether it answers, whether it fails over, and what it runs out of."""

from __future__ import annotations

from infra.config.rules import memory_gib
from infra.monitoring.alarm import AlarmProps, Alarms, Comparison, Meaning, Missing, Severity
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.database import DatabaseMetrics
from infra.monitoring.metrics.statistic import MINUTE

_GIB = 1024**3
_SILENT = "database-unreachable tells when it is gone"


def add(
    alarms: Alarms, application: ApplicationMetrics, *, writer: DatabaseMetrics, readers: list[DatabaseMetrics]
) -> None:
    _add_outages(alarms, application)
    _add_writer(alarms, writer)
    for reader in readers:
        _add_lag(alarms, reader)
    _add_log(alarms, application)


def _add_outages(alarms: Alarms, application: ApplicationMetrics) -> None:
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="database-unreachable",
                severity=Severity.P0,
                owner="platform",
                says="PostgreSQL does not answer: nothing can be read or written.",
                logs="beat",
                causes=("database-failover", "database-storage", "database-connections"),
                runbook="database-outage",
                spoken=False,
            ),
            metric=application.database_reachable(),
            comparison="<",
            threshold=1,
            because="asked twice a minute; one refusal may be a connection that broke",
            periods=3,
            datapoints=2,
            missing=Missing.GOOD,
            missing_because="then it is the scheduler that is gone: scheduler-silent",
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="database-failover",
                severity=Severity.P0,
                owner="platform",
                says="The standby takes over as PostgreSQL's writer: a minute or two without writes.",
                spoken=False,
            ),
            metric=application.events("database-failover"),
            comparison=">=",
            threshold=1,
            because="it never happens unasked but for a fault",
            periods=1,
            datapoints=1,
            missing=Missing.GOOD,
            missing_because="RDS tells of failovers only",
        )
    )


def _add_writer(alarms: Alarms, writer: DatabaseMetrics) -> None:
    config, limits = alarms.environment.database, alarms.environment.alarms.thresholds
    memory = (memory_gib(config) or 1) * _GIB
    rows: list[tuple[str, str, object, Comparison, float, str, int]] = [
        ("cpu", "PostgreSQL computes at its limit: everything becomes slow.",
         writer.cpu_percent(), ">=", limits.database_cpu_percent,
         "queueing grows steeply from here; above it nothing is left for a busy hour", 15),
        ("connections", "PostgreSQL's connections are nearly used up: then tasks cannot connect.",
         writer.connections(), ">=", config.max_connections * limits.database_connections_percent / 100,
         "the pools together may open 80 % of max_connections, and that only in a rollout at full scale", 5),
        ("storage", "PostgreSQL's storage is nearly full, and has not grown by itself.",
         writer.free_storage_bytes(), "<", config.storage_gib * _GIB * limits.database_free_storage_percent / 100,
         "RDS grows storage below 10 % free, at most once in six hours", 3),
        ("memory", "PostgreSQL's server has hardly any memory left: it will swap, or be killed.",
         writer.free_memory_bytes(), "<", memory * limits.database_free_memory_percent / 100,
         f"of {memory // _GIB} GiB; PostgreSQL's caches leave more than this in calm times", 15),
    ]  # fmt: skip
    for kind, says, metric, comparison, threshold, because, periods in rows:
        alarms.add(
            AlarmProps(
                meaning=Meaning(name=f"database-{kind}", severity=Severity.P1, owner="platform", says=says, logs="web"),
                metric=metric,  # type: ignore[arg-type]
                comparison=comparison,
                threshold=threshold,
                because=because,
                periods=periods,
                datapoints=periods,
                missing=Missing.GOOD,
                missing_because=_SILENT,
            )
        )


def _add_lag(alarms: Alarms, reader: DatabaseMetrics) -> None:
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name=f"database-{reader.title}-lags",
                severity=Severity.P1,
                owner="platform",
                says="A read replica is far behind: the application reads from the writer instead.",
                causes=("database-cpu",),
                runbook="replica-lags",
            ),
            metric=reader.replica_lag_seconds(),
            comparison=">=",
            threshold=alarms.environment.alarms.thresholds.replica_lag_seconds,
            because="from 30 s on the application takes the replica out of use",
            periods=5,
            datapoints=5,
            missing=Missing.BAD,
            missing_because="a replica whose stream broke reports no lag",
        )
    )


def _add_log(alarms: Alarms, application: ApplicationMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    for name, metric, threshold, says, because in (
        ("database-deadlocks", application.deadlocks(), limits.deadlocks_per_5_minutes,
         "Transactions block each other: PostgreSQL ends one of each pair, whose user sees an error.",
         "one now and then is retried unseen; several are a fault in the order of locks"),
        ("database-slow-statements", application.slow_statements(), limits.slow_statements_per_5_minutes,
         "Many statements take longer than half a second.",
         "single ones are exports and migrations; one in six seconds is a plan that went wrong"),
    ):  # fmt: skip
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=name,
                    severity=Severity.P1,
                    owner="application",
                    says=says,
                    logs="database",
                    causes=("database-cpu",),
                ),
                metric=metric,
                comparison=">=",
                threshold=threshold,
                because=because,
                periods=3,
                datapoints=2,
                missing=Missing.GOOD,
                missing_because="a log without such lines counts nothing",
            )
        )


def add_idle(alarms: Alarms, writer: DatabaseMetrics) -> None:
    """A database that is larger than its work."""
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="database-idle",
                severity=Severity.P2,
                owner="platform",
                says="PostgreSQL has had next to nothing to do for a week: a smaller class would do.",
                dashboard="cost",
                runbook="idle-capacity",
            ),
            metric=writer.cpu_percent(24 * 60 * MINUTE),
            comparison="<",
            threshold=alarms.environment.alarms.thresholds.idle_cpu_percent,
            because="the average of a day; the next smaller class would stand at twice this",
            periods=7,
            datapoints=7,
            missing=Missing.GOOD,
            missing_because="a new database has no week behind it",
        )
    )
