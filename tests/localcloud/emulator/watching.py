"""Metrics and alarms of the running emulator: putting them, and waiting for what comes of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .support import Emulator

_WAIT_SECONDS = 60.0


@dataclass
class Inbox:
    """A topic that alarms may publish to, and a queue that gets what is published."""

    emulator: Emulator
    topic: str
    queue: str

    def next(self) -> dict[str, Any]:
        """The next message. Fails when none comes."""
        sqs = self.emulator.client("sqs")

        def received() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1).get(
                "Messages", []
            )
            return found

        [message] = eventually(received)
        sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        body: dict[str, Any] = json.loads(message["Body"])
        return body


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` returns as soon as it is something."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)
    return found


def last_minute() -> datetime:
    """The start of the minute that ended last, long enough ago for alarms to look at it."""
    return (datetime.now(UTC) - timedelta(seconds=10)).replace(second=0, microsecond=0) - timedelta(minutes=1)


def put(watch: Any, value: float, metric: str = "Errors", **dimensions: str) -> None:
    watch.put_metric_data(
        Namespace="Test",
        MetricData=[
            {
                "MetricName": metric,
                "Value": value,
                "Unit": "Count",
                "Timestamp": last_minute(),
                "Dimensions": [{"Name": name, "Value": of} for name, of in dimensions.items()],
            }
        ],
    )


def put_alarm(watch: Any, name: str, **members: Any) -> None:
    watch.put_metric_alarm(
        AlarmName=name,
        **{
            "Namespace": "Test",
            "MetricName": "Errors",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
            **members,
        },
    )


def in_state(watch: Any, name: str, state: str) -> dict[str, Any]:
    """The alarm's record once it is in that state."""

    def look() -> dict[str, Any] | None:
        answer = watch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        [alarm] = answer["MetricAlarms"] + answer["CompositeAlarms"]
        return alarm if alarm["StateValue"] == state else None

    found: dict[str, Any] = eventually(look)
    return found
