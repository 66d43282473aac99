"""The thread that evaluates alarms, and what it does when one changes its state."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.emulator.cloudwatch import reasons
from localcloud.emulator.cloudwatch.alarms import MetricAlarm
from localcloud.emulator.cloudwatch.evaluation import State
from localcloud.emulator.cloudwatch.queries import Window
from localcloud.emulator.cloudwatch.store import MetricStore, Scope

_log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0
_AGAIN_SECONDS = 5.0
_FLUSH_SECONDS = 5.0
_PRUNE_SECONDS = 600.0

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Change:
    """An alarm's new state, and why."""

    scope: Scope
    alarm: Record
    state: State
    reason: str
    reason_data: str


@dataclass(kw_only=True)
class _Watched:
    """An alarm between two evaluations."""

    record: Record
    alarm: MetricAlarm | None
    seen: tuple[Window, tuple[int, ...]] | None = None
    evaluated_at: float = 0.0
    told_minute: int = 0


class Engine:
    """Evaluates every alarm when its last period is over, and again within seconds when values came late."""

    def __init__(
        self,
        store: MetricStore,
        *,
        alarms: Callable[[], list[tuple[Scope, Record]]],
        changed: Callable[[Change], None],
        stays: Callable[[Change], None],
        ticked: Callable[[float], None] = lambda _now: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`alarms` lists the metric alarms of all regions, `changed` carries out a change of state, `stays` is told
        every minute of an alarm that is still in ALARM, `ticked` the time after each round."""
        self._store = store
        self._alarms = alarms
        self._changed = changed
        self._stays = stays
        self._ticked = ticked
        self._clock = clock
        self._watched: dict[tuple[Scope, str], _Watched] = {}
        self._flushed_at = 0.0
        self._pruned_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="localcloud-alarms", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and write what was published."""
        self._stopped.set()
        if self._thread.ident:
            self._thread.join()
        self._store.flush()

    def tick(self) -> None:
        """Evaluate what is due."""
        now = self._clock()
        listed = self._alarms()
        known = {(scope, record["AlarmName"]) for scope, record in listed}
        for gone in self._watched.keys() - known:
            del self._watched[gone]
        for scope, record in listed:
            try:
                self._look_at(scope, record, now)
            except Exception:  # noqa: BLE001 - other alarms go on
                _log.exception("alarm %s could not be evaluated", record["AlarmName"])
        self._ticked(now)
        if now - self._flushed_at >= _FLUSH_SECONDS:
            self._flushed_at = now
            self._store.flush()
        if now - self._pruned_at >= _PRUNE_SECONDS:
            self._pruned_at = now
            self._store.prune(now)

    def _run(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            try:
                self.tick()
            except Exception:  # noqa: BLE001
                # A full disk must not end the thread: later rounds may succeed.
                _log.exception("alarms could not be evaluated")

    def _look_at(self, scope: Scope, record: Record, now: float) -> None:
        key = (scope, record["AlarmName"])
        watched = self._watched.get(key)
        if watched is None or watched.record is not record:
            watched = self._watched[key] = _Watched(record=record, alarm=_readable(record))
        if watched.alarm is None:
            return
        window = watched.alarm.window(now)
        seen = (window, tuple(self._store.changes(scope, metric) for metric in watched.alarm.metrics))
        same_window = watched.seen is not None and watched.seen[0] == window
        if watched.seen == seen or (same_window and now - watched.evaluated_at < _AGAIN_SECONDS):
            return
        watched.seen, watched.evaluated_at = seen, now
        self._evaluate(scope, watched, watched.alarm, window, now)

    def _evaluate(self, scope: Scope, watched: _Watched, alarm: MetricAlarm, window: Window, now: float) -> None:
        record = watched.record
        current = State(record["StateValue"])
        verdict = alarm.evaluate(self._store, scope, window, current)
        minute = window.end // 60
        if verdict.state is current and not (current is State.ALARM and minute > watched.told_minute):
            return
        watched.told_minute = minute
        tell = self._stays if verdict.state is current else self._changed
        tell(
            Change(
                scope=scope,
                alarm=record,
                state=verdict.state,
                reason=reasons.reason(alarm.rule, verdict),
                reason_data=reasons.reason_data(record, alarm.rule, verdict, now=now, period=alarm.period),
            )
        )


def _readable(record: Record) -> MetricAlarm | None:
    try:
        return MetricAlarm.read(record)
    except (KeyError, ValueError) as error:
        _log.warning("alarm %s is not evaluated: %s", record["AlarmName"], error)
        return None
