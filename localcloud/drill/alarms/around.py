"""Faults of what stands around the application: the synthetic user, messages, AWS's events."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from localcloud import outputs
from localcloud.drill.alarms.fault import Again
from localcloud.drill.alarms.feeding import Value, data_for, put
from localcloud.drill.platform import Platform

_WALK = "Walks as a user: log in, upload, read, analytics"
_SCHEDULE = "Walk as a user"
_COUNTER = "Counts events of AWS's as metrics"


class Walks(Again):
    """The synthetic user walks more often than by schedule."""

    every = 100.0

    def turn(self, platform: Platform) -> None:
        walk(platform)


def walk(platform: Platform) -> None:
    """One walk, of which nobody waits for the end."""
    platform.client("lambda").invoke(FunctionName=platform.function(_WALK), InvocationType="Event", Payload=b"{}")


@dataclass
class WalksEnded:
    """The rule that sends the synthetic user is disabled."""

    def make(self, platform: Platform) -> None:
        platform.client("events").disable_rule(Name=platform.rule(_SCHEDULE))

    def mend(self, platform: Platform) -> None:
        platform.client("events").enable_rule(Name=platform.rule(_SCHEDULE))
        walk(platform)


@dataclass
class EventCounted:
    """The function that counts AWS's events is called as EventBridge calls it. Where nothing is counted, CloudWatch
    goes by what was counted last, up to three periods ago: zeros for the coming minutes make it over with its own."""

    kind: str

    def make(self, platform: Platform) -> None:
        payload = json.dumps({"kind": self.kind}).encode()
        platform.client("lambda").invoke(FunctionName=platform.function(_COUNTER), Payload=payload)

    def mend(self, platform: Platform) -> None:
        alarm, minute = platform.alarms[self.kind], int(time.time()) // 60 * 60
        period = alarm.period // 60
        none = data_for(alarm, {"Events": Value(0)}, at=[minute + 60 * ahead for ahead in range(period + 2)])
        put(platform, none)


@dataclass
class UnreadableMessage:
    """What looks like an alarm and has no state, on the topic of P2: the function that formats messages fails."""

    def make(self, platform: Platform) -> None:
        topic = outputs.value("P2Topic")
        platform.client("sns").publish(TopicArn=topic, Message=json.dumps({"AlarmName": "drill"}))

    def mend(self, platform: Platform) -> None:
        """Nothing is left to do: it was one message."""
