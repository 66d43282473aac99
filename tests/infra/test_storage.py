"""The receipts bucket and its copy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.config import load_environment
from infra.config.models import Domain
from stacks.storage import page_origins
from tests.infra.synthesized import Assembly, Template


def _bucket(template: Template) -> dict[str, Any]:
    return template.one("AWS::S3::Bucket", containing="Receipts")


def _statements(template: Template, resource_type: str, document: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = [
        statement
        for properties in template.properties(resource_type)
        for statement in properties[document]["Statement"]
    ]
    return statements


@pytest.mark.parametrize("stack", ["Storage", "StorageReplica"])
def test_buckets_are_private_encrypted_versioned_and_tls_only(prod: Assembly, stack: str) -> None:
    bucket = _bucket(prod[stack])
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert "ReceiptsKey" in json.dumps(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
    assert rule["BucketKeyEnabled"] is True
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    denied = [s for s in _statements(prod[stack], "AWS::S3::BucketPolicy", "PolicyDocument") if s["Effect"] == "Deny"]
    conditions = [statement["Condition"] for statement in denied]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_objects_get_cheaper_and_go(prod: Assembly) -> None:
    (rule,) = _bucket(prod["Storage"])["LifecycleConfiguration"]["Rules"]
    assert [(t["StorageClass"], t["TransitionInDays"]) for t in rule["Transitions"]] == [
        ("STANDARD_IA", 30),
        ("GLACIER_IR", 120),
    ]
    assert rule["ExpirationInDays"] == 3653
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["Status"] == "Enabled"


def test_replication_in_fifteen_minutes_with_a_metric(prod: Assembly) -> None:
    (rule,) = _bucket(prod["Storage"])["ReplicationConfiguration"]["Rules"]
    minutes = {"Minutes": 15}
    destination = rule["Destination"]
    assert destination["ReplicationTime"] == {"Status": "Enabled", "Time": minutes}
    assert destination["Metrics"] == {"Status": "Enabled", "EventThreshold": minutes}
    assert destination["EncryptionConfiguration"]["ReplicaKmsKeyID"]["Fn::GetStackOutput"]["Region"] == "us-west-2"
    assert rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"] == {"Status": "Enabled"}
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    assert rule["Priority"] == 1


def test_replication_may_use_both_keys(prod: Assembly) -> None:
    """Without either, S3 replicates nothing and says so only in a metric."""
    statements = _statements(prod["Storage"], "AWS::IAM::ManagedPolicy", "PolicyDocument")
    here = [s for s in statements if s["Action"] == "kms:Decrypt"]
    there = [s for s in statements if "kms:Encrypt" in s["Action"]]
    assert "ReceiptsKey" in json.dumps(here[0]["Resource"]["Fn::GetAtt"])
    assert there[0]["Resource"]["Fn::GetStackOutput"]["Region"] == "us-west-2"


def test_the_copy_has_a_name_that_the_other_region_knows(prod: Assembly, dev: Assembly) -> None:
    assert _bucket(prod["StorageReplica"])["BucketName"] == "spendsmart-prod-receipts-replica-000000000000-us-west-2"
    assert _bucket(dev["StorageReplica"])["BucketName"] == "spendsmart-dev-receipts-replica-000000000000-us-west-2"


def test_browsers_upload_from_our_pages_only(dev: Assembly, prod: Assembly, preview: Assembly) -> None:
    pages = ["http://*.elb.amazonaws.com", "https://*.cloudfront.net"]
    local = ["http://localhost:4580", "https://localhost:4590"]
    for assembly, origins in ((dev, local + pages), (prod, pages), (preview, pages[:1])):
        (rule,) = _bucket(assembly["Storage"])["CorsConfiguration"]["CorsRules"]
        assert rule["AllowedOrigins"] == origins
        assert rule["AllowedMethods"] == ["POST"]
    assert _bucket(prod["StorageReplica"])["CorsConfiguration"] == _bucket(prod["Storage"])["CorsConfiguration"]


def test_with_a_name_of_ones_own_its_pages_are_the_ones() -> None:
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/a"
    domain = Domain(name="app.example.com", certificate_arn=certificate, cdn_certificate_arn=certificate)
    environment = load_environment("prod").model_copy(update={"domain": domain})
    assert page_origins(environment) == ("https://app.example.com",)


def test_cloudfront_reads_receipts_for_this_account_only(prod: Assembly, preview: Assembly) -> None:
    for resource_type, document in (("AWS::S3::BucketPolicy", "PolicyDocument"), ("AWS::KMS::Key", "KeyPolicy")):
        (statement,) = [
            s
            for s in _statements(prod["Storage"], resource_type, document)
            if s["Principal"] == {"Service": "cloudfront.amazonaws.com"}
        ]
        assert statement["Action"] in {"s3:GetObject", "kms:Decrypt"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "000000000000"},
            "ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::000000000000:distribution/*"},
        }
        if resource_type == "AWS::S3::BucketPolicy":
            assert "/receipts/*" in json.dumps(statement["Resource"])
    assert "cloudfront" not in json.dumps(preview["Storage"].body)


def test_the_buckets_name_is_told(assembly: Assembly) -> None:
    (bucket,) = (name for name in assembly["Storage"].all("AWS::S3::Bucket") if name.startswith("Receipts"))
    assert assembly["Storage"].body["Outputs"]["ReceiptsBucket"]["Value"] == {"Ref": bucket}
