"""IAM, KMS, WAF, CloudFront and S3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.readback.reader import Client, only, reads

Wanted = Mapping[str, Any]


@reads("AWS::IAM::Role")
def role(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    iam = client("iam")
    found = dict(iam.get_role(RoleName=ref)["Role"])
    names = iam.list_role_policies(RoleName=ref)["PolicyNames"]
    return {
        **found,
        "ManagedPolicyArns": [
            each["PolicyArn"]
            for each in iam.list_attached_role_policies(RoleName=ref)["AttachedPolicies"]
            # Policies that attach themselves are compared there.
            if each["PolicyArn"] in _wanted.get("ManagedPolicyArns", [])
        ],
        "PermissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "Policies": [
            {
                "PolicyName": name,
                "PolicyDocument": iam.get_role_policy(RoleName=ref, PolicyName=name)["PolicyDocument"],
            }
            # Policies that are resources of their own are compared there.
            for name in names
            if name in {policy["PolicyName"] for policy in _wanted.get("Policies", [])}
        ],
    }


@reads("AWS::IAM::Policy")
def policy(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    iam = client("iam")
    name = wanted["PolicyName"]
    documents = [iam.get_role_policy(RoleName=each, PolicyName=name)["PolicyDocument"] for each in wanted["Roles"]]
    return {"PolicyName": name, "PolicyDocument": documents[0], "Roles": wanted["Roles"]}


@reads("AWS::IAM::ManagedPolicy")
def managed_policy(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    iam = client("iam")
    found = dict(iam.get_policy(PolicyArn=ref)["Policy"])
    version = iam.get_policy_version(PolicyArn=ref, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    attached = iam.list_entities_for_policy(PolicyArn=ref)["PolicyRoles"]
    return {
        **found,
        "PolicyDocument": version["Document"],
        "ManagedPolicyName": found["PolicyName"],
        "Roles": [each["RoleName"] for each in attached],
    }


@reads(
    "AWS::KMS::Key",
    unreadable={"PendingWindowInDays": "an option of the deleting call, kept nowhere"},
)
def key(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    kms = client("kms")
    tags = kms.list_resource_tags(KeyId=ref)["Tags"]
    return {
        **kms.describe_key(KeyId=ref)["KeyMetadata"],
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=ref)["KeyRotationEnabled"],
        "KeyPolicy": kms.get_key_policy(KeyId=ref, PolicyName="default")["Policy"],
        "Tags": [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags],
    }


@reads("AWS::KMS::Alias", renamed={"TargetKeyId": "TargetKeyId"})
def alias(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    aliases = [each for page in client("kms").get_paginator("list_aliases").paginate() for each in page["Aliases"]]
    return dict(only([each for each in aliases if each["AliasName"] == ref]))


# WAF


@reads("AWS::WAFv2::WebACL")
def web_acl(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    name, identifier, scope = ref.split("|")
    waf = client("wafv2")
    found = dict(waf.get_web_acl(Name=name, Id=identifier, Scope=scope)["WebACL"])
    tags = waf.list_tags_for_resource(ResourceARN=found["ARN"])["TagInfoForResource"]["TagList"]
    return {**found, "Scope": scope, "Tags": tags}


@reads("AWS::WAFv2::WebACLAssociation")
def web_acl_association(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("wafv2").get_web_acl_for_resource(ResourceArn=wanted["ResourceArn"])["WebACL"]
    return {"ResourceArn": wanted["ResourceArn"], "WebACLArn": found["ARN"]}


@reads("AWS::WAFv2::LoggingConfiguration")
def web_acl_logging(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(client("wafv2").get_logging_configuration(ResourceArn=ref)["LoggingConfiguration"])


# CloudFront


def _unwrapped(value: Any) -> Any:
    """CloudFront counts its lists; templates do not."""
    if isinstance(value, dict):
        if "Quantity" in value and set(value) <= {"Quantity", "Items", "Enabled", "CachedMethods"}:
            return [_unwrapped(item) for item in value.get("Items", [])]
        return {name: _unwrapped(item) for name, item in value.items()}
    return [_unwrapped(item) for item in value] if isinstance(value, list) else value


def _distribution(config: Any) -> Any:
    """A template's configuration in the API's words."""
    words = {
        "IPV6Enabled": "IsIPV6Enabled",
        "OriginSSLProtocols": "OriginSslProtocols",
        "OriginCustomHeaders": "CustomHeaders",
        "S3OriginConfig": "S3OriginConfig",
    }
    if isinstance(config, dict):
        return {words.get(name, name): _distribution(value) for name, value in config.items()}
    return [_distribution(item) for item in config] if isinstance(config, list) else config


@reads("AWS::CloudFront::Distribution", shaped={"DistributionConfig": _distribution})
def distribution(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    cloudfront = client("cloudfront")
    found = cloudfront.get_distribution(Id=ref)["Distribution"]
    tags = cloudfront.list_tags_for_resource(Resource=found["ARN"])["Tags"]
    return {"DistributionConfig": _unwrapped(found["DistributionConfig"]), "Tags": tags["Items"]}


@reads("AWS::CloudFront::OriginAccessControl")
def origin_access_control(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(client("cloudfront").get_origin_access_control(Id=ref)["OriginAccessControl"])


@reads("AWS::CloudFront::PublicKey")
def public_key(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(client("cloudfront").get_public_key(Id=ref)["PublicKey"])


@reads("AWS::CloudFront::KeyGroup")
def key_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(client("cloudfront").get_key_group(Id=ref)["KeyGroup"])


@reads("AWS::CloudFront::ResponseHeadersPolicy")
def response_headers_policy(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(_unwrapped(client("cloudfront").get_response_headers_policy(Id=ref)["ResponseHeadersPolicy"]))


@reads("AWS::CloudFront::CachePolicy")
def cache_policy(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(_unwrapped(client("cloudfront").get_cache_policy(Id=ref)["CachePolicy"]))


@reads("AWS::CloudFront::OriginRequestPolicy")
def origin_request_policy(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(_unwrapped(client("cloudfront").get_origin_request_policy(Id=ref)["OriginRequestPolicy"]))


# S3


def _or_nothing(call: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    try:
        return dict(call(**arguments))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return {}
        raise


def _encryption(value: Any) -> Any:
    words = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = [
        {words.get(name, name): item for name, item in rule.items()}
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


def _lifecycle(value: Any) -> Any:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, item in rule.items():
        match name:
            case "Id":
                shown["ID"] = item
            case "ExpirationInDays":
                shown.setdefault("Expiration", {})["Days"] = item
            case "ExpiredObjectDeleteMarker":
                shown.setdefault("Expiration", {})["ExpiredObjectDeleteMarker"] = item
            case "Transitions":
                shown["Transitions"] = [
                    {"Days": each["TransitionInDays"], "StorageClass": each["StorageClass"]} for each in item
                ]
            case "Prefix":
                shown["Filter"] = {"Prefix": item}
            case _:
                shown[name] = item
    return shown


def _cors(value: Any) -> Any:
    words = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return [{words.get(name, name): item for name, item in rule.items()} for rule in value["CorsRules"]]


@reads(
    "AWS::S3::Bucket",
    shaped={
        "BucketEncryption": _encryption,
        "LifecycleConfiguration": _lifecycle,
        "CorsConfiguration": _cors,
        "NotificationConfiguration": lambda value: (
            {"EventBridgeConfiguration": {}} if "EventBridgeConfiguration" in value else value
        ),
        "LoggingConfiguration": lambda value: {
            "TargetBucket": value["DestinationBucketName"],
            "TargetPrefix": value.get("LogFilePrefix", ""),
        },
    },
)
def bucket(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    s3 = client("s3")
    notification = _or_nothing(s3.get_bucket_notification_configuration, Bucket=ref)
    encryption = _or_nothing(s3.get_bucket_encryption, Bucket=ref)
    return {
        "BucketName": ref,
        "BucketEncryption": encryption.get("ServerSideEncryptionConfiguration"),
        "LifecycleConfiguration": _or_nothing(s3.get_bucket_lifecycle_configuration, Bucket=ref),
        "CorsConfiguration": _or_nothing(s3.get_bucket_cors, Bucket=ref).get("CORSRules"),
        "NotificationConfiguration": notification,
        "OwnershipControls": _or_nothing(s3.get_bucket_ownership_controls, Bucket=ref).get("OwnershipControls"),
        "PublicAccessBlockConfiguration": _or_nothing(s3.get_public_access_block, Bucket=ref).get(
            "PublicAccessBlockConfiguration"
        ),
        "ReplicationConfiguration": _or_nothing(s3.get_bucket_replication, Bucket=ref).get("ReplicationConfiguration"),
        "VersioningConfiguration": _or_nothing(s3.get_bucket_versioning, Bucket=ref),
        "LoggingConfiguration": _or_nothing(s3.get_bucket_logging, Bucket=ref).get("LoggingEnabled"),
        "Tags": _or_nothing(s3.get_bucket_tagging, Bucket=ref).get("TagSet"),
    }


@reads("AWS::S3::BucketPolicy")
def bucket_policy(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    name = wanted["Bucket"]
    return {"Bucket": name, "PolicyDocument": client("s3").get_bucket_policy(Bucket=name)["Policy"]}
