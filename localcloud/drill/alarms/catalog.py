"""Every alarm's fault: what is broken, and what must come of it.

Windows of alarms are minutes to days, and a drill is to be over within half an hour or so: what is broken for real is
what speaks within minutes, and what needs longer, or a part that one machine lacks, is fed. Faults that do not meddle
with one another go on at the same time; `after` keeps those apart that do.
"""

from __future__ import annotations

from localcloud.drill.alarms.around import EventCounted, SweepsEnded, UnreadableMessage, Walks, WalksEnded
from localcloud.drill.alarms.fault import Fault, Together
from localcloud.drill.alarms.fed import FED, GOOD_REQUESTS
from localcloud.drill.alarms.servers import (
    BrokerFilled,
    BrokerKilled,
    ConnectionsHeld,
    DatabaseKilled,
    Deadlocks,
    LogGoesOn,
    ReplayPaused,
    SlowStatements,
    TableLocked,
)
from localcloud.drill.alarms.services import ReceiptsWait, ServiceStopped, TasksKilled

_BURNS = tuple(
    f"availability-burns-{speed}{window}" for speed in ("fast", "slow") for window in ("-long", "-short", "")
)
_SLOW = (
    "web-slow", "web-very-slow", "rollout-latency", "rollout-latency-ratio",
    *(f"latency-burns-{speed}{window}" for speed in ("fast", "slow") for window in ("-long", "-short", "")),
)  # fmt: skip
_WEB = (
    "web-no-healthy-targets", "web-errors", "web-some-errors", "web-outage", "web-degraded", "journey-failing",
    "rollout-errors", "rollout-unhealthy", "rollout-stopped-tasks", *_BURNS, *_SLOW,
)  # fmt: skip
"""What may be seen at the load balancer when something behind it breaks."""

_READING = (
    "queue-stalled", "queue-interactive-waits", "queue-default-waits", "processing-outage", "scheduler-silent",
    *(f"reading-burns-{speed}{window}" for speed in ("fast", "slow") for window in ("-long", "-short", "")),
)  # fmt: skip

REAL = (
    Fault(
        name="web-stopped",
        says="web's desired count is 0; the synthetic user walks on",
        how="real",
        fires=(
            "web-no-healthy-targets",
            "web-errors",
            "web-some-errors",
            "journey-failing",
            *_BURNS,
            "web-outage",
            "web-degraded",
        ),
        brings=_WEB,
        # An hour's and six hours' errors would be red for as long: good requests are added to them afterwards.
        breakage=Together([GOOD_REQUESTS, ServiceStopped("web"), Walks()]),
        patience=20.0,
    ),
    Fault(
        name="beat-stopped",
        says="beat's desired count is 0",
        how="real",
        fires=("scheduler-silent", "processing-outage"),
        brings=_READING,
        breakage=ServiceStopped("beat"),
        patience=15.0,
    ),
    Fault(
        name="receipts-wait",
        says="the workers' desired count is 0; a receipt of each queue waits, its clock set back",
        how="real",
        fires=(
            "queue-stalled",
            "queue-interactive-waits",
            "queue-default-waits",
            "queue-bulk-waits",
            "processing-outage",
        ),
        brings=(*_READING, "journey-failing", "web-outage", "scaling-worker-backlog-upper"),
        breakage=ReceiptsWait(),
        after=("beat-stopped", "worker-memory"),
        after_mending=("web-stopped",),
    ),
    Fault(
        name="database-gone",
        says="PostgreSQL's writer is killed whenever it has started",
        how="real",
        fires=("database-unreachable", "database-outage", "known-cause", "P0"),
        brings=(*_WEB, *_READING, "database-reader-1-lags", "database-slow-statements"),
        pages="database-outage",
        breakage=DatabaseKilled(),
        after=(
            "receipts-wait",
            "reading-late",
            "answers-slow",
            "table-locked",
            "connections-held",
            "statements-slow",
            "deadlocks",
            "replay-paused",
            "message-unreadable",
        ),
    ),
    Fault(
        name="broker-gone",
        says="the broker is killed whenever it has started",
        how="real",
        fires=("broker-unreachable", "broker-outage"),
        brings=(*_WEB, *_READING, "known-cause"),
        pages="broker-outage",
        breakage=BrokerKilled(),
        after=("database-gone", "broker-full"),
    ),
    Fault(
        name="replay-paused",
        says="the replica receives what the writer does, and does not replay it",
        how="real",
        fires=("database-reader-1-lags",),
        breakage=ReplayPaused(),
    ),
    Fault(
        name="connections-held",
        says="as many idle connections as make it red",
        how="real",
        fires=("database-connections", "rollout-connections"),
        breakage=ConnectionsHeld(),
    ),
    Fault(
        name="deadlocks",
        says="pairs of transactions that take two locks in opposite order",
        how="real",
        fires=("database-deadlocks",),
        breakage=Together([LogGoesOn(), Deadlocks()]),
    ),
    Fault(
        name="statements-slow",
        says="statements of 0.6 s, one after the other",
        how="real",
        fires=("database-slow-statements",),
        breakage=Together([LogGoesOn(), SlowStatements()]),
    ),
    Fault(
        name="table-locked",
        says="the table of receipts is locked for four seconds of every six",
        how="real",
        fires=("rollout-latency",),
        brings=(*_WEB, "database-slow-statements"),
        breakage=TableLocked(),
        after=("web-stopped",),
    ),
    Fault(
        name="broker-full",
        says="the broker's memory is filled to 87 %",
        how="real",
        fires=("broker-memory",),
        breakage=BrokerFilled(),
    ),
    Fault(
        name="tasks-killed",
        says="the process of a web task is killed, once a minute",
        how="real",
        fires=("rollout-stopped-tasks",),
        brings=_WEB,
        breakage=TasksKilled(),
        after=("web-stopped",),
    ),
    Fault(
        name="message-unreadable",
        says="a message that the function of messages cannot read",
        how="real",
        fires=("messages-failing",),
        breakage=UnreadableMessage(),
    ),
    Fault(
        name="walks-ended",
        says="the rule that sends the synthetic user is disabled",
        how="real",
        fires=("journey-silent",),
        breakage=WalksEnded(),
        after=("web-stopped",),
        patience=75.0,
    ),
    Fault(
        name="sweeps-ended",
        says="the rule that calls the sweeper of previews is disabled",
        how="real",
        fires=("previews-orphaned",),
        breakage=SweepsEnded(),
        # Four quarters of an hour without a sweep.
        patience=90.0,
    ),
)

COUNTED = (
    Fault(
        name="failover",
        says="the function that counts RDS's events is called with a failover",
        how="fed",
        because="nothing fails over on one machine",
        fires=("database-failover", "database-outage", "known-cause"),
        pages="database-outage",
        breakage=EventCounted("database-failover"),
        after=("broker-gone",),
    ),
    Fault(
        name="rotation-failed",
        says="the function that counts events is called with a failed rotation",
        how="fed",
        because="such events come through CloudTrail, which is not there",
        fires=("secret-rotation-failed",),
        breakage=EventCounted("secret-rotation-failed"),
    ),
)

FAULTS = {fault.name: fault for fault in (*REAL, *COUNTED, *FED)}


def covered() -> set[str]:
    """Titles of the alarms that have a drill."""
    return {title for fault in FAULTS.values() for title in (*fault.fires, *fault.clears)}
