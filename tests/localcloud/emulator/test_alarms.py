"""Alarms of the running emulator: from a published value to the message that a person or program gets."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .support import Deploy, Emulator

pytestmark = pytest.mark.localcloud

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


def test_statistics_come_by_period_with_exact_dimensions(watch: Any) -> None:
    minute = last_minute()
    watch.put_metric_data(
        Namespace="Read",
        MetricData=[
            {"MetricName": "Time", "Timestamp": minute, "Values": [1, 2, 3], "Counts": [1, 1, 2], "Unit": "Seconds"},
            {"MetricName": "Time", "Timestamp": minute - timedelta(minutes=1), "Value": 7, "Unit": "Seconds"},
            {
                "MetricName": "Time",
                "Timestamp": minute,
                "Value": 100,
                "Dimensions": [{"Name": "Service", "Value": "web"}],
            },
        ],
    )
    times = {"StartTime": minute - timedelta(minutes=5), "EndTime": minute + timedelta(minutes=1)}
    points = watch.get_metric_statistics(
        Namespace="Read",
        MetricName="Time",
        Period=60,
        Statistics=["Sum", "Maximum"],
        ExtendedStatistics=["p50"],
        **times,
    )["Datapoints"]
    latest = next(point for point in points if point["Timestamp"] == minute)
    assert (latest["Sum"], latest["Maximum"], latest["ExtendedStatistics"]) == (9.0, 3.0, {"p50": 2.5})
    assert (latest["Unit"], len(points)) == ("Seconds", 2)
    query = {"Metric": {"Namespace": "Read", "MetricName": "Time"}, "Period": 60, "Stat": "SampleCount"}
    [result] = watch.get_metric_data(MetricDataQueries=[{"Id": "m1", "MetricStat": query}], **times)[
        "MetricDataResults"
    ]
    assert result["Values"] == [4.0, 1.0]
    assert result["Timestamps"][0] == minute
    listed = watch.list_metrics(Namespace="Read", Dimensions=[{"Name": "Service"}])["Metrics"]
    assert listed == [{"Namespace": "Read", "MetricName": "Time", "Dimensions": [{"Name": "Service", "Value": "web"}]}]


def test_metric_math_is_read_back_and_watched(watch: Any) -> None:
    put(watch, 30, metric="Requests")
    put(watch, 6, metric="Failures")
    metrics = [
        {"Id": "share", "Expression": "100 * failures / requests", "Label": "failed", "ReturnData": True},
        *(
            {
                "Id": name.lower(),
                "MetricStat": {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": 60, "Stat": "Sum"},
                "ReturnData": False,
            }
            for name in ("Requests", "Failures")
        ),
    ]
    minute = last_minute()
    [result] = watch.get_metric_data(
        MetricDataQueries=metrics, StartTime=minute - timedelta(minutes=1), EndTime=minute + timedelta(minutes=1)
    )["MetricDataResults"]
    assert (result["Id"], result["Label"], result["Values"]) == ("share", "failed", [20.0])
    common = {"EvaluationPeriods": 1, "Threshold": 10, "ComparisonOperator": "GreaterThanThreshold"}
    watch.put_metric_alarm(AlarmName="share", Metrics=metrics, **common)
    assert "[20.0 (" in in_state(watch, "share", "ALARM")["StateReason"]
    metrics[0]["Expression"] = "100 * failures / request"
    with pytest.raises(watch.exceptions.ClientError, match="no expression with the id 'request'"):
        watch.put_metric_alarm(AlarmName="share", Metrics=metrics, **common)


def test_log_events_become_metrics(emulator: Emulator, watch: Any, deploy: Deploy) -> None:
    logs = emulator.client("logs")
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/test/metrics"}}
    transformation = {
        "MetricNamespace": "Lines",
        "MetricName": "Slow",
        "MetricValue": "$.ms",
        "Unit": "Milliseconds",
        "Dimensions": [{"Key": "Path", "Value": "$.path"}],
    }
    filtered = {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": "Group"},
            "FilterPattern": "{ $.ms > 100 }",
            "MetricTransformations": [transformation],
        },
    }
    deploy("log-metrics", {"Group": group, "Filter": filtered})
    logs.create_log_stream(logGroupName="/test/metrics", logStreamName="one")
    directive = {"Namespace": "Lines", "Dimensions": [["Engine"]], "Metrics": [{"Name": "Receipts", "Unit": "Count"}]}
    stamp = int(last_minute().timestamp() * 1000)
    lines = [
        {"path": "/a", "ms": 150},
        {"path": "/a", "ms": 50},
        {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]}, "Engine": "local", "Receipts": 3},
    ]
    events = [{"timestamp": stamp, "message": json.dumps(line)} for line in lines]
    logs.put_log_events(logGroupName="/test/metrics", logStreamName="one", logEvents=events)
    minute = last_minute()
    times = {"StartTime": minute - timedelta(minutes=5), "EndTime": minute + timedelta(minutes=1)}
    for metric, name, value, total in (("Slow", "Path", "/a", 150.0), ("Receipts", "Engine", "local", 3.0)):
        [point] = watch.get_metric_statistics(
            Namespace="Lines",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value}],
            Period=60,
            Statistics=["Sum"],
            **times,
        )["Datapoints"]
        assert point["Sum"] == total
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Invalid metric filter pattern"):
        logs.put_metric_filter(
            logGroupName="/test/metrics",
            filterName="wrong",
            filterPattern="{ $.ms > }",
            metricTransformations=[{"metricName": "m", "metricNamespace": "n", "metricValue": "1"}],
        )


def test_an_alarm_scales_a_service_by_the_step_that_its_values_select(emulator: Emulator, watch: Any) -> None:
    ecs, scaling = emulator.client("ecs"), emulator.client("application-autoscaling")
    ecs.create_cluster(clusterName="scaled")
    ecs.register_task_definition(
        family="scaled", containerDefinitions=[{"name": "web", "image": "web", "memory": 64, "essential": True}]
    )
    ecs.create_service(cluster="scaled", serviceName="web", taskDefinition="scaled", desiredCount=2)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/scaled/web",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=2, MaxCapacity=5)
    policy = scaling.put_scaling_policy(
        **target,
        PolicyName="out",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 60,
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 15, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 15, "ScalingAdjustment": 2},
            ],
        },
    )["PolicyARN"]

    def desired() -> int:
        return int(ecs.describe_services(cluster="scaled", services=["web"])["services"][0]["desiredCount"])

    put(watch, 90, metric="Load")
    members = {"MetricName": "Load", "Threshold": 70, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    put_alarm(watch, "load", **members, AlarmActions=[policy])
    eventually(lambda: desired() == 4)
    [activity] = scaling.describe_scaling_activities(**target)["ScalingActivities"]
    assert activity["Description"] == "Setting desired count to 4."
    assert activity["Cause"] == "monitor alarm load in state ALARM triggered policy out"
    put_alarm(watch, "by-hand", **members, AlarmActions=[policy])
    reason = {"recentDatapoints": [200.0], "threshold": 70.0}
    watch.set_alarm_state(
        AlarmName="by-hand", StateValue="ALARM", StateReason="drill", StateReasonData=json.dumps(reason)
    )
    [item] = eventually(
        lambda: watch.describe_alarm_history(AlarmName="by-hand", HistoryItemType="Action")["AlarmHistoryItems"]
    )
    assert item["HistorySummary"] == f"Successfully executed action {policy}"
    assert desired() == 4, "within the cooldown, what was added counts"
    scaling.deregister_scalable_target(**target)
    ecs.delete_service(cluster="scaled", service="web", force=True)
    ecs.delete_cluster(cluster="scaled")


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


def test_dashboards_have_tags(watch: Any, deploy: Deploy) -> None:
    tags = [{"Key": "owner", "Value": "platform"}]
    body = json.dumps({"widgets": []})
    properties = {"DashboardName": "tagged", "DashboardBody": body, "Tags": tags}
    deploy("dashboards", {"Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}})
    arn = watch.get_dashboard(DashboardName="tagged")["DashboardArn"]
    assert tags[0] in watch.list_tags_for_resource(ResourceARN=arn)["Tags"]
    with pytest.raises(watch.exceptions.ClientError, match="not found"):
        watch.tag_resource(ResourceARN=f"{arn}-other", Tags=tags)


def test_a_large_call_arrives_compressed(watch: Any) -> None:
    data = [{"MetricName": f"Metric{number}", "Value": number, "Timestamp": last_minute()} for number in range(400)]
    watch.put_metric_data(Namespace="Large", MetricData=data)
    found = [
        metric for page in watch.get_paginator("list_metrics").paginate(Namespace="Large") for metric in page["Metrics"]
    ]
    assert len(found) == 400


def test_what_cloudwatch_refuses_is_refused(watch: Any) -> None:
    for datum, word in (
        ({"MetricName": "m", "Value": 1, "Timestamp": datetime.now(UTC) - timedelta(days=20)}, "two weeks"),
        ({"MetricName": "m", "Values": [1, 2], "Counts": [1]}, "same number"),
        ({"MetricName": "m"}, "must be specified"),
    ):
        with pytest.raises(watch.exceptions.ClientError, match=word):
            watch.put_metric_data(Namespace="Test", MetricData=[datum])
    with pytest.raises(watch.exceptions.ClientError, match="not a statistic"):
        put_alarm(watch, "wrong", Statistic="Average", ExtendedStatistic="p101")
    with pytest.raises(watch.exceptions.ClientError, match="anomaly detection"):
        put_alarm(watch, "wrong", ComparisonOperator="GreaterThanUpperThreshold")
