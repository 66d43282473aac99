"""500 receipts of five people through real workers and an OpenAI that fails in every way it can.

Recognizing 500 pictures takes two workers more than half an hour, so their text is kept beforehand, as it is for any
picture that was read before; a few pictures are recognized for good. Everything else is real: uploads in S3, messages
in the broker, workers in processes of their own, PostgreSQL, Valkey, and OpenAI's protocol over HTTP.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone
from receipt_images import draw, encode, mark, mark_of
from support import receipt, written
from workers import until, worker

from localcloud import openai_server as api
from openai_gateway import breaker, ledger
from openai_gateway.models import Call, CallState, Day
from receipts import readings, rereading, tasks
from receipts.models import Reading, Receipt
from receipts.states import FINAL, READ, State

RECEIPTS = 500
RECOGNIZED = 2
"""Pictures whose text is not kept beforehand."""

RATE = 180
"""Requests a minute: the storm takes several windows of it."""

OUTAGE_AFTER = 15
"""Requests; from then on all fail, until the breaker is open."""

PEOPLE = (300, 80, 60, 50, 10)
"""Receipts of each: one has most of them."""

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bucket"),
    pytest.mark.timeout(900),
]


def total_of(number: int) -> Decimal:
    return (Decimal(1000 + number * 7) / 100).quantize(Decimal("0.01"))


def rows_of(number: int) -> list[tuple[str, str]]:
    total = total_of(number)
    return [
        ("HARBOR STREET DINER", ""), ("1210 Harbor Street", ""), ("Date: 03/14/2026 12:47", ""),
        ("Club Sandwich", f"${total - 4}"), ("Lemonade", "$4.00"), ("Total", f"${total}"), ("VISA", f"${total}"),
    ]  # fmt: skip


def fields_of(number: int) -> bytes:
    total = total_of(number)
    items = [
        {"description": name, "quantity": "1", "unit_price": None, "price": str(price)}
        for name, price in (("Club Sandwich", total - 4), ("Lemonade", Decimal("4.00")))
    ]
    return api.fields(
        merchant="HARBOR STREET DINER", subtotal=None, tax=None, tax_lines=[], total=str(total), items=items
    )


class Storm:
    """What OpenAI answers: mostly well, else one of its ways to fail, by the same dice each time."""

    def __init__(self) -> None:
        self.dice = random.Random(20261128)  # noqa: S311 - a repeatable storm, no secret
        self.counter = itertools.count()
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.outage_is_over = False
        self.calm = False

    def __call__(self, request: api.Received) -> api.Reply:
        with self.lock:
            number, throw = next(self.counter), self.dice.random()
            outage = number >= OUTAGE_AFTER and not self.outage_is_over
            fault = "outage" if outage else self.fault(throw)
            self.seen[fault] += 1
        return self.reply(fault, fields_of(mark_of(request.picture)))

    def fault(self, throw: float) -> str:
        if self.calm:
            return "none"
        chances = {"429": 0.03, "500": 0.03, "503": 0.02, "reset": 0.01, "cut off": 0.01, "truncated": 0.01,
                   "HTML": 0.01, "drip": 0.01, "refusal": 0.01, "incomplete": 0.01, "prose": 0.01}  # fmt: skip
        for name, chance in chances.items():
            throw -= chance
            if throw < 0:
                return name
        return "none"

    def reply(self, fault: str, body: bytes) -> api.Reply:
        error = b'{"error": {"message": "busy", "type": "server_error", "code": "x"}}'
        replies: dict[str, dict[str, Any]] = {
            "429": {"status": 429, "body": error, "headers": {"Retry-After": "1"}},
            "500": {"status": 500, "body": error},
            "outage": {"status": 500, "body": error},
            "503": {"status": 503, "body": error, "headers": {"Retry-After": "1"}},
            "reset": {"body": body, "billed": True, "delay_seconds": 2.0, "cut_after": 0},
            "cut off": {"body": body, "billed": True, "cut_after": 200},
            "truncated": {"body": body, "billed": True, "pretend": body[:-40]},
            "HTML": {"body": body, "billed": True, "pretend": b"<html>bad gateway</html>"},
            "drip": {"body": body, "billed": True, "drip_seconds": 0.2},
            "refusal": {"body": api.answer({"type": "refusal", "refusal": "No."}), "billed": True},
            "incomplete": {"body": api.answer(api.text("{"), status="incomplete"), "billed": True},
            "prose": {"body": api.answer(api.text("Sure! Here you are.")), "billed": True},
            "none": {"body": body, "billed": True, "delay_seconds": 0.02},
        }
        return api.Reply(**replies[fault])


LOST = ("reset", "cut off", "truncated", "HTML")
USELESS = ("refusal", "incomplete", "prose")


def send_all(make_user: Any) -> list[Receipt]:
    """Uploaded, and their text kept, but for the last few."""
    made = []
    owners = [make_user(f"person{number}@example.com") for number in range(len(PEOPLE))]
    numbers = itertools.count()
    for owner, many in zip(owners, PEOPLE, strict=True):
        for number in itertools.islice(numbers, many):
            picture = mark(draw(rows_of(number), size=24, width=560), number)
            image = encode(picture, quality=80)
            made.append(receipt(owner, state=State.UPLOADED, body=image))
            if number < RECEIPTS - RECOGNIZED:
                Reading.objects.create(
                    content_sha256=readings.digest_of(image), engine=readings.PAGE,
                    extraction=written(rows_of(number)).to_json(),
                )  # fmt: skip
    return made


def test_a_storm(make_user: Any, settings: Any, tmp_path: Path) -> None:
    storm = Storm()
    with api.serve() as server:
        server.respond = storm
        variables = {
            "EXTRACTION_ENGINE": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url,
            "OPENAI_REQUESTS_PER_MINUTE": str(RATE), "OPENAI_TOKENS_PER_MINUTE": "100000000",
            "OPENAI_ESCALATION_PERCENT": "0", "OPENAI_DAILY_BUDGET_USD": "100",
        }  # fmt: skip
        settings.EXTRACTION_ENGINE = "openai"
        made = send_all(make_user)
        with worker(tmp_path, "one", **variables) as one, worker(tmp_path, "two", **variables) as two:
            for each in made:
                tasks.enqueue(each.id, source=State.UPLOADED)

            def all_read() -> bool:
                storm.outage_is_over |= breaker.state() == "open"
                tasks.wake()
                tasks.sweep()
                return not Receipt.objects.exclude(state__in=FINAL).exists()

            until(all_read, patience=400, every=1.0, among=(one, two))
            assert storm.seen["outage"] and Receipt.objects.filter(fallback="breaker_open").exists()

            # A quarter of an hour later OpenAI is well, and reads what was read here meanwhile.
            storm.calm = True
            Receipt.objects.filter(reread_at__isnull=False).update(reread_at=timezone.now())

            def all_reread() -> bool:
                claimed = timezone.now() + rereading.LEASE + timedelta(minutes=1)
                Receipt.objects.filter(reread_at__gt=claimed).update(reread_at=timezone.now())
                tasks.sweep()
                return not Receipt.objects.filter(reread_at__isnull=False).exists()

            until(all_reread, patience=400, every=1.0, among=(one, two))

    waits = sum(log.read_text().count('"OpenAIWaits"') for log in (one.log, two.log)) // 2
    print("storm:", dict(storm.seen), "waits:", waits, "busiest minute:", server.busiest(), "of", RATE)
    check_receipts(storm)
    check_bill(server, storm)
    assert server.busiest() <= RATE
    assert waits  # or the limit was never reached


def check_receipts(storm: Storm) -> None:
    """Each is in a final state, and right, or marked for a person."""
    assert Receipt.objects.filter(state__in=READ).count() == RECEIPTS
    by_fallback = Counter(Receipt.objects.values_list("fallback", flat=True))
    assert by_fallback["in_doubt"] == sum(storm.seen[fault] for fault in LOST)
    assert by_fallback["unusable_answer"] == sum(storm.seen[fault] for fault in USELESS)
    assert by_fallback.keys() <= {"", "in_doubt", "unusable_answer"}
    for made in Receipt.objects.all():
        assert (made.engine, made.fallback == "") in (("openai", True), ("local", False)), made.id
        assert made.state == (State.NEEDS_REVIEW if made.fallback else State.EXTRACTED), made.reason
    # Whatever happened on the way, the totals are those that were printed.
    printed = Counter(total_of(number) for number in range(RECEIPTS))
    assert Counter(Receipt.objects.values_list("total", flat=True)) == printed


def check_bill(server: api.OpenAIServer, storm: Storm) -> None:
    """The ledger is the server's bill: to the token where we saw it, call by call where we did not."""
    costly = Call.objects.exclude(state=CallState.FREE)
    assert {str(call.id) for call in costly} == server.bill.keys()
    assert not costly.filter(state=CallState.SENT).exists()
    assert costly.filter(state=CallState.IN_DOUBT).count() == sum(storm.seen[fault] for fault in LOST)
    # One billed call for each receipt, and not one more.
    assert len(server.bill) == RECEIPTS
    assert not costly.values("receipt").annotate(many=Count("id")).filter(many__gt=1).exists()
    dollars = Decimal(0)
    for call in costly.filter(state=CallState.BILLED):
        usage = server.bill[str(call.id)]
        cached = usage["input_tokens_details"]["cached_tokens"]
        plain = usage["input_tokens"] - cached
        price = (plain * Decimal("0.10") + cached * Decimal("0.01") + usage["output_tokens"] * Decimal("0.50")) / 10**6
        assert call.price == price
        dollars += price
    for call in costly.filter(state=CallState.IN_DOUBT):
        assert call.price >= Decimal("0.000265")  # what the server bills for each of them
        dollars += call.price
    assert sum(day.spent for day in Day.objects.all()) == dollars
    assert all(day.spent == ledger.spent_on(day.day) for day in Day.objects.all())
