"""Whether each alarm did what it must. Pure functions of a drill's record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcloud import layout
from localcloud.drill.alarms.record import Attempt, Record
from localcloud.drill.deployed import Alarm
from localcloud.drill.inbox import SEVERITIES, Message

RUNBOOKS = layout.REPOSITORY / "docs" / "runbooks"

AFTERWARDS = 120.0
"""Seconds for which alarms may still turn red by a fault that is over: periods end, and are looked at, later."""

_LINES = ("since", "threshold", "owner", "runbook", "dashboard")
"""What every message has a line of."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An alarm and its fault. Seconds: from the fault until red, from red until the message, from mending until over;
    None for what did not come. `wrong` says what did not hold."""

    alarm: Alarm
    attempt: Attempt
    fires: float | None
    told: float | None
    clears: float | None
    wrong: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FalseAlarm:
    """An alarm that turned red though no fault of the time explains it; `beside` are the faults of the time."""

    alarm: str
    at: float
    beside: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What was paged while a fault lasted that may page once, and how many alarms of P0 were red meanwhile."""

    attempt: Attempt
    messages: tuple[str, ...]
    red: tuple[str, ...]

    @property
    def once(self) -> bool:
        return self.messages == (self.attempt.fault.pages,)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    findings: tuple[Finding, ...]
    false_alarms: tuple[FalseAlarm, ...]
    pages: tuple[Pages, ...]
    undrilled: tuple[str, ...]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        held = all(not finding.wrong for finding in self.findings) and all(page.once for page in self.pages)
        whole = not self.undrilled and not self.interrupted
        return bool(self.findings) and held and whole and not self.false_alarms


def judge(record: Record, *, runbooks: Path = RUNBOOKS, complete: bool = True) -> Verdict:
    """`complete`: every alarm that is deployed must have been drilled."""
    findings = tuple(_findings(record, runbooks))
    drilled = {finding.alarm.title for finding in findings}
    return Verdict(
        findings=findings,
        false_alarms=tuple(_false_alarms(record)),
        pages=tuple(_pages(record, attempt) for attempt in record.attempts if attempt.fault.pages),
        undrilled=tuple(sorted(record.alarms.keys() - drilled)) if complete and not record.interrupted else (),
        interrupted=record.interrupted,
    )


def _findings(record: Record, runbooks: Path) -> Iterator[Finding]:
    for attempt in record.attempts:
        for title in attempt.fault.fires:
            if title in record.alarms:
                yield _fired(record, attempt, record.alarms[title], runbooks)
        for title in attempt.fault.clears:
            if title in record.alarms:
                yield _cleared(record, attempt, record.alarms[title])


def _fired(record: Record, attempt: Attempt, alarm: Alarm, runbooks: Path) -> Finding:
    changes = [c for c in record.changes if c.alarm == alarm.title and c.at >= attempt.begun]
    red = next((c.at for c in changes if c.state == "ALARM"), None)
    over = next((c.at for c in changes if red is not None and c.at > red and c.state != "ALARM"), None)
    told = _told(record, alarm, "ALARM", attempt)
    wrong = [attempt.error] if attempt.error else []
    wrong += ["did not fire"] if red is None else ["did not clear"] if over is None else []
    if not alarm.scales and not alarm.title.startswith("rollout-"):
        wrong += _described_badly(alarm, runbooks)
    if alarm.topics and red is not None:
        wrong += _told_badly(record, alarm, attempt, over=over)
    elif any(message.alarm == alarm.title for message in record.messages):
        wrong.append("spoke, though a composite alarm speaks for it")
    if alarm.scales and red is not None and alarm.title not in record.acted:
        wrong.append("its scaling policy was not carried out")
    return Finding(
        alarm=alarm,
        attempt=attempt,
        fires=None if red is None else red - attempt.begun,
        told=None if red is None or told is None else told.at - red,
        clears=None if over is None or attempt.mended is None else max(0.0, over - attempt.mended),
        wrong=tuple(wrong),
    )


def _cleared(record: Record, attempt: Attempt, alarm: Alarm) -> Finding:
    """An alarm that is red in calm times: over by the fault, and red again after it."""
    changes = [c for c in record.changes if c.alarm == alarm.title and c.at >= attempt.begun]
    over = next((c.at for c in changes if c.state != "ALARM"), None)
    red = next((c.at for c in changes if over is not None and c.at > over and c.state == "ALARM"), None)
    wrong = ["was not over meanwhile"] if over is None else ["did not turn red again"] if red is None else []
    return Finding(
        alarm=alarm,
        attempt=attempt,
        fires=None if red is None or attempt.mended is None else max(0.0, red - attempt.mended),
        told=None,
        clears=None if over is None else over - attempt.begun,
        wrong=tuple(wrong),
    )


def _told(record: Record, alarm: Alarm, state: str, attempt: Attempt) -> Message | None:
    found = (m for m in record.messages if (m.alarm, m.state) == (alarm.title, state) and m.at >= attempt.begun)
    return next(found, None)


def _described_badly(alarm: Alarm, runbooks: Path) -> Iterator[str]:
    if alarm.severity not in SEVERITIES:
        yield "has no severity"
    page = alarm.facts.get("runbook", "").rsplit("/", 1)[-1]
    if not page or not (runbooks / page).exists():
        yield f"there is no runbook {page}"


def _told_badly(record: Record, alarm: Alarm, attempt: Attempt, *, over: float | None) -> Iterator[str]:
    red = _told(record, alarm, "ALARM", attempt)
    if red is None:
        yield "nobody was told"
        return
    if {red.topic, red.severity} != {alarm.severity}:
        yield f"is {alarm.severity}, and was told as {red.severity} to the readers of {red.topic}"
    if missing := [name for name in _LINES if not re.search(rf"^{name} +\S", red.text, flags=re.M)]:
        yield f"its message has no {', '.join(missing)}"
    if alarm.facts.get("runbook", "?") not in red.text:
        yield "its message has another runbook"
    again = [m for m in record.messages if (m.alarm, m.state) == (alarm.title, "ALARM") and m.at >= attempt.begun]
    times = [c for c in record.changes if c.alarm == alarm.title and c.state == "ALARM" and c.at >= attempt.begun]
    if len(again) > len(times):
        yield f"{len(again)} messages for {len(times)} times red"
    if over is not None and _told(record, alarm, "over", attempt) is None:
        yield "nobody was told that it is over"


def _false_alarms(record: Record) -> Iterator[FalseAlarm]:
    for change in record.changes:
        alarm = record.alarms.get(change.alarm)
        if change.state != "ALARM" or alarm is None or alarm.scales:
            continue
        beside = [a for a in record.attempts if a.begun <= change.at <= (a.ended or record.ended) + AFTERWARDS]
        if not any(change.alarm in _expected(record, attempt) for attempt in beside):
            yield FalseAlarm(alarm=change.alarm, at=change.at, beside=tuple(a.fault.name for a in beside))


def _expected(record: Record, attempt: Attempt) -> set[str]:
    """What a fault may make red. The alarm over all that page is red with each of them."""
    titles = {*attempt.fault.fires, *attempt.fault.brings}
    pages = any(record.alarms[title].severity == "P0" for title in titles & record.alarms.keys())
    return titles | ({"P0"} if pages else set())


def _pages(record: Record, attempt: Attempt) -> Pages:
    until = (attempt.ended or record.ended) + AFTERWARDS
    told = [m for m in record.messages if m.topic == "P0" and m.state == "ALARM" and attempt.begun <= m.at <= until]
    red = {c.alarm for c in record.changes if c.state == "ALARM" and attempt.begun <= c.at <= until}
    paging = sorted(title for title in red if title in record.alarms and record.alarms[title].severity == "P0")
    return Pages(attempt=attempt, messages=tuple(m.alarm for m in told), red=tuple(paging))
