"""What is kept in a second region: copies of objects under a key there, copies of secrets that become independent."""

from __future__ import annotations

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from .support import Emulator, buckets_in_two_regions


def test_an_object_and_its_deletion_are_replicated_and_the_copy_has_the_key_of_its_region(emulator: Emulator) -> None:
    source, target = f"here-{uuid.uuid4().hex[:8]}", f"there-{uuid.uuid4().hex[:8]}"
    here, there = buckets_in_two_regions(emulator, source, target)
    keys = [emulator.client("kms", region).create_key()["KeyMetadata"]["Arn"] for region in ("us-east-1", "us-west-2")]
    rule = {
        "ID": "Copy",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{target}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": keys[1]},
        },
    }
    role = "arn:aws:iam::000000000000:role/copies"
    here.put_bucket_replication(Bucket=source, ReplicationConfiguration={"Role": role, "Rules": [rule]})
    here.put_object(Bucket=source, Key="a/b", Body=b"image", ServerSideEncryption="aws:kms", SSEKMSKeyId=keys[0])
    copy = there.get_object(Bucket=target, Key="a/b")
    assert copy["Body"].read() == b"image"
    assert (copy["ReplicationStatus"], copy["SSEKMSKeyId"]) == ("REPLICA", keys[1])
    assert here.head_object(Bucket=source, Key="a/b")["SSEKMSKeyId"] == keys[0]
    here.delete_object(Bucket=source, Key="a/b")
    with pytest.raises(ClientError, match="NoSuchKey"):
        there.get_object(Bucket=target, Key="a/b")
    assert len(there.list_object_versions(Bucket=target)["DeleteMarkers"]) == 1


def test_the_copy_of_a_secret_follows_until_it_is_made_independent(emulator: Emulator) -> None:
    name = f"trial/{uuid.uuid4().hex[:8]}"
    here, there = emulator.client("secretsmanager"), emulator.client("secretsmanager", "us-west-2")
    here.create_secret(Name=name, SecretString="first")
    here.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "us-west-2"}])
    here.put_secret_value(SecretId=name, SecretString="second")
    assert there.get_secret_value(SecretId=name)["SecretString"] == "second"
    with pytest.raises(ClientError, match="InvalidRequestException"):
        there.put_secret_value(SecretId=name, SecretString="own")
    there.stop_replication_to_replica(SecretId=name)
    assert (
        "ReplicationStatus" not in here.describe_secret(SecretId=name)
        or not here.describe_secret(SecretId=name)["ReplicationStatus"]
    )
    there.put_secret_value(SecretId=name, SecretString=json.dumps("own"))
    assert here.get_secret_value(SecretId=name)["SecretString"] == "second"
    with pytest.raises(ClientError, match="not a replica"):
        there.stop_replication_to_replica(SecretId=name)
