"""What people would read: a queue that is subscribed to the topics of formatted messages while a drill goes on."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws, outputs

SEVERITIES = ("P0", "P1", "P2")

_HEAD = re.compile(r"(P\d) (ALARM|over|no data): (\S+) \(")
_WAIT = 5
"""Seconds that one question for messages waits for any."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Message:
    """`at` is when SNS took it, `topic` the severity whose readers got it. `severity`, `state` (ALARM, over, no data)
    and `alarm` are what its first line says, empty where it is about no alarm."""

    at: float
    topic: str
    subject: str
    text: str
    severity: str = ""
    state: str = ""
    alarm: str = ""


def read(body: str, *, topics: Mapping[str, str]) -> Message:
    """A message from what SNS puts into a queue; `topics` has the severity of each topic's ARN."""
    envelope: dict[str, Any] = json.loads(body)
    text = str(envelope["Message"])
    found = _HEAD.match(text)
    severity, state, alarm = found.groups() if found else ("", "", "")
    return Message(
        at=datetime.fromisoformat(str(envelope["Timestamp"])).timestamp(),
        topic=topics[envelope["TopicArn"]],
        subject=str(envelope.get("Subject") or ""),
        text=text,
        severity=severity,
        state=state,
        alarm=alarm,
    )


class Inbox:
    """Makes the queue, reads it in a thread, and deletes it with its subscriptions."""

    def __init__(self, region: str) -> None:
        self._sqs, self._sns = aws.client("sqs", region), aws.client("sns", region)
        self._topics = {outputs.value(f"{severity}MessagesTopic"): severity for severity in SEVERITIES}
        self._messages: list[Message] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._queue = ""
        self._subscriptions: list[str] = []

    def __enter__(self) -> Self:
        self._queue = self._sqs.create_queue(QueueName=f"drill-{secrets.token_hex(4)}")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": list(self._topics)}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        for topic in self._topics:
            made = self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
            self._subscriptions.append(made["SubscriptionArn"])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)
        for subscription in self._subscriptions:
            self._sns.unsubscribe(SubscriptionArn=subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)

    def messages(self) -> list[Message]:
        """In the order they came."""
        return list(self._messages)

    def told(self, alarm: str, state: str, *, since: float) -> float | None:
        """When the first message about an alarm's state came after a time."""
        found = (m.at for m in self.messages() if (m.alarm, m.state) == (alarm, state) and m.at >= since)
        return next(found, None)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._receive()
            except (BotoCoreError, ClientError) as error:
                _log.warning("the inbox cannot be read: %s", error)
                time.sleep(1)

    def _receive(self) -> None:
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT)
        for message in answer.get("Messages", []):
            self._messages.append(read(message["Body"], topics=self._topics))
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
