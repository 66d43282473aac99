"""`make drill NAME=calm`: normal load for a while, in which no alarm may turn red."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from localcloud import aws, commands, outputs
from localcloud.console import LocalCloudError, Steps
from localcloud.drill import deployed
from localcloud.drill.deployed import Alarm
from localcloud.drill.history import Change, History
from localcloud.drill.plan import Plan
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import Row, Table, as_text
from localcloud.rollout.load.answers import percentile
from localcloud.rollout.load.traffic import Traffic

PATIENCE = 600.0
"""Seconds that alarms of what was before have to be over."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What was asked of the platform, and the highest load average (over a minute) of this machine meanwhile."""

    requests: int
    failed: int
    p95_seconds: float | None
    machine: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`nearest` has the value of each alarm that came nearest to its threshold, where it had any."""

    alarms: Mapping[str, Alarm]
    changes: Sequence[Change]
    nearest: Mapping[str, float]
    load: Load
    minutes: float

    def red(self, title: str) -> int:
        """How often an alarm turned red."""
        return sum(change.alarm == title and change.state == "ALARM" for change in self.changes)

    @property
    def spoke(self) -> list[str]:
        """Alarms that turned red. Those of scaling policies do so whenever there is little or much to do."""
        return [title for title, alarm in self.alarms.items() if self.red(title) and not alarm.scales]

    @property
    def ok(self) -> bool:
        return not self.spoke and bool(self.alarms) and self.load.requests > 0


def run(plan: Plan) -> int:
    """0 when no alarm spoke. Raises LocalCloudError when there cannot be a calm run."""
    env = commands.up_if_down(env=plan.env)
    region = outputs.find("ClusterName").region
    with Steps().step("no alarm is red"):
        wait_until_quiet(region)
    outcome = _watch(plan, region)
    tables = [table(outcome)]
    print(as_text(tables[0]))
    page = files.write(
        plan.output / "calm",
        title=f"A calm run of {env}",
        tables=tables,
        summary=as_json(outcome, env=env),
        look=Look(guide="docs/alarm-drills.md"),
    )
    print(f"\n{_said(outcome)}\nthe report: {page}")
    return 0 if outcome.ok else 1


def wait_until_quiet(region: str) -> None:
    """Wait until nothing is red, and nothing that turns red without data is without data, as on a young platform.

    Raises LocalCloudError when that is not so after the patience.
    """
    deadline = time.monotonic() + PATIENCE
    while restless := [alarm.title for alarm in deployed.alarms(region).values() if _is_restless(alarm)]:
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"still red, or without data: {', '.join(restless)}",
                remedy="see why (docs/local-alarms.md), or wait, and run this again",
            )
        time.sleep(2)


def _is_restless(alarm: Alarm) -> bool:
    waits = alarm.state == "INSUFFICIENT_DATA" and alarm.record.get("TreatMissingData") == "breaching"
    return not alarm.scales and (alarm.state == "ALARM" or waits)


def _watch(plan: Plan, region: str) -> Outcome:
    traffic = Traffic(url=commands.web_url(), rate=plan.rate)
    began, machine = datetime.now(UTC), 0.0
    with History(region) as history:
        traffic.start()
        try:
            deadline = time.monotonic() + 60 * plan.minutes
            while time.monotonic() < deadline:
                time.sleep(min(60.0, max(0.0, deadline - time.monotonic())))
                machine = max(machine, os.getloadavg()[0])
                print(_line(traffic, history, began), flush=True)
            traffic.stop()
        finally:
            traffic.close()
    alarms = deployed.alarms(region)
    answers = traffic.answers
    return Outcome(
        alarms=alarms,
        changes=history.changes(),
        nearest=dict(_nearest(alarms.values(), region, began)),
        load=Load(
            requests=len(answers),
            failed=sum(not answer.good for answer in answers),
            p95_seconds=percentile([answer.seconds for answer in answers], 0.95),
            machine=machine,
        ),
        minutes=plan.minutes,
    )


def _line(traffic: Traffic, history: History, began: datetime) -> str:
    red = [change.alarm for change in history.changes() if change.state == "ALARM"]
    minutes = (datetime.now(UTC) - began).total_seconds() / 60
    failed = sum(not answer.good for answer in traffic.answers)
    told = f"turned red so far: {', '.join(red)}" if red else "nothing turned red"
    load = os.getloadavg()[0]
    return f"{minutes:5.0f} min  {len(traffic.answers):5} requests, {failed} failed  machine {load:4.1f}  {told}"


def _nearest(alarms: Sequence[Alarm] | Any, region: str, began: datetime) -> Iterator[tuple[str, float]]:
    cloudwatch = aws.client("cloudwatch", region)
    for alarm in alarms:
        if alarm.composite:
            continue
        try:
            results = cloudwatch.get_metric_data(
                MetricDataQueries=alarm.queries, StartTime=began, EndTime=datetime.now(UTC)
            )["MetricDataResults"]
        except ClientError:
            continue  # the table shows a dash
        values = [value for result in results[:1] for value in result["Values"]]
        if values:
            low = alarm.record["ComparisonOperator"].startswith("Less")
            yield alarm.title, min(values) if low else max(values)


def table(outcome: Outcome) -> Table:
    """A line for each alarm that people or rollouts hear of."""
    rows = [
        Row(
            cells=(
                alarm.title,
                alarm.severity or "rollouts",
                str(outcome.red(title)),
                _figure(outcome.nearest.get(title)),
                _figure(alarm.record.get("Threshold")),
                alarm.state,
            ),
            ok=not outcome.red(title),
        )
        for title, alarm in sorted(outcome.alarms.items(), key=lambda one: (one[1].severity or "P9", one[0]))
        if not alarm.scales
    ]
    columns = ("alarm", "severity", "turned red", "nearest value", "threshold", "state at the end")
    return Table(title=f"{outcome.minutes:g} minutes of normal load", columns=columns, rows=tuple(rows))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1e6 else f"{value:.1e}"


def as_json(outcome: Outcome, *, env: str) -> dict[str, Any]:
    """The content of summary.json (docs/alarm-drills.md says what its keys mean)."""
    return {
        "ok": outcome.ok,
        "environment": env,
        "minutes": outcome.minutes,
        "requests": outcome.load.requests,
        "failed": outcome.load.failed,
        "p95_seconds": outcome.load.p95_seconds,
        "machine_load": outcome.load.machine,
        "alarms": sum(not alarm.scales for alarm in outcome.alarms.values()),
        "turned_red": {title: outcome.red(title) for title in outcome.spoke},
        "nearest": dict(outcome.nearest),
    }


def _said(outcome: Outcome) -> str:
    load = outcome.load
    p95 = f"{load.p95_seconds:.2f} s" if load.p95_seconds is not None else "unknown"
    told = f"turned red: {', '.join(outcome.spoke)}" if outcome.spoke else "no alarm turned red"
    return (
        f"{told}; {load.requests} requests, {load.failed} failed, p95 {p95}; "
        f"the machine's load average was {load.machine:.1f} at most"
    )
