"""The ways to people: mail through SNS always, a chat and a pager where the environment has them.

Their addresses are secrets: whoever knows them can write there. A secret that still holds the random value that it was
made with has no address yet, and is passed over with a line in the log.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3

from .message import Message, as_dict

SECONDS = 5.0


def deliver(message: Message, *, topic: str) -> None:
    """Send on every way; raises what the last failing one raised when none worked, or the pager did not."""
    failures: dict[str, Exception] = {}
    ways: dict[str, Callable[[Message], None]] = {"pager": _page, "chat": _chat, "mail": partial(_mail, topic=topic)}
    for name, send in ways.items():
        try:
            send(message)
        except Exception as error:  # noqa: BLE001  (whatever it was, the other ways are to be tried)
            failures[name] = error
            # Not the error's text: it may name the address.
            print(json.dumps({"level": "error", "event": f"{name} failed", "error": type(error).__name__}))
    for name in ("pager", "mail", "chat"):
        if name in failures:
            raise RuntimeError(f"{name} did not take the message: {type(failures[name]).__name__}") from None


def _mail(message: Message, *, topic: str) -> None:
    boto3.client("sns").publish(TopicArn=topic, Subject=message.subject, Message=message.text)


def _chat(message: Message) -> None:
    """`{"text": …}`, as Slack, Mattermost and Google Chat take it."""
    if endpoint := _endpoint("CHAT_SECRET"):
        _post(endpoint["url"], {"text": message.text})


def _page(message: Message) -> None:
    """Events of PagerDuty's second version, which other pagers take too; without a routing key our own JSON."""
    if message.severity != "P0" or not (endpoint := _endpoint("PAGER_SECRET")):
        return
    if "routing_key" not in endpoint:
        _post(endpoint["url"], as_dict(message))
        return
    event: dict[str, Any] = {
        "routing_key": endpoint["routing_key"],
        "event_action": "trigger" if message.red else "resolve",
        "dedup_key": message.key,
        "payload": {"summary": message.subject, "severity": "critical", "source": message.key,
                    "custom_details": {"text": message.text}},
        "links": [{"href": href, "text": text} for text, href in message.links.items()],
    }  # fmt: skip
    _post(endpoint["url"], event)


def _endpoint(variable: str) -> dict[str, str] | None:
    """The secret's `{"url": …, "routing_key": …}`, or an address alone; None for none yet."""
    if variable not in os.environ:
        return None
    value = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ[variable])["SecretString"].strip()
    found = json.loads(value) if value.startswith("{") else {"url": value}
    if not found.get("url", "").startswith("https://"):
        print(json.dumps({"level": "warning", "event": f"{variable} holds no https address yet"}))
        return None
    return dict(found)


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310  (https alone, see _endpoint)
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
        pass
