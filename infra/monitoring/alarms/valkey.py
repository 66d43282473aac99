"""The broker and the cache."""

from __future__ import annotations

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.valkey import ValkeyMetrics

_SILENT = "broker-unreachable tells when it is gone"


def add(alarms: Alarms, application: ApplicationMetrics, *, broker: ValkeyMetrics, cache: ValkeyMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="broker-unreachable",
                severity=Severity.P0,
                owner="platform",
                says="The broker does not answer: no receipt reaches a worker. None is lost: the sweeper sends them.",
                logs="beat",
                causes=("broker-memory",),
                runbook="broker-outage",
                spoken=False,
            ),
            metric=application.broker_reachable(),
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
                name="broker-memory",
                severity=Severity.P1,
                owner="platform",
                says="The broker's memory is nearly full: it evicts nothing, and will refuse new messages.",
                logs="worker",
                causes=("queue-long",),
            ),
            metric=broker.memory_percent(),
            comparison=">=",
            threshold=limits.valkey_memory_percent,
            because="a quarter hour's room for the busiest queue seen",
            periods=5,
            datapoints=5,
            missing=Missing.GOOD,
            missing_because=_SILENT,
        )
    )
    for group in (broker, cache):
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=f"{group.title}-cpu",
                    severity=Severity.P1,
                    owner="platform",
                    says=f"The {group.title}'s engine computes at its limit: it is one thread, and everybody waits.",
                    runbook="valkey-cpu",
                ),
                metric=group.cpu_percent(),
                comparison=">=",
                threshold=limits.valkey_cpu_percent,
                because="one thread answers all; from here on answers take many times as long",
                periods=10,
                datapoints=8,
                missing=Missing.GOOD,
                missing_because=_SILENT,
            )
        )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="cache-evictions",
                severity=Severity.P1,
                owner="platform",
                says="The cache forgets what is still wanted: the database is asked instead.",
            ),
            metric=cache.evictions(),
            comparison=">=",
            threshold=limits.cache_evictions_per_5_minutes,
            because="what is evicted now and then nobody misses; at this rate the working set does not fit",
            periods=6,
            datapoints=6,
            missing=Missing.GOOD,
            missing_because="ElastiCache reports none where there are none",
        )
    )
