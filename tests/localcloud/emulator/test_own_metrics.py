"""What EventBridge, CloudWatch Logs and S3 publish about themselves."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

from .support import Emulator


def _sum(emulator: Emulator, namespace: str, name: str, region: str = "us-east-1", **dimensions: str) -> float:
    now = datetime.now(tz=UTC)
    found = emulator.client("cloudwatch", region).get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum", "SampleCount"],
    )
    points = found["Datapoints"]
    return sum(point["Sum"] for point in points) if points else -1


def test_a_rule_is_triggered_by_each_event_that_it_matches(emulator: Emulator) -> None:
    events = emulator.client("events")
    events.put_rule(Name="measured", EventPattern=json.dumps({"source": ["shop"], "detail": {"state": ["sold"]}}))
    assert _sum(emulator, "AWS/Events", "TriggeredRules", RuleName="measured") == -1
    events.put_events(
        Entries=[
            {"Source": "shop", "DetailType": "state", "Detail": json.dumps({"state": state})}
            for state in ("sold", "returned", "sold", "sold")
        ]
    )
    assert _sum(emulator, "AWS/Events", "TriggeredRules", RuleName="measured") == 3
    assert _sum(emulator, "AWS/Events", "Invocations", RuleName="measured") == -1  # it has no target
    emulator.client("sqs").create_queue(QueueName="measured")
    queue = "arn:aws:sqs:us-east-1:000000000000:measured"
    events.put_targets(Rule="measured", Targets=[{"Id": "1", "Arn": queue}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "state", "Detail": json.dumps({"state": "sold"})}])
    assert _sum(emulator, "AWS/Events", "Invocations", RuleName="measured") == 1
    events.remove_targets(Rule="measured", Ids=["1"])
    events.delete_rule(Name="measured")


def test_logs_count_their_bytes(emulator: Emulator) -> None:
    logs = emulator.client("logs")
    before = max(0, _sum(emulator, "AWS/Logs", "IncomingBytes"))
    logs.create_log_group(logGroupName="/measured")
    logs.create_log_stream(logGroupName="/measured", logStreamName="one")
    now = int(time.time() * 1000)
    messages = [{"timestamp": now, "message": message} for message in ("seven..", "ünïcode")]
    logs.put_log_events(logGroupName="/measured", logStreamName="one", logEvents=messages)
    assert _sum(emulator, "AWS/Logs", "IncomingLogEvents", LogGroupName="/measured") == 2
    assert _sum(emulator, "AWS/Logs", "IncomingBytes", LogGroupName="/measured") == 7 + 9 + 2 * 26
    assert _sum(emulator, "AWS/Logs", "IncomingBytes") - before == 7 + 9 + 2 * 26
    logs.delete_log_group(logGroupName="/measured")


def test_copies_are_measured_where_s3_says(emulator: Emulator) -> None:
    here, there = emulator.client("s3"), emulator.client("s3", "us-west-2")
    here.create_bucket(Bucket="measured-source")
    there.create_bucket(Bucket="measured-copy", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for bucket in ("measured-source", "measured-copy"):
        here.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    quarter = {"Minutes": 15}
    rule = {
        "ID": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {
            "Bucket": "arn:aws:s3:::measured-copy",
            "ReplicationTime": {"Status": "Enabled", "Time": quarter},
            "Metrics": {"Status": "Enabled", "EventThreshold": quarter},
        },
    }
    role = "arn:aws:iam::000000000000:role/copier"
    here.put_bucket_replication(Bucket="measured-source", ReplicationConfiguration={"Role": role, "Rules": [rule]})
    names = {"SourceBucket": "measured-source", "DestinationBucket": "measured-copy", "RuleId": "all"}
    here.put_object(Bucket="measured-source", Key="one", Body=b"1")
    assert _sum(emulator, "AWS/S3", "OperationsPendingReplication", "us-west-2", **names) == 0
    assert 0 <= _sum(emulator, "AWS/S3", "ReplicationLatency", "us-west-2", **names) < 60
    assert _sum(emulator, "AWS/S3", "OperationsFailedReplication", **names) == -1
    there.put_bucket_versioning(Bucket="measured-copy", VersioningConfiguration={"Status": "Suspended"})
    here.put_object(Bucket="measured-source", Key="two", Body=b"2")
    assert _sum(emulator, "AWS/S3", "OperationsFailedReplication", **names) == 1
    for client, bucket in ((here, "measured-source"), (there, "measured-copy")):
        for version in client.list_object_versions(Bucket=bucket).get("Versions", []):
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        client.delete_bucket(Bucket=bucket)
