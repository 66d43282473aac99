"""Saved queries are deployed, and queries answered from the fields of JSON lines."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from .support import Deploy, Emulator


def _query(text: str, name: str = "saved", **more: object) -> dict[str, object]:
    return {"Type": "AWS::Logs::QueryDefinition", "Properties": {"Name": name, "QueryString": text, **more}}


def test_a_saved_query_is_deployed_changed_and_deleted(emulator: Emulator, deploy: Deploy) -> None:
    logs = emulator.client("logs")
    first = deploy("queries", {"Q": _query("limit 1", LogGroupNames=["a", "b"])}, {"Id": {"Ref": "Q"}})["Id"]
    assert deploy("queries", {"Q": _query("limit 2", LogGroupNames=["a"])}, {"Id": {"Ref": "Q"}})["Id"] == first
    (kept,) = logs.describe_query_definitions(queryDefinitionNamePrefix="sav")["queryDefinitions"]
    assert (kept["queryDefinitionId"], kept["queryString"], kept["logGroupNames"]) == (first, "limit 2", ["a"])
    assert logs.describe_query_definitions(queryDefinitionNamePrefix="other")["queryDefinitions"] == []
    deploy("queries", {"Other": _query("limit 3", name="other")})
    assert logs.describe_query_definitions(queryDefinitionNamePrefix="sav")["queryDefinitions"] == []


def test_a_query_is_answered(emulator: Emulator) -> None:
    logs, now = emulator.client("logs"), int(time.time())
    logs.create_log_group(logGroupName="/asked")
    logs.create_log_stream(logGroupName="/asked", logStreamName="web/1")
    lines = [{"code": 200, "ms": 5}, {"code": 500, "ms": 7.5}, {"code": 500, "ms": 2}]
    events = [{"timestamp": now * 1000, "message": json.dumps(line)} for line in lines]
    logs.put_log_events(logGroupName="/asked", logStreamName="web/1", logEvents=events)
    window = {"logGroupName": "/asked", "startTime": now - 60, "endTime": now + 60}
    text = "filter code = 500 | stats count(*) as n, sum(ms) as ms by @logStream"
    started = logs.start_query(**window, queryString=text)["queryId"]
    found = logs.get_query_results(queryId=started)
    assert found["status"] == "Complete"
    assert [{cell["field"]: cell["value"] for cell in row} for row in found["results"]] == [
        {"n": "2", "ms": "9.5", "@logStream": "web/1"}
    ]
    with pytest.raises(ClientError, match="MalformedQueryException"):
        logs.start_query(**window, queryString="parse @message /x/")
    logs.delete_log_group(logGroupName="/asked")
