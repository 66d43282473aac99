"""Buckets whole: encryption, lifecycle, replication, logging, ownership and tags, which MiniStack's handler drops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Properties, Wanted, resource


@resource("AWS::S3::Bucket")
class Bucket(Completion):
    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        unknown = wanted.properties.keys() - _CONFIGURATIONS.keys() - _OF_THE_STOCK_HANDLER
        if unknown:
            raise coercion.UnknownPropertyError(f"AWS::S3::Bucket: {', '.join(sorted(unknown))} not available here")
        for name, (put, delete) in _CONFIGURATIONS.items():
            if name in wanted.properties:
                put(ref, wanted.properties[name])
            elif name in before:
                delete(ref)
        return {}

    def delete(self, ref: str, properties: Properties) -> None:
        # Upstream deletes buckets with their content.
        content = client("s3").list_object_versions(Bucket=ref, MaxKeys=1)
        if content.get("Versions") or content.get("DeleteMarkers"):
            raise ValueError(f"The bucket you tried to delete is not empty: {ref}")
        super().delete(ref, properties)
        for store in s3._PERSISTED_BUCKET_DICTS.values():
            if ref in store:
                del store[ref]


_OF_THE_STOCK_HANDLER = frozenset(
    {"BucketName", "NotificationConfiguration", "CorsConfiguration", "PublicAccessBlockConfiguration"}
)


def _encryption(bucket: str, value: Any) -> None:
    rules = [
        {"ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {}),
         **{name: item for name, item in rule.items() if name != "ServerSideEncryptionByDefault"}}
        for rule in value["ServerSideEncryptionConfiguration"]
    ]  # fmt: skip
    configuration = coercion.to_shape("s3", "ServerSideEncryptionConfiguration", {"Rules": rules})
    client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=configuration)


def _versioning(bucket: str, value: Any) -> None:
    client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=dict(value))


def _lifecycle(bucket: str, value: Any) -> None:
    request: dict[str, Any] = {"LifecycleConfiguration": {"Rules": [lifecycle_rule(rule) for rule in value["Rules"]]}}
    if "TransitionDefaultMinimumObjectSize" in value:
        request["TransitionDefaultMinimumObjectSize"] = value["TransitionDefaultMinimumObjectSize"]
    client("s3").put_bucket_lifecycle_configuration(Bucket=bucket, **request)


def lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template's rule in the API's words. Raises UnknownPropertyError."""
    wanted = dict(rule)
    filters: dict[str, Any] = {}
    for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in wanted:
            value = wanted.pop(name)
            filters[name] = value if name == "Prefix" else int(value)
    if tags := wanted.pop("TagFilters", None):
        filters["Tags"] = tags
    if len(filters) > 1 or "Tags" in filters:
        filters = {"And": filters}
    wanted["Filter"] = filters or {"Prefix": ""}
    expiration = {
        target: wanted.pop(source)
        for source, target in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if source in wanted
    }
    if expiration:
        wanted["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in wanted:
        wanted["NoncurrentVersionExpiration"] = {"NoncurrentDays": wanted.pop("NoncurrentVersionExpirationInDays")}
    result: dict[str, Any] = coercion.to_shape(
        "s3",
        "LifecycleRule",
        wanted,
        rename={"TransitionInDays": "Days" if "Transitions" in wanted else "NoncurrentDays", "Id": "ID"},
    )
    return result


def _replication(bucket: str, value: Any) -> None:
    rules = [replication_rule(rule) for rule in value["Rules"]]
    client("s3").put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": value["Role"], "Rules": rules})


def replication_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template's rule in the API's words. Raises UnknownPropertyError."""
    wanted = dict(rule)
    if "Filter" in wanted and "TagFilter" in wanted["Filter"]:
        filtered = dict(wanted["Filter"])
        wanted["Filter"] = {**{k: v for k, v in filtered.items() if k != "TagFilter"}, "Tag": filtered["TagFilter"]}
    result: dict[str, Any] = coercion.to_shape("s3", "ReplicationRule", wanted, rename={"Id": "ID"})
    return result


def _logging(bucket: str, value: Any) -> None:
    enabled = {
        "TargetBucket": value.get("DestinationBucketName", bucket),
        "TargetPrefix": value.get("LogFilePrefix", ""),
    }
    if "TargetObjectKeyFormat" in value:
        enabled["TargetObjectKeyFormat"] = value["TargetObjectKeyFormat"]
    client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})


def _ownership(bucket: str, value: Any) -> None:
    client("s3").put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": list(value["Rules"])})


def _access_control(bucket: str, value: Any) -> None:
    # Private is what a bucket is; buckets without ACLs take no other word for it.
    if value == "Private":
        return
    # PublicRead in templates is public-read in the API.
    client("s3").put_bucket_acl(Bucket=bucket, ACL=re.sub(r"(?<!^)(?=[A-Z])", "-", str(value)).lower())


def _tagging(bucket: str, value: Any) -> None:
    tags = [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in value]
    client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


_CONFIGURATIONS: dict[str, tuple[Callable[[str, Any], None], Callable[[str], Any]]] = {
    # Decides whether a bucket takes ACLs, so it comes first.
    "OwnershipControls": (_ownership, lambda bucket: client("s3").delete_bucket_ownership_controls(Bucket=bucket)),
    "BucketEncryption": (_encryption, lambda bucket: client("s3").delete_bucket_encryption(Bucket=bucket)),
    "VersioningConfiguration": (
        _versioning,
        lambda bucket: client("s3").put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
    ),
    "LifecycleConfiguration": (_lifecycle, lambda bucket: client("s3").delete_bucket_lifecycle(Bucket=bucket)),
    "ReplicationConfiguration": (_replication, lambda bucket: client("s3").delete_bucket_replication(Bucket=bucket)),
    "LoggingConfiguration": (
        _logging,
        lambda bucket: client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={}),
    ),
    "AccessControl": (
        _access_control,
        lambda bucket: client("s3").put_bucket_acl(Bucket=bucket, ACL="private"),
    ),
    "Tags": (_tagging, lambda bucket: client("s3").delete_bucket_tagging(Bucket=bucket)),
}
