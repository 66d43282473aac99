"""Lambda functions of the local cloud, on one machine with everything else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator.services.lambda_functions import translated

from .support import Emulator, make_function
from .watching import eventually

_CODE = "import os\ndef handler(event, context):\n    return {name: os.environ[name] for name in event['names']}\n"


def test_a_function_finds_a_listener_where_it_is_on_this_machine(emulator: Emulator) -> None:
    given = {"TEST_URL": "http://localhost:8080", "SENTENCE": "see http://localhost:8080", "OTHER": "http://host:8080"}
    make_function(emulator, "asks", _CODE, given)
    functions = emulator.client("lambda")
    answer = functions.invoke(FunctionName="asks", Payload=json.dumps({"names": list(given)}))
    seen = json.loads(answer["Payload"].read())
    assert seen == {**given, "TEST_URL": f"http://localhost:{emulator.base + 81}"}
    # What was given is what the API shows.
    assert functions.get_function_configuration(FunctionName="asks")["Environment"]["Variables"] == given


def test_a_function_that_fails_for_sns_is_measured_tried_again_and_told_on(emulator: Emulator, watch: Any) -> None:
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    function = make_function(
        emulator, "fails", "def handler(event, context):\n    raise ValueError('unreadable')\n", {}
    )
    topic = sns.create_topic(Name="fails")["TopicArn"]
    queue = sqs.create_queue(QueueName="failed")["QueueUrl"]
    destination = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:failed"}}
    emulator.client("lambda").put_function_event_invoke_config(FunctionName="fails", DestinationConfig=destination)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message="hello")
    [told] = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
    assert json.loads(told["Body"])["requestPayload"]["Records"][0]["Sns"]["Message"] == "hello"
    now = datetime.now(UTC)
    for metric in ("Invocations", "Errors"):
        found = watch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": "fails"}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=600,
            Statistics=["Sum"],
        )["Datapoints"]
        assert sum(point["Sum"] for point in found) == 3, metric
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.parametrize(
    ("given", "offset"),
    [("http://localhost:80", 80), ("https://localhost:443", 43), ("https://localhost:8443", 44)],
)
def test_every_usual_listener_is_known(given: str, offset: int, home: Path) -> None:
    scheme = given.split("://")[0]
    assert translated({"URL": given}) == {"URL": f"{scheme}://localhost:{24500 + offset}"}


def test_other_addresses_stay_as_they_are(home: Path) -> None:
    given = {"A": "http://localhost:1234", "B": "http://localhost", "C": "http://localhost:8080/path"}
    assert translated(given) == given
