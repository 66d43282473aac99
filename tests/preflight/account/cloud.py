"""AWS as the tests have it: recorded answers, whose shapes botocore's stubber checks against the service models."""

from __future__ import annotations

from typing import Any

import boto3
import yaml
from botocore import xform_name
from botocore.stub import Stubber

from preflight.account.answer import Answer, Status
from preflight.account.api import Account
from preflight.account.asking import checks
from preflight.assembly import Assembly, Stack

NUMBER = "111122223333"
HOME = "us-east-1"
WEST = "us-west-2"
SESSION = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret")
"""One for all tests: it keeps the service models that it has read."""


def assembly(*stacks: Stack) -> Assembly:
    made = Assembly()
    for stack in stacks:
        stack.assembly = made
        made.stacks.append(stack)
    return made


def stack(resources: str, *, name: str = "App", region: str | None = HOME, account: str | None = None) -> Stack:
    """A stack whose resources are given as YAML."""
    template = {"Resources": yaml.safe_load(resources) or {}}
    return Stack(name, template, Assembly(), file=name, region=region, account=account)


class Cloud:
    """Answers calls in the order in which the test tells them, for each service and region."""

    def __init__(self, number: str = NUMBER) -> None:
        self.number = number
        self._stubbers: dict[tuple[str, str], Stubber] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, *, region_name: str, **_: Any) -> Any:
        self._stubber(service, region_name)
        return self._clients[service, region_name]

    def _stubber(self, service: str, region: str) -> Stubber:
        if (service, region) not in self._stubbers:
            client = self._clients[service, region] = SESSION.client(service, region_name=region)
            stubber = self._stubbers[service, region] = Stubber(client)
            stubber.activate()
            if service == "sts":
                identity = {"Account": self.number, "Arn": f"arn:aws:iam::{self.number}:user/reader", "UserId": "U"}
                stubber.add_response("get_caller_identity", identity)
        return self._stubbers[service, region]

    def says(
        self, service: str, operation: str, answer: dict[str, Any], *, region: str = HOME, given: Any = None
    ) -> Cloud:
        self._stubber(service, region).add_response(xform_name(operation), answer, given)
        return self

    def refuses(
        self, service: str, operation: str, code: str, *, region: str = HOME, message: str = "", status: int = 400
    ) -> Cloud:
        self._stubber(service, region).add_client_error(xform_name(operation), code, message, http_status_code=status)
        return self

    def has(self, name: str = "App", *, region: str = HOME, **resources: str) -> Cloud:
        """The stack is deployed, with these logical and physical ids."""
        summaries = [
            {
                "LogicalResourceId": logical,
                "PhysicalResourceId": physical,
                "ResourceType": "AWS::Some::Type",
                "ResourceStatus": "CREATE_COMPLETE",
                "LastUpdatedTimestamp": 0,
            }
            for logical, physical in resources.items()
        ]
        answer = {"StackResourceSummaries": summaries}
        return self.says("cloudformation", "ListStackResources", answer, region=region, given={"StackName": name})

    def lacks(self, *, region: str = HOME) -> Cloud:
        """The stack is not deployed."""
        return self.refuses(
            "cloudformation", "ListStackResources", "ValidationError", region=region, message="does not exist"
        )

    def ask(self, check_id: str, asked: Assembly, *, default_region: str | None = None) -> list[Answer]:
        """The answers of one check; every recorded call must have been made."""
        known = {check.id: check for check in checks()}[check_id]
        account = Account(lambda _: self, default_region=default_region, at_once=1)  # type: ignore[arg-type,return-value]
        answers = list(known.ask(account, asked))
        for (service, _), stubber in self._stubbers.items():
            if service != "sts":
                stubber.assert_no_pending_responses()
        assert all(answer.check == check_id for answer in answers)
        return answers


def said(answers: list[Answer]) -> list[tuple[str, str]]:
    """Status and subject of each answer."""
    return [(str(answer.status), answer.subject) for answer in answers]


def only(answers: list[Answer], status: Status) -> Answer:
    """The one answer there is, which must have this status."""
    assert [str(answer.status) for answer in answers] == [str(status)], answers
    assert answers[0].detail
    assert answers[0].remedy or status is not Status.FAIL
    return answers[0]


def passes(answers: list[Answer]) -> Answer:
    return only(answers, Status.PASS)


def fails(answers: list[Answer]) -> Answer:
    return only(answers, Status.FAIL)


def unchecked(answers: list[Answer]) -> Answer:
    return only(answers, Status.UNCHECKED)
