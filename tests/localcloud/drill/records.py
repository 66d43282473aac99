"""Drills as they might have been, made by hand: one in which everything held, to be changed by each test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localcloud.drill.alarms.fault import Fault, Together
from localcloud.drill.alarms.record import Attempt, Record
from localcloud.drill.deployed import Alarm
from localcloud.drill.history import Change
from localcloud.drill.inbox import Message

BEGAN = 1_795_860_000.0
RUNBOOK = "https://example.com/runbooks/database-outage.md"


def alarm(title: str, *, severity: str = "P0", spoken: bool = True, **changed: Any) -> Alarm:
    facts = {"severity": severity, "owner": "platform", "runbook": RUNBOOK, "dashboard": "https://example.com"}
    actions = [f"arn:aws:sns:us-east-1:000000000000:{severity}"] if spoken else []
    made = Alarm(
        name=f"SpendSmart-Prod-{title}",
        title=title,
        facts=facts,
        composite=False,
        state="OK",
        record={"AlarmActions": actions},
    )
    return replace(made, **changed)


def message(title: str, state: str, *, at: float, severity: str = "P0", topic: str = "", text: str = "") -> Message:
    said = f"since      now\nthreshold  >= 1\nowner      platform\nrunbook    {RUNBOOK}\ndashboard  https://example.com"
    return Message(
        at=BEGAN + at,
        topic=topic or severity,
        subject="",
        text=text or said,
        severity=severity,
        state=state,
        alarm=title,
    )


def change(title: str, state: str, *, at: float) -> Change:
    return Change(at=BEGAN + at, alarm=title, state=state)


OUTAGE = Fault(
    name="database-gone",
    says="the writer is killed",
    how="real",
    fires=("database-unreachable", "database-outage"),
    brings=("web-errors",),
    pages="database-outage",
    breakage=Together([]),
)


def outage(**changed: Any) -> Record:
    """The database is gone from second 0 to 200; its composite alarm speaks for it."""
    alarms = [
        alarm("database-unreachable", spoken=False),
        alarm("database-outage"),
        alarm("web-errors", spoken=False),
        alarm("cache-cpu", severity="P1"),
    ]
    record = Record(
        env="prod",
        began=BEGAN,
        ended=BEGAN + 400,
        alarms={one.title: one for one in alarms},
        attempts=(Attempt(fault=OUTAGE, begun=BEGAN, mended=BEGAN + 200, ended=BEGAN + 300),),
        changes=(
            change("database-unreachable", "ALARM", at=120),
            change("database-outage", "ALARM", at=121),
            change("web-errors", "ALARM", at=180),
            change("database-unreachable", "OK", at=260),
            change("database-outage", "OK", at=261),
            change("web-errors", "OK", at=290),
        ),
        messages=(
            message("database-outage", "ALARM", at=124),
            message("database-outage", "over", at=264),
        ),
    )
    return replace(record, **changed)
