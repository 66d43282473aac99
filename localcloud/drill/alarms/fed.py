"""Faults whose metrics are fed, each with the reason why nothing is broken instead."""

from __future__ import annotations

from localcloud.drill.alarms.fault import Fault
from localcloud.drill.alarms.feeding import Feed, Value, Values
from localcloud.drill.alarms.services import BusyAtMaximum

_GIB = 1024.0**3
_HOURS = "it would take hours or days"
_LONG = "it would take a quarter of an hour and more"
_NOT_THERE = "the local cloud does not have the part"
_BUSY = "it would take the processors from everything else on this machine"
_NO_KEY = "OpenAI is not called here"


def _windows(objective: str, values: Values) -> dict[str, Values]:
    return {f"{objective}-burns-{speed}-{window}": values for speed in ("fast", "slow") for window in ("long", "short")}


def _burns(objective: str) -> tuple[str, ...]:
    return (*_windows(objective, {}), f"{objective}-burns-fast", f"{objective}-burns-slow")


GOOD_REQUESTS = Feed(
    bad={},
    good={
        f"availability-burns-{speed}-long": {
            "RequestCount": Value(1e4, grows=True), "HTTPCode_Target_5XX_Count": Value(0),
            "HTTPCode_ELB_5XX_Count": Value(0),
        }
        for speed in ("fast", "slow")
    },
    minutes=0,
)  # fmt: skip
"""Breaks nothing; mends by requests without an error."""


def _one(
    alarm: str,
    bad: Values,
    *,
    because: str,
    says: str = "",
    good: Values | None = None,
    after: tuple[str, ...] = (),
    brings: tuple[str, ...] = (),
) -> Fault:
    return Fault(
        name=alarm,
        says=says or ", ".join(f"{name} {value.value:g}" for name, value in bad.items()),
        how="fed",
        because=because,
        fires=(alarm,),
        brings=brings,
        breakage=Feed(
            bad={alarm: bad}, good={alarm: good} if good else {}
        ),
        after=after,
    )  # fmt: skip


_SLOW_ANSWERS: Values = {"TargetResponseTime": Value(5.0), "RequestCount": Value(1e4)}
_FAST_ANSWERS: Values = {"TargetResponseTime": Value(0.05), "RequestCount": Value(1e4)}
_LATE: Values = {"ReceiptSeconds": Value(600.0)}
_IN_TIME: Values = {"ReceiptSeconds": Value(5.0)}

_ERRORS: Values = {
    "RequestCount": Value(1e4, grows=True), "HTTPCode_Target_5XX_Count": Value(1e3, grows=True),
    "HTTPCode_ELB_5XX_Count": Value(0),
}  # fmt: skip

_WEB = (
    Fault(
        name="errors-many",
        says="10 % of requests end with 5xx",
        how="fed",
        because=_HOURS,
        fires=_burns("availability"),
        brings=("web-outage", "web-some-errors", "web-degraded"),
        breakage=Feed(bad=_windows("availability", _ERRORS), good=GOOD_REQUESTS.good, minutes=4),
        after=("web-stopped", "answers-slow"),
    ),
    Fault(
        name="answers-slow",
        says="TargetResponseTime 5 s",
        how="fed",
        because=_LONG,
        fires=("web-slow", "web-very-slow", *_burns("latency"), "web-degraded", "web-outage"),
        breakage=Feed(
            bad={"web-slow": _SLOW_ANSWERS, "web-very-slow": _SLOW_ANSWERS, **_windows("latency", _SLOW_ANSWERS)},
            good=_windows("latency", _FAST_ANSWERS),
            minutes=4,
        ),
        after=("web-stopped",),
    ),
    _one(
        "rollout-errors", {"RequestCount": Value(1e4), "HTTPCode_Target_5XX_Count": Value(1e3)},
        because="real errors come from a bad version: make rollout SCENARIO=bad-5xx",
    ),
    _one(
        "rollout-latency-ratio",
        {"blueP99": Value(2.0), "greenP99": Value(0.2), "RequestCount": Value(100)},
        because="it takes two versions at once: make rollout SCENARIO=bad-slow",
    ),
    _one("rollout-unhealthy", {"UnHealthyHostCount": Value(1)}, because="ECS replaces an unhealthy task sooner"),
    _one("firewall-blocks-alb", {"BlockedRequests": Value(5000)}, because="firewalls are not evaluated here",
         good={"BlockedRequests": Value(0)}),
    _one("firewall-blocks-cdn", {"BlockedRequests": Value(5000)}, because="firewalls are not evaluated here",
         good={"BlockedRequests": Value(0)}),
    _one("certificate-site-expires", {"DaysToExpiry": Value(3)}, because=_NOT_THERE, good={"DaysToExpiry": Value(300)}),
    _one("certificate-cdn-expires", {"DaysToExpiry": Value(3)}, because=_NOT_THERE, good={"DaysToExpiry": Value(300)}),
)  # fmt: skip

_READING = (
    Fault(
        name="reading-late",
        says="ReceiptSeconds 600 s",
        how="fed",
        because=_LONG,
        fires=_burns("reading"),
        brings=("processing-outage",),
        breakage=Feed(bad=_windows("reading", _LATE), good=_windows("reading", _IN_TIME), minutes=4),
        after=("beat-stopped",),
    ),
    _one("queue-long", {"QueueLength": Value(5000)}, because=_LONG),
    _one(
        "readings-given-up", {"ended": Value(1000, grows=True), "failed": Value(500, grows=True)},
        because="it would take twenty broken receipts, six tries each",
        good={"ended": Value(1000, grows=True), "failed": Value(0)},
    ),
)  # fmt: skip

_TASKS = tuple(
    fault
    for service in ("web", "worker")
    for fault in (
        # Before what is busy, which would be in the average of its last day.
        _one(f"{service}-idle", {"CPUUtilization": Value(1)}, because=_HOURS, good={"CPUUtilization": Value(50)}),
        Fault(
            name=f"{service}-cpu-at-maximum",
            says="CPUUtilization 97 %, at the maximum number of tasks; scaling is suspended",
            how="fed",
            because=_BUSY,
            fires=(f"{service}-cpu-at-maximum",),
            breakage=BusyAtMaximum(
                bad={f"{service}-cpu-at-maximum": {"CPUUtilization": Value(97)}}, service=service
            ),
            # What it suspends goes on as soon as it is mended, and would start a service that is stopped for a fault.
            after=(f"{service}-idle", *(("web-stopped",) if service == "web" else ())),
        ),
        Fault(
            name=f"{service}-memory",
            says="MemoryUtilization 97 %, at the maximum number of tasks",
            how="fed",
            because="the runner kills a task before it takes so much",
            fires=(f"{service}-memory-at-maximum", f"{service}-task-memory"),
            breakage=Feed(
                bad={
                    f"{service}-memory-at-maximum": {"CPUUtilization": Value(5), "MemoryUtilization": Value(97)},
                    f"{service}-task-memory": {"MemoryUtilization": Value(97)},
                },
            ),
            after=(f"{service}-cpu-at-maximum",),
        ),
        Fault(
            name=f"{service}-busy",
            says="CPUUtilization 90 %",
            how="fed",
            because=_BUSY,
            fires=(f"scaling-{service}-cpu-upper",),
            clears=(f"scaling-{service}-idle-lower",),
            breakage=Feed(bad={f"scaling-{service}-cpu-upper": {"CPUUtilization": Value(90)}}, minutes=1),
            after=(f"{service}-memory", f"{'web-stopped' if service == 'web' else 'receipts-wait'}"),
        ),
    )
)  # fmt: skip

_SERVERS = (
    _one("scaling-worker-backlog-upper", {"BacklogPerTask": Value(30)}, because="it would take dozens of receipts",
         after=("worker-busy",)),
    _one("database-idle", {"CPUUtilization": Value(1)}, because=_HOURS, good={"CPUUtilization": Value(50)}),
    _one("database-cpu", {"CPUUtilization": Value(95)}, because=_BUSY, after=("database-idle",)),
    _one("database-storage", {"FreeStorageSpace": Value(_GIB / 2)}, because="it would fill this machine's disk"),
    _one("database-memory", {"FreeableMemory": Value(1e7)}, because="it would fill this machine's memory"),
    _one("broker-cpu", {"EngineCPUUtilization": Value(95)}, because=_BUSY),
    _one("cache-cpu", {"EngineCPUUtilization": Value(95)}, because=_BUSY),
    _one("cache-evictions", {"Evictions": Value(50_000)}, because=_LONG),
)  # fmt: skip

_COPIES = (
    _one("backups-missed-rds", {"BackupAgeHours": Value(49)}, because=_NOT_THERE, good={"BackupAgeHours": Value(2)}),
    _one("backups-missed-s3", {"BackupAgeHours": Value(49)}, because=_NOT_THERE, good={"BackupAgeHours": Value(2)}),
    _one(
        "replication-behind",
        {"ReplicationSeconds": Value(7200)},
        because="copies are made at once here",
        good={"ReplicationSeconds": Value(5)},
    ),
    _one(
        "replication-failed",
        {"OperationsFailedReplication": Value(3)},
        because="no copy fails here",
        good={"OperationsFailedReplication": Value(0)},
    ),
    _one(
        "check-failing",
        {"Errors": Value(1)},
        because="what the function asks AWS does not fail here",
        good={"Errors": Value(0)},
    ),
)

_OPENAI = (
    Fault(
        name="openai-degraded",
        says="OpenAIFailures 50 %, OpenAISeconds 25 s",
        how="fed",
        because=_NO_KEY,
        fires=("openai-failing", "openai-slow", "openai-degraded"),
        breakage=Feed(
            bad={
                "openai-failing": {"OpenAICalls": Value(100, grows=True), "OpenAIFailures": Value(50, grows=True)},
                "openai-slow": {"OpenAISeconds": Value(25.0)},
            },
            good={
                "openai-failing": {"OpenAICalls": Value(100, grows=True), "OpenAIFailures": Value(0)},
                "openai-slow": {"OpenAISeconds": Value(2.0)},
            },
            minutes=4,
        ),
    ),
    _one("openai-breaker-open", {"OpenAIBreakerOpen": Value(1)}, because=_NO_KEY, after=("openai-degraded",),
         good={"OpenAIBreakerOpen": Value(0)}),
    _one("openai-limits-reached", {"OpenAIWaits": Value(900)}, because=_NO_KEY, good={"OpenAIWaits": Value(0)}),
    _one("openai-spend-day", {"OpenAISpentToday": Value(1e5)}, because=_NO_KEY, good={"OpenAISpentToday": Value(0)}),
    _one("openai-spend-month", {"OpenAISpentThisMonth": Value(1e7)}, because=_NO_KEY,
         good={"OpenAISpentThisMonth": Value(0)}),
    _one("openai-cost-per-receipt", {"OpenAICost": Value(100), "ExtractionSeconds": Value(3, 50)}, because=_NO_KEY,
         good={"OpenAICost": Value(0), "ExtractionSeconds": Value(3, 50)}),
)  # fmt: skip

_COST = (
    _one("nat-bytes", {"BytesOutToDestination": Value(1e14), "BytesInFromDestination": Value(1e14)},
         because=_NOT_THERE, good={"BytesOutToDestination": Value(1), "BytesInFromDestination": Value(1)}),
    _one("data-transfer", {"ProcessedBytes": Value(1e15)}, because="it would take terabytes",
         good={"ProcessedBytes": Value(1)}),
    _one("log-ingestion", {"IncomingBytes": Value(1e15)}, because="it would take terabytes",
         good={"IncomingBytes": Value(1)}),
)  # fmt: skip

_PLANNED = (
    _one("maintenance", {"Maintenance": Value(1)}, because="one value is how it is said; dated so that it ends soon",
         brings=("known-cause",), after=("failover",)),
)  # fmt: skip

FED = (*_WEB, *_READING, *_TASKS, *_SERVERS, *_COPIES, *_OPENAI, *_COST, *_PLANNED)
