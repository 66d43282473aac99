"""An emulator of its own for these tests."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .support import CAPABILITIES, Deploy, Emulator, free_base, settled
from .watching import Inbox


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for all tests that leave it as they found it."""
    made = Emulator(home=tmp_path_factory.mktemp("emulator") / "home", base=free_base())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator for a test that kills it."""
    made = Emulator(home=tmp_path / "home", base=free_base())
    made.start()
    yield made
    made.stop(signal.SIGKILL)


@pytest.fixture
def deploy(emulator: Emulator) -> Iterator[Deploy]:
    """Deploys a template as a stack, waits for its end, returns its outputs, and deletes it after the test."""
    made: list[tuple[str, str]] = []

    def run(
        name: str,
        resources: dict[str, Any],
        outputs: dict[str, Any] | None = None,
        *,
        region: str = "us-east-1",
        expect: str = "COMPLETE",
        wait: bool = True,
        **more: Any,
    ) -> dict[str, str]:
        cloudformation = emulator.client("cloudformation", region)
        template = {
            "Resources": resources,
            "Outputs": {key: {"Value": value} for key, value in (outputs or {}).items()},
            **more,
        }
        known = (name, region) in made
        call = cloudformation.update_stack if known else cloudformation.create_stack
        call(StackName=name, TemplateBody=json.dumps(template), Capabilities=CAPABILITIES)
        if not known:
            made.append((name, region))
        if not wait:
            return {}
        stack = settled(cloudformation, name)
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            if event["ResourceStatus"].endswith("FAILED")
        ]
        verb = "UPDATE" if known else "CREATE"
        assert stack["StackStatus"] == (f"{verb}_{expect}" if expect == "COMPLETE" else expect), reasons
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    yield run
    for name, region in reversed(made):
        cloudformation = emulator.client("cloudformation", region)
        cloudformation.delete_stack(StackName=name)
        for _ in range(200):
            stacks = [stack for stack in cloudformation.describe_stacks()["Stacks"] if stack["StackName"] == name]
            if not stacks:
                break
            time.sleep(0.05)


@pytest.fixture
def inbox(emulator: Emulator) -> Iterator[Inbox]:
    name = f"alarms-{uuid.uuid4().hex[:8]}"
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for resource, principal, action, set_policy in (
        (
            topic,
            "cloudwatch.amazonaws.com",
            "sns:Publish",
            lambda policy: sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy),
        ),
        (
            arn,
            ["sns.amazonaws.com", "events.amazonaws.com"],
            "sqs:SendMessage",
            lambda policy: sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy}),
        ),
    ):
        statement = {
            "Effect": "Allow", "Principal": {"Service": principal}, "Action": action, "Resource": resource,
        }  # fmt: skip
        set_policy(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    yield Inbox(emulator=emulator, topic=topic, queue=queue)
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=queue)


@pytest.fixture
def watch(emulator: Emulator) -> Iterator[Any]:
    """A CloudWatch client whose alarms are deleted after the test."""
    client = emulator.client("cloudwatch")
    yield client
    for kind in ("CompositeAlarms", "MetricAlarms"):
        for alarm in client.describe_alarms(AlarmTypes=["CompositeAlarm", "MetricAlarm"])[kind]:
            client.delete_alarms(AlarmNames=[alarm["AlarmName"]])
