"""`make drill NAME=overload`: what is served at most, then ten times the usual load, and what becomes of everybody."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import httpx2

from localcloud import commands, demo
from localcloud.console import Steps
from localcloud.drill.overload.flood import Answers, Flood
from localcloud.drill.overload.judge import Overload, People, recovery
from localcloud.drill.plan import Plan
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import Row, Table, as_text
from localcloud.rollout.load.answers import percentile
from localcloud.rollout.load.traffic import Traffic

ACCOUNTS = 20
"""Of the flood: each has quotas of its own, which one alone would reach before the platform is busy."""

CONNECTIONS = 1000
"""Of the flood: as each waits for its answer, up to 2 s, so many can ask 500 times a second."""

PROBE_SECONDS, BEFORE_SECONDS, FLOOD_SECONDS, AFTER_SECONDS = 8.0, 20.0, 40.0, 45.0
USUAL_SHARE = 0.25
"""Of what can be served, the usual load: ten times as much is two and a half times what can be served."""

TIMES = 10


def run(plan: Plan) -> int:
    """0 when everything held."""
    env = commands.up_if_down(env=plan.env)
    steps = Steps()
    url = commands.web_url()
    with steps.step("register the accounts of the flood"):
        requests = _requests(url)
    with steps.step("what is served at most"):
        probe = Flood(url, requests, connections=16).run(seconds=PROBE_SECONDS)
        capacity = probe.good / PROBE_SECONDS
    rate = max(1.0, capacity * USUAL_SHARE)
    outcome = _overload(url, requests, capacity=capacity, rate=rate)
    table = _table(outcome)
    print(as_text(table))
    faults = list(outcome.faults())
    for fault in faults:
        print(f"FAILED  {fault}")
    page = files.write(
        plan.output / "overload",
        title=f"Overload of {env}",
        tables=[table],
        summary=as_json(outcome, env=env),
        look=Look(guide="docs/backpressure.md"),
    )
    print(f"the report: {page}")
    return 1 if faults else 0


def _overload(url: str, requests: Sequence[bytes], *, capacity: float, rate: float) -> Overload:
    # People do more than the flood does for each request, and a picture takes seconds to read: a tenth of the load.
    people = Traffic(url=url, rate=max(1.0, min(4.0, rate / 10)))
    people.start()
    try:
        time.sleep(BEFORE_SECONDS)
        began = time.time()
        flood = Flood(url, requests, connections=CONNECTIONS)
        answers = flood.run(seconds=FLOOD_SECONDS, rate=TIMES * rate)
        ended = time.time()
        time.sleep(AFTER_SECONDS)
        people.stop()
        people.reconcile()
    finally:
        people.close()
    told = people.answers
    return Overload(
        capacity=capacity,
        rate=rate,
        meant=TIMES * rate,
        offered=answers.total / (ended - began),
        before=People.of([answer for answer in told if answer.ended < began]),
        during=People.of([answer for answer in told if began <= answer.at < ended]),
        flood=answers,
        recovery=recovery(told, ended=ended),
        receipts=Counter(people.ledger.counts()),
        unread=len(people.ledger.unread()),
    )


def _requests(url: str) -> list[bytes]:
    """What the flood sends: lists, spending, and announcements of pictures that never come."""
    host = url.split("://", 1)[1]
    made = []
    with httpx2.Client(base_url=url, verify=demo.trust(), timeout=30) as http:
        for _ in range(ACCOUNTS):
            login = {"email": f"flood-{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(18)}
            http.post("/api/v1/auth/register/", json=login).raise_for_status()
            token = http.post("/api/v1/auth/login/", json=login).raise_for_status().json()["access"]
            head = f"Host: {host}\r\nAuthorization: Bearer {token}\r\n"
            body = '{"content_type": "image/png", "size": 1000}'
            announcement = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            made += [
                f"GET /api/v1/receipts/ HTTP/1.1\r\n{head}\r\n".encode(),
                f"GET /api/v1/analytics/month/ HTTP/1.1\r\n{head}\r\n".encode(),
                f"GET /api/v1/receipts/?page_size=100 HTTP/1.1\r\n{head}\r\n".encode(),
                f"POST /api/v1/receipts/ HTTP/1.1\r\n{announcement}".encode(),
            ]
    return made


def _table(outcome: Overload) -> Table:
    columns = ("who", "requests", "served", "told to come back", "otherwise", "p50", "p95")
    rows = [
        _row("people, before", outcome.before),
        _row("people, during", outcome.during),
        Row(
            cells=(
                f"the flood, {outcome.offered:.0f}/s",
                str(outcome.flood.total),
                str(outcome.flood.good),
                str(outcome.flood.later),
                str(outcome.flood.rude),
                _seconds(percentile(outcome.flood.seconds, 0.5)),
                _seconds(percentile(outcome.flood.seconds, 0.95)),
            ),
            ok=not outcome.flood.statuses[500],
        ),
    ]
    took = "never" if outcome.recovery is None else f"{outcome.recovery:.1f} s"
    title = (
        f"{outcome.capacity:.0f} requests a second can be served, {outcome.rate:.0f} are usual; ten times as many for "
        f"{FLOOD_SECONDS:.0f} s; recovered after {took}; {sum(outcome.receipts.values())} receipts acknowledged, "
        f"{outcome.unread} lost"
    )
    return Table(title=title, columns=columns, rows=tuple(rows))


def _row(who: str, people: People) -> Row:
    figures = (people.requests, people.served, people.refused, people.failed)
    return Row(cells=(who, *map(str, figures), _seconds(people.p50), _seconds(people.p95)))


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def as_json(outcome: Overload, *, env: str) -> dict[str, Any]:
    """The content of summary.json (docs/backpressure.md says what its keys mean)."""
    faults = list(outcome.faults())
    return {
        "ok": not faults,
        "environment": env,
        "faults": faults,
        "capacity_per_second": outcome.capacity,
        "usual_per_second": outcome.rate,
        "meant_per_second": outcome.meant,
        "offered_per_second": outcome.offered,
        "flood": _answers(outcome.flood),
        "people_before": asdict(outcome.before),
        "people_during": asdict(outcome.during),
        "recovery_seconds": outcome.recovery,
        "receipts": dict(outcome.receipts),
        "receipts_lost": outcome.unread,
    }


def _answers(flood: Answers) -> dict[str, Any]:
    return {
        "requests": flood.total,
        "statuses": {str(status): count for status, count in sorted(flood.statuses.items())},
        "told_to_come_back": flood.later,
        "without_an_answer": dict(flood.lost),
    }
