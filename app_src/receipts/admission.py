"""Whether new receipts are taken: not beyond a day's quota of their owner, and not behind a queue that is too long.

Asked when a receipt is announced, before anything is promised. What was announced is taken, however long the queue.
"""

from __future__ import annotations

import threading
import time

from django.conf import settings

from accounts.models import User
from receipts.models import Receipt
from receipts.states import State
from spendsmart import quota
from spendsmart.not_now import NotNowError

RECOUNT_SECONDS = 5.0
"""How old the length of the queue may be. Each process counts for itself, in an index of unfinished receipts alone."""

RETRY_SECONDS, RETRY_BULK_SECONDS = 60, 300
_WAITING = (State.UPLOADED, State.QUEUED, State.EXTRACTING)


class _Queue:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._length = 0
        self._counted = float("-inf")

    def length(self) -> int:
        with self._lock:
            if time.monotonic() - self._counted > RECOUNT_SECONDS:
                self._length = Receipt.objects.filter(state__in=_WAITING).count()
                self._counted = time.monotonic()
            return self._length

    def forget(self) -> None:
        self._counted = float("-inf")


queue = _Queue()


def admit(user: User, *, many: int = 1, bulk: bool = False) -> None:
    """Raises NotNowError. `bulk`: nobody waits for them, so they give way to the others early."""
    most = settings.QUEUED_RECEIPTS
    if bulk:
        most = int(most * settings.QUEUED_RECEIPTS_BULK_PERCENT / 100)
    if queue.length() >= most:
        raise NotNowError(
            "Too many receipts are waiting to be read; send yours later.",
            status=503,
            wait=RETRY_BULK_SECONDS if bulk else RETRY_SECONDS,
        )
    if wait := quota.wait_for_receipts(user.pk, many):
        raise NotNowError("These are more receipts than one account may send in a day.", status=429, wait=wait)
