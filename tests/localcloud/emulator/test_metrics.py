"""Metrics of the running emulator: how they come in, and how they are read."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .support import Deploy, Emulator
from .watching import in_state, last_minute, put, put_alarm

pytestmark = pytest.mark.localcloud


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


def test_log_events_are_found_by_the_patterns_of_metric_filters(emulator: Emulator) -> None:
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName="/test/patterns")
    logs.create_log_stream(logGroupName="/test/patterns", logStreamName="one")
    texts = ["connection lost again", "lost connection", '{"level": "error", "ms": 120}']
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName="/test/patterns",
        logStreamName="one",
        logEvents=[{"timestamp": now, "message": text} for text in texts],
    )

    def found(pattern: str) -> list[str]:
        answer = logs.filter_log_events(logGroupName="/test/patterns", filterPattern=pattern)
        return [event["message"] for event in answer["events"]]

    assert found('"connection lost"') == texts[:1]
    assert found("connection lost") == texts[:2]
    assert found("lost -again") == texts[1:2]
    assert found("{ $.ms > 100 }") == texts[2:]
    assert found("") == texts
    with pytest.raises(logs.exceptions.InvalidParameterException):
        found("{ $.ms > }")
    logs.delete_log_group(logGroupName="/test/patterns")


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
