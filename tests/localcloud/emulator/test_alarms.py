"""Alarms of the running emulator: from a published value to the message that a person or program gets."""

from __future__ import annotations

import json
import signal
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest

from .support import Emulator
from .watching import Inbox, eventually, in_state, last_minute, put, put_alarm

pytestmark = pytest.mark.localcloud


def test_an_alarm_fires_on_its_own_metric_and_says_so_like_aws(watch: Any, inbox: Inbox) -> None:
    put(watch, 100, Service="worker")
    put_alarm(
        watch,
        "errors",
        AlarmDescription="too many errors",
        Dimensions=[{"Name": "Service", "Value": "web"}],
        DatapointsToAlarm=1,
        TreatMissingData="notBreaching",
        AlarmActions=[inbox.topic],
    )
    calm = in_state(watch, "errors", "OK")
    assert calm["StateReason"] == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
        "[NonBreaching]."
    )
    put(watch, 12.5, Service="web")
    fired = in_state(watch, "errors", "ALARM")
    assert fired["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [12.5 (")
    data = json.loads(fired["StateReasonData"])
    assert (data["recentDatapoints"], data["threshold"], data["statistic"]) == ([12.5], 10.0, "Sum")

    envelope = inbox.next()
    assert envelope["Subject"] == 'ALARM: "errors" in US East (N. Virginia)'
    message = json.loads(envelope["Message"])
    assert message["NewStateReason"] == fired["StateReason"]
    assert (message["OldStateValue"], message["NewStateValue"]) == ("OK", "ALARM")
    assert (message["Region"], message["AlarmDescription"]) == ("US East (N. Virginia)", "too many errors")
    assert message["AlarmActions"] == [inbox.topic]
    assert message["Trigger"] == {
        "MetricName": "Errors",
        "Namespace": "Test",
        "StatisticType": "Statistic",
        "Statistic": "SUM",
        "Unit": None,
        "Dimensions": [{"value": "web", "name": "Service"}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 10.0,
        "TreatMissingData": "notBreaching",
        "EvaluateLowSampleCountPercentile": "",
    }
    history = eventually(
        lambda: watch.describe_alarm_history(AlarmName="errors", HistoryItemType="Action")["AlarmHistoryItems"]
    )
    assert history[0]["HistorySummary"] == f"Successfully executed action {inbox.topic}"
    changes = watch.describe_alarm_history(AlarmName="errors", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert {item["HistorySummary"] for item in changes} >= {"Alarm updated from OK to ALARM"}


@pytest.mark.parametrize(
    ("publisher", "key_user", "outcome"),
    [
        ("events.amazonaws.com", "cloudwatch.amazonaws.com", "CloudWatch Alarms is not authorized to perform: SNS:Pub"),
        ("cloudwatch.amazonaws.com", "events.amazonaws.com", "CloudWatch Alarms does not have authorization to access"),
        ("cloudwatch.amazonaws.com", "cloudwatch.amazonaws.com", None),
    ],
)
def test_a_topic_and_its_key_must_let_cloudwatch_in(
    emulator: Emulator, watch: Any, publisher: str, key_user: str, outcome: str | None
) -> None:
    def policy(service: str, *actions: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions, "Resource": "*"}
        insecure = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*"}
        only_secure = {**insecure, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        return json.dumps({"Version": "2012-10-17", "Statement": [only_secure, statement]})

    sns = emulator.client("sns")
    key = emulator.client("kms").create_key(Policy=policy(key_user, "kms:Decrypt", "kms:GenerateDataKey*"))
    attributes = {"KmsMasterKeyId": key["KeyMetadata"]["KeyId"], "Policy": policy(publisher, "sns:Publish")}
    topic = sns.create_topic(Name=f"closed-{uuid.uuid4().hex[:8]}", Attributes=attributes)["TopicArn"]
    put_alarm(watch, "silent", AlarmActions=[topic])
    watch.set_alarm_state(AlarmName="silent", StateValue="ALARM", StateReason="to see who hears of it")

    def look() -> list[Any]:
        items = watch.describe_alarm_history(AlarmName="silent", HistoryItemType="Action")["AlarmHistoryItems"]
        return [item["HistorySummary"] for item in items if topic in item["HistorySummary"]]

    [summary] = eventually(look)
    failed = f"Failed to execute action {topic}. Received error: {outcome}"
    assert summary.startswith(failed if outcome else f"Successfully executed action {topic}")
    sns.delete_topic(TopicArn=topic)


def test_disabled_actions_are_not_carried_out_and_eventbridge_hears_all(
    emulator: Emulator, watch: Any, inbox: Inbox
) -> None:
    events = emulator.client("events")
    arn = f"arn:aws:sqs:us-east-1:000000000000:{inbox.queue.rsplit('/', 1)[-1]}"
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["quiet"]}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarms", Targets=[{"Id": "queue", "Arn": arn}])
    put_alarm(watch, "quiet", AlarmActions=[inbox.topic], ActionsEnabled=False)
    watch.set_alarm_state(AlarmName="quiet", StateValue="ALARM", StateReason="by hand")
    event = inbox.next()
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["state"]["reason"] == "by hand"
    assert event["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    [metric] = event["detail"]["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": "Test", "name": "Errors", "dimensions": {}},
        "period": 60,
        "stat": "Sum",
    }
    assert not watch.describe_alarm_history(AlarmName="quiet", HistoryItemType="Action")["AlarmHistoryItems"]
    events.remove_targets(Rule="alarms", Ids=["queue"])
    events.delete_rule(Name="alarms")


def test_a_composite_alarm_speaks_once_for_its_children(watch: Any, inbox: Inbox) -> None:
    for name in ("database", "queue", "pages"):
        put_alarm(watch, name, TreatMissingData="ignore")
        watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="calm")
    rule = "(ALARM(database) OR ALARM(queue)) AND NOT INSUFFICIENT_DATA(pages)"
    watch.put_composite_alarm(AlarmName="outage", AlarmRule=rule, AlarmActions=[inbox.topic], OKActions=[inbox.topic])
    in_state(watch, "outage", "OK")
    assert json.loads(inbox.next()["Message"])["NewStateValue"] == "OK", "as it was created"
    for name in ("database", "queue"):
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="down")
    message = json.loads(inbox.next()["Message"])
    assert (message["AlarmName"], message["NewStateValue"], message["AlarmRule"]) == ("outage", "ALARM", rule)
    assert "alarm:database transitioned to ALARM at" in message["NewStateReason"]
    assert [child["Arn"].rsplit(":", 1)[-1] for child in message["TriggeringChildren"]] == ["database"]
    for name in ("database", "queue"):
        watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="up")
    assert json.loads(inbox.next()["Message"])["NewStateValue"] == "OK", "nothing came in between"


def test_alarms_are_found_by_what_they_are_and_do(watch: Any, inbox: Inbox) -> None:
    put_alarm(watch, "find-a", AlarmActions=[inbox.topic], Dimensions=[{"Name": "Service", "Value": "web"}])
    put_alarm(watch, "find-b")
    watch.put_composite_alarm(AlarmName="find-both", AlarmRule="ALARM(find-a) AND ALARM(find-b)")

    def names(**asked: Any) -> list[str]:
        answer = watch.describe_alarms(**asked)
        return [alarm["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for alarm in answer[kind]]

    assert names(AlarmNamePrefix="find-") == ["find-a", "find-b"]
    assert names(AlarmNamePrefix="find-", AlarmTypes=["CompositeAlarm", "MetricAlarm"])[2:] == ["find-both"]
    assert names(ActionPrefix=inbox.topic) == ["find-a"]
    assert names(ChildrenOfAlarmName="find-both") == ["find-a", "find-b"]
    assert names(ParentsOfAlarmName="find-b") == ["find-both"]
    assert names(ParentsOfAlarmName="find-both") == []
    pages = watch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="find-", PaginationConfig={"PageSize": 1})
    assert [len(page["MetricAlarms"]) for page in pages] == [1, 1]
    metric = {"Namespace": "Test", "MetricName": "Errors"}
    assert [alarm["AlarmName"] for alarm in watch.describe_alarms_for_metric(**metric)["MetricAlarms"]] == ["find-b"]
    assert watch.describe_alarms_for_metric(**metric, Period=300)["MetricAlarms"] == []


def test_a_suppressor_holds_a_composite_alarm_back(watch: Any, inbox: Inbox) -> None:
    for name in ("broken", "deployment"):
        put_alarm(watch, name, TreatMissingData="ignore")
        watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="calm")
    periods = {"ActionsSuppressorWaitPeriod": 2, "ActionsSuppressorExtensionPeriod": 2}
    with pytest.raises(watch.exceptions.ClientError, match="must be given with an ActionsSuppressor"):
        watch.put_composite_alarm(AlarmName="p0", AlarmRule="ALARM(broken)", ActionsSuppressor="deployment")
    watch.put_composite_alarm(
        AlarmName="p0",
        AlarmRule="ALARM(broken)",
        AlarmActions=[inbox.topic],
        ActionsSuppressor="deployment",
        **periods,
    )
    watch.set_alarm_state(AlarmName="deployment", StateValue="ALARM", StateReason="a deployment is under way")
    watch.set_alarm_state(AlarmName="broken", StateValue="ALARM", StateReason="down")
    held = in_state(watch, "p0", "ALARM")
    assert (held["ActionsSuppressedBy"], held["ActionsSuppressor"]) == ("Alarm", "deployment")
    assert "deployment" in held["ActionsSuppressedReason"]
    watch.set_alarm_state(AlarmName="deployment", StateValue="OK", StateReason="it is over")
    message = json.loads(inbox.next()["Message"])
    assert (message["OldStateValue"], message["NewStateValue"]) == ("OK", "ALARM")
    assert "ActionsSuppressedBy" not in in_state(watch, "p0", "ALARM")


def test_what_was_published_and_what_alarms_found_survive_a_kill(own_emulator: Emulator) -> None:
    watch = own_emulator.client("cloudwatch")
    put(watch, 30)
    put_alarm(watch, "kept", TreatMissingData="ignore")
    changed = in_state(watch, "kept", "ALARM")["StateUpdatedTimestamp"]
    watch.set_alarm_state(AlarmName="kept", StateValue="ALARM", StateReason="a second time")
    minute = last_minute()
    times = {"StartTime": minute - timedelta(minutes=5), "EndTime": minute + timedelta(minutes=1)}
    time.sleep(3)
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    watch = own_emulator.client("cloudwatch")
    kept = in_state(watch, "kept", "ALARM")
    assert (kept["StateTransitionedTimestamp"], kept["StateReason"]) == (changed, "a second time")
    points = watch.get_metric_statistics(Namespace="Test", MetricName="Errors", Period=60, Statistics=["Sum"], **times)[
        "Datapoints"
    ]
    assert [point["Sum"] for point in points] == [30.0]
    assert (
        "last 1 datapoints [30.0"
        in watch.describe_alarm_history(AlarmName="kept")["AlarmHistoryItems"][0]["HistoryData"]
    )
