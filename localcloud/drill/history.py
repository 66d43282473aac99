"""What the alarms did, from DescribeAlarmHistory, while a drill goes on."""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
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
        self._since = math.floor(time.time())
        self._latest = float(self._since)
        self._changes: dict[str, list[Change]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarm-history", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def changes(self) -> list[Change]:
        """Of all alarms."""
        found = [change for changes in list(self._changes.values()) for change in changes]
        return sorted(found, key=lambda change: change.at)

    def of(self, alarm: str, *, since: float = 0.0) -> list[Change]:
        """Of one alarm, after a time."""
        return [change for change in self._changes.get(alarm, ()) if change.at >= since]

    def red_at(self, alarm: str, *, since: float) -> float | None:
        """When an alarm first turned red after a time."""
        return next((change.at for change in self.of(alarm, since=since) if change.state == "ALARM"), None)

    def over_at(self, alarm: str, *, since: float) -> float | None:
        """When an alarm that turned red after a time was red no more; None as long as it is, or never was."""
        mine = self.of(alarm, since=since)
        red = [number for number, change in enumerate(mine) if change.state == "ALARM"]
        return mine[red[-1] + 1].at if red and red[-1] + 1 < len(mine) else None

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
        pages = self._cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            ScanBy="TimestampAscending",
            # Times are whole seconds, and more may have come in the last one.
            StartDate=datetime.fromtimestamp(self._latest - 1, UTC),
            PaginationConfig={"PageSize": 100},
        )
        for item in [item for page in pages for item in page["AlarmHistoryItems"]]:
            at = item["Timestamp"].timestamp()
            change = Change(
                at=at, alarm=title_of(item["AlarmName"]), state=item["HistorySummary"].rsplit(" ", 1)[-1]
            )  # fmt: skip
            mine = self._changes.setdefault(change.alarm, [])
            if at >= self._since and change not in mine:
                mine.append(change)
                self._latest = max(self._latest, at)
