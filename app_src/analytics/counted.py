"""Which receipts count."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from receipts.models import Duplicate, Receipt
from receipts.states import READ


def counted(user_id: UUID | Any, *, since: date | None = None, until: date | None = None) -> QuerySet[Receipt]:
    """The receipts that count: read, with a total, and not one that its owner called a duplicate; both days included.

    Without a period, those without a date count, too, so that sums over groups add up to all; within one, nowhere.
    """
    found = Receipt.objects.filter(user_id=user_id, state__in=READ, total__isnull=False).exclude(
        duplicate=Duplicate.CONFIRMED
    )
    if since:
        found = found.filter(purchased_on__gte=since)
    if until:
        found = found.filter(purchased_on__lte=until)
    return found.order_by()
