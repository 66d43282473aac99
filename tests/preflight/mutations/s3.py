"""Faults in buckets: lifecycle, logs, notifications and replication."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _bucket(prod: Prod, stack: str = "Storage") -> dict[str, Any]:
    """Not the bucket of access logs that the stacks of storage have as well."""
    return prod.resource(stack, "AWS::S3::Bucket", "" if stack == "Edge" else "Receipts")


def _lifecycle(prod: Prod) -> tuple[dict[str, Any], dict[str, Any]]:
    bucket = _bucket(prod)
    return bucket, bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]


def _replication(prod: Prod) -> tuple[dict[str, Any], dict[str, Any]]:
    bucket = _bucket(prod)
    return bucket, bucket["Properties"]["ReplicationConfiguration"]["Rules"][0]


@plants("S3-79", constraint=79)
def time_control_without_metrics(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    del rule["Destination"]["Metrics"]
    return prod.path(bucket)


@plants("S3-79b", constraint=79)
def thirty_minutes_to_replicate(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    rule["Destination"]["ReplicationTime"]["Time"]["Minutes"] = 30
    return prod.path(bucket)


@plants("S3-79c", constraint=79)
def delete_markers_by_tag(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    rule["Filter"] = {"TagFilter": {"Key": "keep", "Value": "yes"}}
    return prod.path(bucket)


@plants("S3-79d", constraint=79)
def two_rules_of_one_priority(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    bucket["Properties"]["ReplicationConfiguration"]["Rules"].append({**rule, "Filter": {"Prefix": "exports/"}})
    return prod.path(bucket)


@plants("S3-79e", constraint=79)
def delete_markers_left_open(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    del rule["DeleteMarkerReplication"]
    return prod.path(bucket)


@plants("S3-80", constraint=80)
def encrypted_receipts_left_out(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    del rule["SourceSelectionCriteria"]
    return prod.path(bucket)


@plants("S3-80b", constraint=80)
def no_key_for_the_replicas(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    del rule["Destination"]["EncryptionConfiguration"]
    return prod.path(bucket)


@plants("S3-80c", constraint=80)
def a_key_for_replicas_of_nothing(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    rule["SourceSelectionCriteria"] = {"ReplicaModifications": {"Status": "Enabled"}}
    return prod.path(bucket)


@plants("S3-80d", constraint=80)
def the_sources_key_for_the_replicas(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    own = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    key = own["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"] = key
    return prod.path(bucket)


@plants("S3-80e", constraint=80)
def a_role_that_cannot_decrypt(prod: Prod) -> str:
    policy = prod.resource("Storage", "AWS::IAM::ManagedPolicy")
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [action for action in actions if action != "kms:Decrypt"]
    return prod.path(_bucket(prod))


@plants("S3-81", constraint=81)
def a_source_without_versions(prod: Prod) -> str:
    bucket = _bucket(prod)
    del bucket["Properties"]["VersioningConfiguration"]
    return prod.path(bucket)


@plants("S3-81b", constraint=81)
def a_replica_without_versions(prod: Prod) -> str:
    _bucket(prod, "StorageReplica")["Properties"]["VersioningConfiguration"]["Status"] = "Suspended"
    return prod.path(_bucket(prod))


@plants("S3-81c", constraint=81)
def a_replica_made_in_parallel(prod: Prod) -> str:
    bucket, rule = _replication(prod)
    copy = {"BucketName": "receipts-beside", "VersioningConfiguration": {"Status": "Enabled"}}
    prod.add("Storage", "Beside", {"Type": "AWS::S3::Bucket", "Properties": copy})
    rule["Destination"]["Bucket"] = "arn:aws:s3:::receipts-beside"
    return prod.path(bucket)


@plants("S3-82", constraint=82)
def infrequent_access_after_a_week(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["Transitions"][0]["TransitionInDays"] = 7
    return prod.path(bucket)


@plants("S3-82b", constraint=82)
def gone_before_it_moves(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["ExpirationInDays"] = 120
    return prod.path(bucket)


@plants("S3-82c", constraint=82)
def a_date_among_days(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["ExpirationDate"] = "2040-01-01T00:00:00Z"
    del rule["ExpirationInDays"]
    return prod.path(bucket)


@plants("S3-82d", constraint=82)
def back_to_a_warmer_class(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["Transitions"][0]["TransitionInDays"] = 200
    return prod.path(bucket)


@plants("S3-202")
def a_rule_that_does_nothing(prod: Prod) -> str:
    bucket = _bucket(prod, "Edge")
    bucket["Properties"]["LifecycleConfiguration"]["Rules"] = [{"Id": "Nothing", "Status": "Enabled"}]
    return prod.path(bucket)


@plants("S3-203")
def delete_markers_beside_an_expiration(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["ExpiredObjectDeleteMarker"] = True
    return prod.path(bucket)


@plants("S3-204")
def two_rules_of_one_id(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    bucket["Properties"]["LifecycleConfiguration"]["Rules"].append({**rule, "Prefix": "exports/"})
    return prod.path(bucket)


def _logging(prod: Prod) -> dict[str, Any]:
    """Sends the access logs of the edge's bucket to a second one."""
    logs = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    target = prod.add("Edge", "ServerLogs", {"Type": "AWS::S3::Bucket", "Properties": logs})
    _bucket(prod, "Edge")["Properties"]["LoggingConfiguration"] = {"DestinationBucketName": {"Ref": "ServerLogs"}}
    return target


@plants("S3-83", constraint=83)
def server_logs_encrypted_with_kms(prod: Prod) -> str:
    logs = _logging(prod)
    default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    logs["Properties"]["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [default]}
    return prod.path(logs)


@plants("S3-83b", constraint=83)
def server_logs_to_another_region(prod: Prod) -> str:
    bucket, replica = _bucket(prod), _bucket(prod, "StorageReplica")
    name = replica["Properties"]["BucketName"]
    bucket["Properties"]["LoggingConfiguration"] = {"DestinationBucketName": name}
    return prod.path(bucket)


@plants("S3-83c", constraint=83)
def server_logs_without_a_right_to_write(prod: Prod) -> str:
    return prod.path(_logging(prod))


@plants("S3-83d", constraint=83)
def server_logs_under_default_retention(prod: Prod) -> str:
    logs = _logging(prod)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}}
    logs["Properties"] |= {"ObjectLockEnabled": True, "ObjectLockConfiguration": lock}
    return prod.path(logs)


@plants("S3-205")
def a_queue_that_refuses_the_bucket(prod: Prod) -> str:
    bucket = _bucket(prod)
    prod.add("Storage", "Uploads", {"Type": "AWS::SQS::Queue"})
    bucket["Properties"]["NotificationConfiguration"] = {
        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Uploads", "Arn"]}}]
    }
    return prod.path(bucket)


@plants("S3-201")
def a_role_for_somebody_else(prod: Prod) -> str:
    role = prod.resource("Storage", "AWS::IAM::Role")
    role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"Service": "lambda.amazonaws.com"}
    return prod.path(_bucket(prod))


@plants("S3-82b", constraint=82)
def old_versions_gone_before_they_move(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["NoncurrentVersionTransitions"] = [{"StorageClass": "GLACIER", "TransitionInDays": 30}]
    return prod.path(bucket)


@plants("S3-82d", constraint=82)
def twice_to_one_class(prod: Prod) -> str:
    bucket, rule = _lifecycle(prod)
    rule["Transitions"].append({"StorageClass": "GLACIER_IR", "TransitionInDays": 400})
    return prod.path(bucket)


@plants("S3-202")
def expired_at_birth(prod: Prod) -> str:
    bucket = _bucket(prod, "Edge")
    bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] = 0
    return prod.path(bucket)


@plants("S3-205")
def a_function_that_the_bucket_may_not_invoke(prod: Prod) -> str:
    bucket = _bucket(prod)
    prod.add("Storage", "Thumbnails", {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "thumbnails"}})
    permission = {"FunctionName": "thumbnails", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    prod.add("Storage", "May", {"Type": "AWS::Lambda::Permission", "Properties": permission})
    bucket["Properties"]["NotificationConfiguration"] = {
        "LambdaConfigurations": [
            {"Event": "s3:ObjectCreated:*", "Function": {"Fn::GetAtt": ["Thumbnails", "Arn"]}},
        ]
    }
    return prod.path(bucket)
