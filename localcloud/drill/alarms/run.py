"""Carries the faults out, those at the same time that do not meddle with one another."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import partial

from localcloud import commands
from localcloud.drill.alarms.fault import Fault
from localcloud.drill.alarms.feeding import Feed
from localcloud.drill.alarms.record import Attempt, Record
from localcloud.drill.history import History
from localcloud.drill.inbox import Inbox
from localcloud.drill.platform import Platform
from localcloud.rollout.load.traffic import Traffic

CLEARING = 15 * 60.0
"""Seconds from mending until all must be over: a period of five minutes, three of them, and a late evaluation."""

_LOOK = 2.0


class Run:
    """One drill of `faults`, under a load of `rate` actions a second; 0 for none."""

    def __init__(self, *, platform: Platform, faults: Mapping[str, Fault], rate: float) -> None:
        self._platform = platform
        self._faults = faults
        self._traffic = Traffic(url=commands.web_url(), rate=rate) if rate else None
        self._history = History(platform.region)
        self._inbox = Inbox(platform.region)
        self._mended = {name: threading.Event() for name in faults}
        self._over = {name: threading.Event() for name in faults}
        self._stopped = threading.Event()
        self._attempts: list[Attempt] = []
        self._began = 0.0
        self._machine = 0.0

    def run(self) -> Record:
        """The whole of it; where it is interrupted, what was done until then, when all is mended. Raises
        LocalCloudError when the load cannot begin."""
        with self._history, self._inbox:
            if self._traffic:
                self._traffic.start()
            self._began = time.time()
            try:
                with ThreadPoolExecutor(len(self._faults), thread_name_prefix="fault") as pool:
                    self._carry_out_all(pool)
                # Messages of what ended last, and alarms that nobody wanted, come a little later.
                time.sleep(30)
            finally:
                if self._traffic:
                    self._traffic.close()
            acted = frozenset(self._acted())
        return Record(
            env=self._platform.env,
            began=self._began,
            ended=time.time(),
            alarms=self._platform.alarms,
            attempts=tuple(self._attempts),
            changes=tuple(self._history.changes()),
            messages=tuple(self._inbox.messages()),
            acted=acted,
            machine=self._machine,
            interrupted=self._stopped.is_set(),
        )

    def _carry_out_all(self, pool: ThreadPoolExecutor) -> None:
        try:
            wait([pool.submit(self._attempt, fault) for fault in self._faults.values()])
        except KeyboardInterrupt:
            print("interrupted: what is broken is mended", flush=True)
            self._stopped.set()  # the pool waits for that
        except BaseException:
            self._stopped.set()
            raise

    def _attempt(self, fault: Fault) -> None:
        try:
            for events, names in ((self._over, fault.after), (self._mended, fault.after_mending)):
                for name in names:
                    while name in events and not events[name].wait(_LOOK) and not self._stopped.is_set():
                        pass
            self._wait(partial(self._is_ready, fault), patience=CLEARING)
            if not self._stopped.is_set():
                self._attempts.append(self._carry_out(fault))
        finally:
            self._mended[fault.name].set()
            self._over[fault.name].set()

    def _carry_out(self, fault: Fault) -> Attempt:
        begun, error = _now(), ""
        self._tell(fault, f"{fault.how}: {fault.says}")
        try:
            begun = self._make(fault)
        except Exception as failure:  # noqa: BLE001 - other faults go on, and this one is to be mended
            error = f"{type(failure).__name__}: {failure}".strip()
        try:
            fault.breakage.mend(self._platform)
        except Exception as failure:  # noqa: BLE001
            error = f"{error}; not mended: {type(failure).__name__}: {failure}".lstrip("; ")
        mended = time.time()
        self._mended[fault.name].set()
        self._tell(fault, f"mended after {mended - begun:.0f} s{'; ' if error else ''}{error}")
        over = self._wait(lambda: self._is_over(fault, begun), patience=CLEARING)
        ended = time.time()
        left = self._missing(fault, begun)
        self._tell(fault, f"over after {ended - mended:.0f} s" if over else f"NOT OVER: {', '.join(left)}")
        return Attempt(fault=fault, begun=begun, mended=mended, ended=ended if over else None, error=error)

    def _is_ready(self, fault: Fault) -> bool:
        """None of its alarms is red yet."""
        return not any(self._is_red_now(title) for title in self._deployed(fault.fires))

    def _is_red_now(self, title: str) -> bool:
        states = [change.state for change in self._history.of(title)]
        return (states[-1] if states else self._platform.alarms[title].state) == "ALARM"

    def _make(self, fault: Fault) -> float:
        """Make it, and wait until all are red or the patience is over; when it was made. Fed values that came too late
        for their minutes are fed once more."""
        repeats = fault.breakage.repeats if isinstance(fault.breakage, Feed) else math.inf
        deadline = time.monotonic() + 60 * fault.patience
        while True:
            begun = _now()
            fault.breakage.make(self._platform)
            left = deadline - time.monotonic()
            red = self._wait(partial(self._is_red, fault, begun), patience=min(left, repeats))
            if red or left <= repeats or self._stopped.is_set():
                return begun
            self._tell(fault, "fed once more")

    def _is_red(self, fault: Fault, begun: float) -> bool:
        """All are red, and everybody was told who is to be told."""
        for title in self._deployed(fault.fires):
            if self._history.red_at(title, since=begun) is None:
                return False
            if self._speaks(title) and self._inbox.told(title, "ALARM", since=begun) is None:
                return False
        return all(self._calm_at(title, begun) for title in self._deployed(fault.clears))

    def _is_over(self, fault: Fault, begun: float) -> bool:
        return not self._missing(fault, begun)

    def _missing(self, fault: Fault, begun: float) -> list[str]:
        """Alarms that are not over yet, or of which nobody was told so."""
        waiting = [
            title
            for title in self._deployed(fault.fires)
            if self._history.over_at(title, since=begun) is None
            or (self._speaks(title) and self._inbox.told(title, "over", since=begun) is None)
        ]
        red_again = [
            title
            for title in self._deployed(fault.clears)
            if self._history.red_at(title, since=self._calm_at(title, begun) or begun) is None
        ]
        return waiting + red_again

    def _calm_at(self, title: str, begun: float) -> float | None:
        return next((c.at for c in self._history.of(title, since=begun) if c.state != "ALARM"), None)

    def _deployed(self, titles: tuple[str, ...]) -> list[str]:
        return [title for title in titles if title in self._platform.alarms]

    def _speaks(self, title: str) -> bool:
        return bool(self._platform.alarms[title].topics)

    def _wait(self, holds: Callable[[], bool], *, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while not (held := holds()) and time.monotonic() < deadline and not self._stopped.wait(_LOOK):
            self._machine = max(self._machine, os.getloadavg()[0])
        return held

    def _acted(self) -> list[str]:
        """Scaling alarms whose policy was carried out since their fault."""
        cloudwatch = self._platform.client("cloudwatch")
        found = []
        for attempt in self._attempts:
            for title in self._deployed(attempt.fault.fires):
                alarm = self._platform.alarms[title]
                if alarm.scales:
                    items = cloudwatch.describe_alarm_history(
                        AlarmName=alarm.name,
                        HistoryItemType="Action",
                        StartDate=datetime.fromtimestamp(attempt.begun, UTC),
                    )["AlarmHistoryItems"]
                    found += [title] if any("Successfully" in item["HistorySummary"] for item in items) else []
        return found

    def _tell(self, fault: Fault, text: str) -> None:
        line = f"{(time.time() - self._began) / 60:6.1f} min  {fault.name:<32}{text}\n"
        print(line, end="", flush=True)  # in one piece: faults speak at the same time


def _now() -> float:
    """The second that is under way: the alarms' history has whole seconds."""
    return float(math.floor(time.time()))
