"""What people read about an alarm, made from what CloudWatch says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from infra.functions.notify import delivery, message
from tests.infra.alarms_of import alarms_of
from tests.infra.synthesized import Assembly

PREFIX = "SpendSmart-Prod-"
LOGS = {"web": "/aws/web/logs"}


def told(description: str, **more: Any) -> str:
    """As CloudWatch writes to a topic (User Guide, "Using Amazon SNS notifications")."""
    return json.dumps(
        {
            "AlarmName": f"{PREFIX}web-errors",
            "AlarmDescription": description,
            "NewStateValue": "ALARM",
            "OldStateValue": "OK",
            "NewStateReason": "Threshold Crossed: 2 out of the last 5 datapoints [12.5 (28/11/26 06:33:00), 7.0 "
            "(28/11/26 06:32:00)] were greater than or equal to the threshold (5.0)",
            "StateChangeTime": "2026-11-28T06:34:01.000+0000",
            "Region": "US East (N. Virginia)",
            "AlarmArn": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{PREFIX}web-errors",
            **more,
        }
    )


@pytest.fixture(scope="module")
def description(prod: Assembly) -> str:
    """The real one, from production's template."""
    found = next(alarm for alarm in alarms_of(prod) if alarm.name == f"{PREFIX}web-errors")
    return str(found.properties["AlarmDescription"])


def about(text: str, **around: Any) -> message.Message:
    alarm = message.parse(text)
    assert alarm
    return message.about(alarm, severity="P0", around=message.Around(prefix=PREFIX, log_groups=LOGS, **around))


def test_a_red_alarm_says_what_since_when_and_where_to_look(description: str) -> None:
    found = about(told(description))
    assert found.red
    assert found.subject == "P0 ALARM: web-errors (SpendSmart-Prod)"
    assert "Many requests end with a server's error." in found.text
    assert "2026-11-28T06:34:01" in found.text
    assert "value      12.5, 7.0" in found.text
    assert "threshold  >= 5: one request in twenty" in found.text
    assert "owner      application" in found.text
    assert found.links["runbook"].endswith("/docs/runbooks/web-errors.md")
    assert found.links["dashboard"].endswith("#dashboards/dashboard/SpendSmart-Prod-operations")
    assert "/aws/web/logs" in unquote(found.links["logs"].replace("*", "%"))


def test_a_cause_that_is_red_too_is_named_first(description: str) -> None:
    red = [f"{PREFIX}web-errors", f"{PREFIX}web-no-healthy-targets", f"{PREFIX}queue-long"]
    found = about(told(description), red=red)
    assert "also red   web-no-healthy-targets, queue-long" in found.text
    assert "likely     web-no-healthy-targets is red: see that first" in found.text


def test_a_deployment_of_the_last_hour_is_a_likely_cause(description: str) -> None:
    now = datetime.now(tz=UTC)
    deployments = [
        message.Deployment(service="web", started=now - timedelta(minutes=4, seconds=5), state="COMPLETED"),
        message.Deployment(service="worker", started=now - timedelta(hours=5), state="COMPLETED"),
    ]
    found = about(told(description), deployments=deployments)
    assert "web was deployed 4 min ago (completed)" in found.text
    assert "worker was deployed" not in found.text


def test_a_composite_alarm_names_the_parts_that_turned_it_red(description: str) -> None:
    child = f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{PREFIX}web-no-healthy-targets"
    children = [{"Arn": child, "State": {"Value": "ALARM", "Timestamp": "2026-11-28T06:34:00.000+0000"}}]
    found = about(told(description, TriggeringChildren=children), red=[f"{PREFIX}web-no-healthy-targets"])
    assert "by         web-no-healthy-targets" in found.text
    assert "also red" not in found.text


def test_the_end_is_short_and_has_the_beginnings_key(description: str) -> None:
    begun = about(told(description))
    over = about(told(description, NewStateValue="OK"), red=[f"{PREFIX}queue-long"])
    assert over.key == begun.key
    assert not over.red
    assert over.subject == "P0 over: web-errors (SpendSmart-Prod)"
    assert "also red" not in over.text


@pytest.mark.parametrize("text", ["AWS Budgets: your budget exceeded", '{"accountId": "000000000000"}', "[1]"])
def test_what_is_no_alarm_is_passed_on(text: str) -> None:
    assert message.parse(text) is None
    found = message.passed_on("AWS Budgets: exceeded", text, severity="P2")
    assert found.subject == "P2 AWS Budgets: exceeded"
    assert text in found.text


def test_every_alarms_description_can_be_read_back(prod: Assembly) -> None:
    for alarm in alarms_of(prod):
        if alarm.for_machines:
            continue
        text = told(alarm.properties["AlarmDescription"], AlarmName=alarm.name)
        found = about(text)
        assert found.links["runbook"], alarm.name
        assert found.links["dashboard"], alarm.name
        assert len(found.subject) <= message.MAX_SUBJECT


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """The ways to people without the wires: what each was given."""
    given: dict[str, list[Any]] = {"mail": [], "posted": []}
    monkeypatch.setattr(delivery, "_mail", lambda one, topic: given["mail"].append((topic, one)))
    monkeypatch.setattr(delivery, "_post", lambda url, body: given["posted"].append((url, body)))
    monkeypatch.setattr(
        delivery, "_endpoint", lambda variable: {"PAGER_SECRET": {"url": "https://pager", "routing_key": "k"},
                                                 "CHAT_SECRET": {"url": "https://chat"}}[variable],
    )  # fmt: skip
    return given


def test_p0_is_paged_and_ended_under_one_key(description: str, ways: dict[str, list[Any]]) -> None:
    delivery.deliver(about(told(description)), topic="topic")
    delivery.deliver(about(told(description, NewStateValue="OK")), topic="topic")
    events = [body for url, body in ways["posted"] if url == "https://pager"]
    assert [event["event_action"] for event in events] == ["trigger", "resolve"]
    assert len({event["dedup_key"] for event in events}) == 1
    assert len(ways["mail"]) == 2


def test_p1_reaches_the_chat_and_wakes_nobody(ways: dict[str, list[Any]]) -> None:
    delivery.deliver(message.passed_on("x", "y", severity="P1"), topic="topic")
    assert [url for url, _ in ways["posted"]] == ["https://chat"]


def test_a_pager_that_fails_does_not_keep_the_mail_back(
    description: str, ways: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, _body: object) -> None:
        raise OSError(f"{url} with a secret in it")

    monkeypatch.setattr(delivery, "_post", refuse)
    with pytest.raises(RuntimeError, match="pager did not take the message: OSError"):
        delivery.deliver(about(told(description)), topic="topic")
    assert len(ways["mail"]) == 1
