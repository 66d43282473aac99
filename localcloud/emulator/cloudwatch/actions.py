"""What an alarm does when its state changes: SNS topics and scaling policies it names, and an event on EventBridge.

Actions run one after the other in a thread of their own, so that a slow receiver holds up no evaluation. As on AWS a
topic is published to as cloudwatch.amazonaws.com: what the policy of the topic or of its key refuses is not sent, and
the alarm's history says so.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from localcloud.emulator.cloudwatch import events, messages, permissions
from localcloud.emulator.cloudwatch.scaling_actions import ScalingActions, is_policy
from localcloud.emulator.cloudwatch.store import Scope
from localcloud.emulator.internal import client

_log = logging.getLogger(__name__)

_LISTS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


class ActionError(RuntimeError):
    """An action could not be carried out."""


@dataclass(frozen=True, kw_only=True)
class Transition:
    """An alarm just after its state or the suppression of its actions changed (a copy of its record), how it was
    before, and the state that its actions come from. `stays` is for an alarm that is still in ALARM a minute later:
    then it only scales, once more."""

    scope: Scope
    alarm: Mapping[str, Any]
    before: Mapping[str, Any]
    old_state: str
    stays: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one action; `error` is None when it was carried out."""

    transition: Transition
    action: str
    error: str | None


class Actions:
    """The queue of what is to be done."""

    def __init__(self, *, done: Callable[[Outcome], None]) -> None:
        self._done = done
        self._scaling = ScalingActions()
        self._queue: queue.SimpleQueue[Transition] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="localcloud-alarm-actions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, transition: Transition) -> None:
        self._queue.put(transition)

    def _run(self) -> None:
        while True:
            transition = self._queue.get()
            with request_scope(*transition.scope):
                try:
                    self._carry_out(transition)
                    if self._queue.empty():
                        self._scaling.scale()
                except Exception:  # noqa: BLE001 - later transitions may succeed
                    _log.exception("actions of alarm %s", transition.alarm["AlarmName"])

    def _carry_out(self, transition: Transition) -> None:
        alarm = transition.alarm
        if not transition.stays:
            publish_event(events.state_change(alarm, transition.before), resource=alarm["AlarmArn"])
        if not alarm.get("ActionsEnabled", True) or alarm.get("ActionsSuppressedBy"):
            return
        for action in alarm.get(_LISTS[alarm["StateValue"]]) or ():
            if transition.stays and not is_policy(action):
                continue
            error = None
            try:
                self._perform(action, transition)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it belongs into the alarm's history
                error = str(problem)
                _log.warning("alarm %s: %s: %s", alarm["AlarmName"], action, error)
            if not transition.stays:  # else the history would soon hold nothing else
                self._done(Outcome(transition=transition, action=action, error=error))

    def _perform(self, action: str, transition: Transition) -> None:
        if is_policy(action):
            self._scaling.ask(transition.scope, action, transition.alarm)
        elif action.startswith("arn:aws:sns:"):
            _publish(action, transition)
        else:
            raise ActionError("the local cloud carries out SNS topics and step scaling policies only")


def _publish(topic: str, transition: Transition) -> None:
    account, region = transition.scope
    alarm = transition.alarm
    if refused := permissions.refusal(topic, alarm=alarm["AlarmArn"], account=account):
        raise ActionError(refused)
    content = messages.message(alarm, old_state=transition.old_state, account=account, region=region)
    client("sns").publish(TopicArn=topic, Subject=messages.subject(alarm, region), Message=json.dumps(content))


def publish_event(detail: Mapping[str, Any], *, resource: str) -> None:
    """Put an event of CloudWatch's own on the default bus."""
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [resource],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
