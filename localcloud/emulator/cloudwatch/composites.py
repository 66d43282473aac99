"""Composite alarms: MiniStack reads their rules and evaluates them when a child changes; here their actions are held
back by a suppressor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch

from localcloud.emulator.cloudwatch.evaluation import State
from localcloud.emulator.cloudwatch.suppression import BY_ALARM, Suppression

Record = dict[str, Any]

SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


class Suppressions:
    """The composite alarms with a suppressor. `act(alarm, before, old_state)` carries out what was held back."""

    def __init__(self, act: Callable[[Record, Record, str], None]) -> None:
        self._act = act
        self._known: dict[tuple[str, str, str], Suppression] = {}

    def changed(self, alarm: Record, old_state: str) -> bool:
        """An alarm of the region at hand just changed its state: whether its actions are to be carried out now."""
        key = (get_account_id(), get_region(), alarm["AlarmName"])
        if not alarm.get("ActionsSuppressor"):
            self._known.pop(key, None)
            return True
        suppression = self._known.get(key)
        if suppression is None:
            suppression = self._known[key] = _suppression(alarm, State(old_state))
        suppression.wait, suppression.extension = _periods(alarm)
        return self._look(suppression, alarm, time.time())

    def tick(self, now: float) -> None:
        """Look at all of them: suppressors change, and periods end."""
        for (account, region, name), alarm in list(cloudwatch._composite_alarms._data.items()):
            key = (account, region, name)
            if not alarm.get("ActionsSuppressor"):
                continue
            suppression = self._known.get(key)
            if suppression is None:
                suppression = self._known[key] = _suppression(alarm, State(alarm["StateValue"]))
            with request_scope(account, region):
                before, acted = dict(alarm), suppression.acted
                if self._look(suppression, alarm, now):
                    self._act(alarm, before, acted.value)
        for gone in self._known.keys() - cloudwatch._composite_alarms._data.keys():
            del self._known[gone]

    def _look(self, suppression: Suppression, alarm: Record, now: float) -> bool:
        suppressor = suppressor_of(alarm)
        state = State(suppressor["StateValue"]) if suppressor else State.OK
        act = suppression.look(State(alarm["StateValue"]), suppressor=state, now=now)
        if suppression.by is None:
            alarm.pop("ActionsSuppressedBy", None)
            alarm.pop("ActionsSuppressedReason", None)
        elif alarm.get("ActionsSuppressedBy") != suppression.by:
            by_alarm = f"{suppressor['AlarmArn']} is in ALARM" if suppressor and suppression.by == BY_ALARM else None
            alarm["ActionsSuppressedBy"] = suppression.by
            alarm["ActionsSuppressedReason"] = by_alarm or f"Actions suppressed by {suppression.by}"
        return act


def suppressor_of(alarm: Mapping[str, Any]) -> Record | None:
    """The record of the alarm that holds this one's actions back."""
    name = cloudwatch._rule_ref_name(alarm["ActionsSuppressor"])
    found: Record | None = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
    return found


def problem(asked: Mapping[str, Any]) -> str | None:
    """Why CloudWatch would refuse the suppressor that PutCompositeAlarm is given."""
    if not asked.get("ActionsSuppressor"):
        return None
    missing = [name for name in SUPPRESSOR if asked.get(name) is None]
    if missing:
        return f"{' and '.join(missing)} must be given with an ActionsSuppressor."
    if suppressor_of(asked) is None:
        return f"The ActionsSuppressor {asked['ActionsSuppressor']} does not exist."
    return None


def _suppression(alarm: Record, acted: State) -> Suppression:
    wait, extension = _periods(alarm)
    return Suppression(wait=wait, extension=extension, acted=acted, by=alarm.get("ActionsSuppressedBy"))


def _periods(alarm: Record) -> tuple[float, float]:
    return float(alarm["ActionsSuppressorWaitPeriod"]), float(alarm["ActionsSuppressorExtensionPeriod"])
