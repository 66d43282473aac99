"""What can be configured about alarms: who hears of them, when they speak, and what users are promised.

Each threshold has a default that holds for every environment unless its file says otherwise; why it is what it is
stands beside the alarm that uses it (`infra.monitoring.alarms`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.config.section import Email, Section

Share = Annotated[float, Field(gt=0, lt=100)]
"""Percent."""

SeverityName = Literal["P0", "P1", "P2"]


class Thresholds(Section):
    """When alarms speak. `*_percent` are percent, `*_seconds` seconds; the rest says its unit in its name."""

    # The way in.
    web_errors_percent: Share = 5.0
    web_some_errors_percent: Share = 1.0
    web_p95_seconds: float = Field(default=1.5, ge=0.1, le=60)
    web_p99_seconds: float = Field(default=4.0, ge=0.1, le=60)
    least_requests_per_minute: int = Field(default=10, ge=1, le=100_000)
    firewall_blocks_per_5_minutes: int = Field(default=1000, ge=1, le=1_000_000_000)
    certificate_days: int = Field(default=14, ge=1, le=60)
    # Tasks.
    service_cpu_percent: Share = 85.0
    service_memory_percent: Share = 90.0
    # The queue and the receipts in it.
    stalled_seconds: int = Field(default=600, ge=60, le=86_400)
    interactive_wait_seconds: int = Field(default=180, ge=10, le=86_400)
    bulk_wait_seconds: int = Field(default=7200, ge=60, le=604_800)
    default_wait_seconds: int = Field(default=1800, ge=60, le=604_800)
    queue_length: int = Field(default=2000, ge=1, le=10_000_000)
    extraction_failed_percent: Share = 5.0
    # PostgreSQL.
    database_cpu_percent: Share = 80.0
    database_connections_percent: Share = 80.0
    database_free_storage_percent: Share = 15.0
    database_free_memory_percent: Share = 5.0
    replica_lag_seconds: int = Field(default=30, ge=1, le=86_400)
    deadlocks_per_5_minutes: int = Field(default=3, ge=1, le=100_000)
    slow_statements_per_5_minutes: int = Field(default=50, ge=1, le=1_000_000)
    # Valkey.
    valkey_memory_percent: Share = 80.0
    valkey_cpu_percent: Share = 80.0
    cache_evictions_per_5_minutes: int = Field(default=10_000, ge=1, le=1_000_000_000)
    # OpenAI.
    openai_failed_percent: Share = 20.0
    openai_p95_seconds: float = Field(default=15.0, ge=0.5, le=120)
    openai_waits_per_5_minutes: int = Field(default=200, ge=1, le=1_000_000)
    openai_day_percent: Share = 80.0
    openai_month_usd: int = Field(default=1000, ge=1, le=10_000_000)
    openai_cents_per_receipt: float = Field(default=2.0, gt=0, le=1000)
    # Copies.
    backup_age_hours: int = Field(default=30, ge=25, le=720)
    replication_seconds: int = Field(default=1800, ge=900, le=86_400)
    # Cost.
    nat_gib_per_day: int = Field(default=50, ge=1, le=100_000)
    out_gib_per_day: int = Field(default=100, ge=1, le=1_000_000)
    log_gib_per_day: int = Field(default=10, ge=1, le=100_000)
    idle_cpu_percent: Share = 5.0
    anomaly_usd: int = Field(default=50, ge=1, le=1_000_000)


class Alarms(Section):
    """Who hears of an outage (`p0`), a degradation (`p1`), of cost (`p2`), by e-mail.

    `chat` and `pager` make a secret each, for the address that messages are posted to: secrets stand in no file.
    `severities` are the alarms that the environment has; each costs by the metric it looks at. `runbooks` is where
    `docs/runbooks/` can be read. `journey_minutes` is how often the synthetic user walks; 0 for never.
    """

    p0: tuple[Email, ...] = ()
    p1: tuple[Email, ...] = ()
    p2: tuple[Email, ...] = ()
    chat: bool = False
    pager: bool = False
    severities: frozenset[SeverityName] = frozenset({"P0", "P1", "P2"})
    runbooks: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+[^/\s]$", max_length=120)]
    journey_minutes: int = Field(default=5, ge=0, le=60)
    thresholds: Thresholds = Thresholds()


class Objectives(Section):
    """What users are promised, over 30 days.

    `availability_percent` of requests are answered without a server's error, `latency_percent` of them within
    `latency_seconds`, and `reading_percent` of receipts sent one at a time are read within `reading_seconds` of their
    arrival.
    """

    availability_percent: float = Field(default=99.9, ge=90, lt=100)
    latency_percent: float = Field(default=95.0, ge=50, lt=100)
    latency_seconds: float = Field(default=1.0, ge=0.05, le=60)
    reading_percent: float = Field(default=95.0, ge=50, lt=100)
    reading_seconds: int = Field(default=60, ge=5, le=3600)
