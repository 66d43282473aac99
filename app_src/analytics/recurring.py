"""Expenses that come again and again: the same merchant, much the same amount, week by week, month by month, yearly."""

from __future__ import annotations

import enum
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from analytics.counted import counted
from analytics.months import after

LEAST = 3
"""Occurrences that make a habit."""

SPREAD = Decimal("0.1")
"""By how much of the smallest the others may exceed it: prices rise, and a phone bill is never the same."""

MEMORY = timedelta(days=5 * 366)
"""How far back is looked; three yearly payments lie within two years and a bit."""


class Interval(enum.StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


_TOLERANCE = {Interval.WEEKLY: 1, Interval.MONTHLY: 4, Interval.YEARLY: 15}
"""Days by which one may come early or late: weekends, bank holidays, the day the receipt was printed."""


@dataclass(frozen=True, kw_only=True)
class Payment:
    merchant: str
    currency: str
    on: date
    amount: Decimal


def recurring(*, user_id: UUID, today: date) -> dict[str, list[dict[str, Any]]]:
    """Every recurring expense, those that are expected next first, lapsed ones last.

    `active` is false when the next one is overdue by more than its interval's tolerance.
    """
    rows = (
        counted(user_id, since=today - MEMORY, until=today)
        .exclude(merchant="")
        .filter(total__gt=0)
        .values_list("merchant", "currency", "purchased_on", "total")
    )
    payments = [Payment(merchant=m, currency=c, on=on, amount=total) for m, c, on, total in rows]
    found = [_described(series, interval, today) for series, interval in find(payments)]
    found.sort(key=lambda row: (not row["active"], row["next_expected_on"], row["merchant"], row["currency"]))
    return {"results": found}


def find(payments: Iterable[Payment]) -> Iterator[tuple[list[Payment], Interval]]:
    """Runs of at least LEAST payments at regular intervals, each up to the last payment of its merchant and amount."""
    by_merchant: dict[tuple[str, str], list[Payment]] = defaultdict(list)
    for payment in payments:
        by_merchant[" ".join(payment.merchant.casefold().split()), payment.currency].append(payment)
    for of_merchant in by_merchant.values():
        for alike in _alike(of_merchant):
            # Two on one day are two people's lunch, or one receipt twice: either way one day.
            days = list({payment.on: payment for payment in alike}.values())
            days.sort(key=lambda payment: payment.on)
            for interval in Interval:
                run = _run(days, interval)
                if len(run) >= LEAST:
                    yield run, interval
                    break


def _alike(payments: list[Payment]) -> Iterator[list[Payment]]:
    """Groups of similar amounts, from the smallest up."""
    group: list[Payment] = []
    for payment in sorted(payments, key=lambda payment: (payment.amount, payment.on)):
        if group and payment.amount > group[0].amount * (1 + SPREAD):
            yield group
            group = []
        group.append(payment)
    if group:
        yield group


def _run(days: Sequence[Payment], interval: Interval) -> list[Payment]:
    """The longest run of regular payments that ends with the last one."""
    run = [days[-1]]
    tolerance = timedelta(days=_TOLERANCE[interval])
    for earlier in reversed(days[:-1]):
        if abs(_next(earlier.on, interval) - run[-1].on) > tolerance:
            break
        run.append(earlier)
    return run[::-1]


def _next(day: date, interval: Interval) -> date:
    if interval is Interval.WEEKLY:
        return day + timedelta(days=7)
    return after(day, 1 if interval is Interval.MONTHLY else 12)


def _expected(run: Sequence[Payment], interval: Interval) -> date:
    """One interval after the last, on the usual day of the month: what was paid on 28 February is due on the 31st."""
    due = _next(run[-1].on, interval)
    if interval is Interval.WEEKLY:
        return due
    usual = statistics.median_high([payment.on.day for payment in run])
    return min((after(due, months, on=usual) for months in (-1, 0, 1)), key=lambda day: abs(day - due))


def _described(run: list[Payment], interval: Interval, today: date) -> dict[str, Any]:
    last = run[-1]
    expected = _expected(run, interval)
    return {
        "merchant": last.merchant,
        "currency": last.currency,
        "interval": interval.value,
        "amount": statistics.median_high([payment.amount for payment in run]),
        "last_amount": last.amount,
        "occurrences": len(run),
        "first_on": run[0].on,
        "last_on": last.on,
        "next_expected_on": expected,
        "active": today <= expected + timedelta(days=_TOLERANCE[interval]),
    }
