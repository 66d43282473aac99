"""What the alarms did, from DescribeAlarmHistory, while a drill goes on."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws
from localcloud.drill.titles import title_of

_PERIOD = 2.0
"""Seconds between two questions."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Change:
    """An alarm's change of state at a Unix time; `alarm` is its title, `state` OK, ALARM or INSUFFICIENT_DATA."""

    at: float
    alarm: str
    state: str


class History:
    """A thread that asks; safe to read from any other. Changes are in the order they came."""

    def __init__(self, region: str) -> None:
        self._cloudwatch = aws.client("cloudwatch", region)
        self._since = time.time()
        self._known: dict[tuple[str, float, str], Change] = {}
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarm-history", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(30)

    def changes(self) -> list[Change]:
        with self._guard:
            return sorted(self._known.values(), key=lambda change: change.at)

    def red_at(self, alarm: str, *, since: float) -> float | None:
        """When an alarm first turned red after a time."""
        return next((c.at for c in self.changes() if c.alarm == alarm and c.state == "ALARM" and c.at >= since), None)

    def over_at(self, alarm: str, *, since: float) -> float | None:
        """When an alarm that turned red after a time was red no more; None as long as it is, or never was."""
        mine = [change for change in self.changes() if change.alarm == alarm and change.at >= since]
        red = [change.at for change in mine if change.state == "ALARM"]
        if not red or mine[-1].state == "ALARM":
            return None
        return next(change.at for change in mine if change.at > red[-1] and change.state != "ALARM")

    def _run(self) -> None:
        while True:
            over = self._over.wait(_PERIOD)
            try:
                self._ask()
            except (BotoCoreError, ClientError) as error:
                _log.warning("the alarms' history cannot be read: %s", error)
            if over:
                return

    def _ask(self) -> None:
        latest = max((key[1] for key in self._known), default=self._since)
        pages = self._cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(max(self._since, latest - 60), UTC),
        )
        for item in [item for page in pages for item in page["AlarmHistoryItems"]]:
            at = item["Timestamp"].timestamp()
            state = item["HistorySummary"].rsplit(" ", 1)[-1]
            if at >= self._since:
                with self._guard:
                    change = Change(at=at, alarm=title_of(item["AlarmName"]), state=state)
                    self._known[item["AlarmName"], at, state] = change
