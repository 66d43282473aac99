"""Log events outlive the emulator, and are written once."""

from __future__ import annotations

import signal
import time
from typing import Any

from localcloud.emulator.services import log_events

from .support import Emulator


def put(logs: Any, *messages: str, group: str = "/app", stream: str = "one") -> None:
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now + number, "message": message} for number, message in enumerate(messages)],
    )


def create(logs: Any, *, group: str = "/app", stream: str = "one") -> None:
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)


def messages(logs: Any, *, group: str = "/app") -> list[str]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def test_events_outlive_a_kill_and_are_not_in_what_is_saved_each_time(own_emulator: Emulator) -> None:
    logs = own_emulator.client("logs")
    create(logs)
    put(logs, *(f"line {number} {'x' * 1000}" for number in range(500)))
    state = own_emulator.home / "emulator" / "state"
    logs.put_retention_policy(logGroupName="/app", retentionInDays=3)
    time.sleep(2.5)
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    logs = own_emulator.client("logs")
    assert len(messages(logs)) == 500
    assert (state / "cloudwatch_logs.json").stat().st_size < 20_000
    put(logs, "after")
    assert messages(logs)[-1] == "after"


def test_a_group_of_the_same_name_begins_empty(own_emulator: Emulator) -> None:
    logs = own_emulator.client("logs")
    create(logs)
    put(logs, "old")
    logs.delete_log_group(logGroupName="/app")
    create(logs)
    put(logs, "new")
    time.sleep(2.5)
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    assert messages(own_emulator.client("logs")) == ["new"]


def test_a_query_finds_events_and_their_records(own_emulator: Emulator) -> None:
    logs = own_emulator.client("logs")
    create(logs)
    put(logs, "found", "not this")
    now = int(time.time())
    query = logs.start_query(
        logGroupName="/app", startTime=now - 60, endTime=now + 60, queryString="fields @ptr | filter @message = 'found'"
    )
    answer = logs.get_query_results(queryId=query["queryId"])
    [row] = answer["results"]
    pointer = next(cell["value"] for cell in row if cell["field"] == "@ptr")
    assert logs.get_log_record(logRecordPointer=pointer)["logRecord"]["@message"] == "found"


def test_what_has_no_stream_is_forgotten(tmp_path: Any) -> None:
    store = log_events.LogEventStore(tmp_path / "events.sqlite")
    store.append("here", [{"message": "1"}])
    store.append("gone", [{"message": "2"}])
    store.flush()
    store.forget_all_but({"here"})
    assert list(store.read()) == [("here", {"message": "1"})]
