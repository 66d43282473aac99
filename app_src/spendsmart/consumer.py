"""The worker's consumer: a message of a task that it does not know is left to those who do.

While a release is rolled out, its web and beat send tasks that the workers of the one before have never heard of.
Celery's own consumer discards such a message (`on_unknown_task`).
"""

from __future__ import annotations

import random
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import structlog
from celery.worker.consumer import Consumer

PAUSE_SECONDS = 5.0
"""How long a message is kept before it goes to the end of its queue: it must not go round and round meanwhile."""

MOST_RETURNS = 360
"""Times that one worker gives one message back, half an hour: after that nobody will come who knows it."""

_REMEMBERED = 10_000
log = structlog.get_logger(__name__)


class PatientConsumer(Consumer):
    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._returns: OrderedDict[str, int] = OrderedDict()

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Give it back after a pause; Celery's way with it once it has expired, or came again and again."""
        headers = message.headers or {}
        identity, name = str(headers.get("id")), headers.get("task")
        returns = self._returns.pop(identity, 0) + 1
        if returns > MOST_RETURNS or _expired(headers.get("expires")):
            super().on_unknown_task(body, message, exc)
            return
        self._returns[identity] = returns
        if len(self._returns) > _REMEMBERED:
            self._returns.popitem(last=False)
        log.warning("task_left_to_others", task=name, id=identity, returns=returns)
        # As with a task that has an ETA: what waits here takes no other message's place.
        self.qos.increment_eventually()
        # Workers ask the broker at regular intervals: with a regular pause the same one may get it every time.
        pause = PAUSE_SECONDS * random.uniform(0.6, 1.4)  # noqa: S311  (no secret)
        self.timer.call_after(pause, self._give_back, (message,))

    def _give_back(self, message: Any) -> None:
        try:
            message.requeue()
        except self.connection_errors as error:  # then the broker delivers it again after the visibility timeout
            log.warning("task_not_given_back", error=str(error))
        self.qos.decrement_eventually()


def _expired(expires: str | None) -> bool:
    if not expires:
        return False
    when = datetime.fromisoformat(expires)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)) < datetime.now(UTC)
