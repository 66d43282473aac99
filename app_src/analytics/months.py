"""Calendar months, by their first days."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta


def today() -> date:
    return datetime.now(tz=UTC).date()


def month_of(day: date) -> date:
    return day.replace(day=1)


def after(day: date, months: int = 1, *, on: int | None = None) -> date:
    """So many months later, on the same day or on day `on`, or on the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(on or day.day, last))


def last_day(month: date) -> date:
    return after(month_of(month)) - timedelta(days=1)
