"""A region that is lost answers nobody and has nothing; the other one goes on with what was copied there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import regions
from localcloud.emulator import replication_delay

from .support import CAPABILITIES, Emulator, buckets_in_two_regions, settled

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}
TEMPLATE = {
    "Resources": {"Role": ROLE, "Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"Role": {"Value": {"Ref": "Role"}}},
}


def test_a_lost_region_has_nothing_and_the_other_one_has_the_copies(
    own_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(own_emulator.home))
    first = _deploy(own_emulator, "us-east-1")
    _copy_an_object(own_emulator)
    here, there = (own_emulator.client("secretsmanager", region) for region in regions.ALL)
    here.create_secret(Name="key", SecretString="value")
    here.replicate_secret_to_regions(SecretId="key", AddReplicaRegions=[{"Region": "us-west-2"}])
    # Tags of ECS are kept under ARNs alone.
    own_emulator.client("ecs").create_cluster(clusterName="tagged", tags=[{"key": "Name", "value": "tagged"}])

    regions.lose("us-east-1")
    for service, call in (("sns", "list_topics"), ("sts", "get_caller_identity"), ("s3", "list_buckets")):
        with pytest.raises(ClientError, match=r"ServiceUnavailable|503"):
            getattr(own_emulator.client(service), call)()
    own_emulator.stop()
    own_emulator.start()

    assert there.get_secret_value(SecretId="key")["SecretString"] == "value"
    there.stop_replication_to_replica(SecretId="key")
    there.put_secret_value(SecretId="key", SecretString="own")
    s3 = own_emulator.client("s3", "us-west-2")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["copies"]
    assert s3.get_object(Bucket="copies", Key="a/b")["Body"].read() == b"image"
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.get_object(Bucket="originals", Key="a/b")
    assert not [path for path in own_emulator.home.rglob("*") if "originals" in path.name]
    # IAM knows no regions, so that a role of the second region needs a name of its own.
    second = _deploy(own_emulator, "us-west-2")
    names = {role["RoleName"] for role in own_emulator.client("iam").list_roles()["Roles"]}
    assert {first, second} <= names
    assert first != second
    own_emulator.stop()
    assert "us-east-1:000000000000:stack" not in _state(own_emulator, "cloudformation")
    assert "us-west-2:000000000000:stack" in _state(own_emulator, "cloudformation")
    assert "arn:aws:ecs:us-east-1" not in _state(own_emulator, "ecs")


def test_copies_take_their_time_and_are_not_made_when_the_region_is_lost_before(
    own_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(own_emulator.home))
    replication_delay.put(3600.0)
    _copy_an_object(own_emulator)
    here, there = (own_emulator.client("s3", region) for region in regions.ALL)
    assert here.head_object(Bucket="originals", Key="a/b")["ReplicationStatus"] == "PENDING"
    assert _keys(there) == set()

    replication_delay.put(0.5)
    here.put_object(Bucket="originals", Key="c", Body=b"another image")
    _until(lambda: _keys(there) == {"c"})
    assert there.get_object(Bucket="copies", Key="c")["Body"].read() == b"another image"
    assert there.head_object(Bucket="copies", Key="c")["ReplicationStatus"] == "REPLICA"
    _until(lambda: here.head_object(Bucket="originals", Key="c")["ReplicationStatus"] == "COMPLETED")
    here.delete_object(Bucket="originals", Key="c")
    _until(lambda: _keys(there) == set())

    replication_delay.put(5.0)
    here.put_object(Bucket="originals", Key="too-late", Body=b"image")
    regions.lose("us-east-1")
    time.sleep(6.0)
    assert _keys(there) == set()


def _keys(s3: Any) -> set[str]:
    return {each["Key"] for each in s3.list_objects_v2(Bucket="copies").get("Contents", [])}


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_last_region_cannot_be_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "home"))
    regions.lose("us-east-1")
    assert regions.standing() == ("us-west-2",)
    with pytest.raises(ValueError, match="last region"):
        regions.lose("us-west-2")


def _deploy(emulator: Emulator, region: str) -> str:
    """The same stack in a region; the name of its role."""
    calls = emulator.client("cloudformation", region)
    calls.create_stack(StackName="trial", TemplateBody=json.dumps(TEMPLATE), Capabilities=CAPABILITIES)
    outputs = settled(calls, "trial")["Outputs"]
    return str(outputs[0]["OutputValue"])


def _copy_an_object(emulator: Emulator) -> None:
    here, _ = buckets_in_two_regions(emulator, "originals", "copies")
    rule = {
        "ID": "Copy",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copies"},
    }
    role = "arn:aws:iam::000000000000:role/copies"
    here.put_bucket_replication(Bucket="originals", ReplicationConfiguration={"Role": role, "Rules": [rule]})
    here.put_object(Bucket="originals", Key="a/b", Body=b"image")


def _state(emulator: Emulator, service: str) -> str:
    return (emulator.home / "emulator" / "state" / f"{service}.json").read_text()
