"""Statements about data stores hold where a template keeps them, and break where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.assembly import AuditError
from audit.model import State, Store
from audit.stores.declared import Declared, declared
from audit.stores.inventory import inventory
from preflight.loading import single

EVERYTHING = (Declared(path="*", classification="personal", holds="letters"),)
LOGS = (Declared(path="*", classification="operational", holds="logs", no_backup="nobody restores logs"),)
REGIONS = ("us-east-1", "us-west-2")
KEY = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}}}


def stores(
    resources: dict[str, Any], entries: tuple[Declared, ...] = EVERYTHING, region: str = "us-east-1"
) -> tuple[dict[str, Store], tuple[str, ...]]:
    assembly = single({"Resources": {"Key": KEY, **resources}}, name="S", region=region)
    found, faults = inventory(assembly, entries, REGIONS, lambda _: ())
    return {one.path.removeprefix("S/"): one for one in found}, faults


def states(store: Store) -> dict[str, State]:
    return {one.name: one.state for one in store.statements}


def database(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::RDS::DBInstance", "Properties": {"Engine": "postgres", "EngineVersion": "17.9", **properties}}


SOUND = database(StorageEncrypted=True, KmsKeyId={"Fn::GetAtt": ["Key", "Arn"]}, BackupRetentionPeriod=35)
REPLICA = database(SourceDBInstanceIdentifier={"Ref": "Writer"})


def test_a_replica_is_as_encrypted_as_its_source() -> None:
    found, _ = stores({"Writer": SOUND, "Reader": REPLICA})
    assert states(found["Reader"])["encryption"] is State.PASSED
    assert found["Reader"].key == "S/Key"
    assert states(found["Reader"])["backup"] is State.NOT_APPLICABLE
    plain = {**SOUND, "Properties": {**SOUND["Properties"], "StorageEncrypted": False}}
    found, _ = stores({"Writer": plain, "Reader": REPLICA})
    assert states(found["Reader"])["encryption"] is State.FAILED
    assert states(found["Writer"])["encryption"] is State.FAILED


def test_personal_data_wants_a_key_of_our_own_and_a_backup() -> None:
    found, _ = stores({"Writer": database(StorageEncrypted=True)})
    assert states(found["Writer"])["encryption"] is State.FAILED
    assert states(found["Writer"])["backup"] is State.FAILED
    assert states(found["Writer"])["transit"] is State.PASSED, "from PostgreSQL 15 on RDS forces TLS"
    found, _ = stores({"Old": database(StorageEncrypted=True, EngineVersion="14.9")})
    assert states(found["Old"])["transit"] is State.FAILED


def test_a_log_group_without_retention_breaks_its_statement() -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 365}}
    found, _ = stores({"Kept": group, "Forever": {"Type": "AWS::Logs::LogGroup"}}, LOGS)
    assert states(found["Kept"])["retention"] is State.PASSED
    assert states(found["Forever"])["retention"] is State.FAILED
    assert states(found["Kept"])["backup"] is State.NOT_APPLICABLE


def test_a_bucket_has_to_refuse_plain_http() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    bucket = {"Type": "AWS::S3::Bucket"}
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Closed"}, "PolicyDocument": {"Statement": [deny]}},
    }
    found, _ = stores({"Closed": bucket, "Open": bucket, "Policy": policy})
    assert states(found["Closed"])["transit"] is State.PASSED
    assert states(found["Open"])["transit"] is State.FAILED


def test_data_in_another_region_breaks_the_statement() -> None:
    found, _ = stores({"Writer": SOUND}, region="eu-west-1")
    assert states(found["Writer"])["region"] is State.FAILED
    copied = database(**SOUND["Properties"], AutomaticBackupReplicationRegion="ap-south-1")
    found, _ = stores({"Writer": copied})
    assert states(found["Writer"])["region"] is State.FAILED
    assert "ap-south-1" in next(one.evidence for one in found["Writer"].statements if one.name == "region")


def test_a_plan_of_aws_backup_takes_what_has_its_tag() -> None:
    plan = {
        "Type": "AWS::Backup::BackupPlan",
        "Properties": {
            "BackupPlan": {
                "BackupPlanName": "p",
                "BackupPlanRule": [{"RuleName": "r", "Lifecycle": {"DeleteAfterDays": 90}, "TargetBackupVault": "v"}],
            }
        },
    }
    selection = {
        "Type": "AWS::Backup::BackupSelection",
        "Properties": {
            "BackupPlanId": {"Ref": "Plan"},
            "BackupSelection": {
                "IamRoleArn": "r",
                "SelectionName": "s",
                "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "Plan", "ConditionValue": "daily"}],
            },
        },
    }
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": [{"Key": "Plan", "Value": "daily"}]}}
    found, _ = stores({"Plan": plan, "Selection": selection, "In": bucket, "Out": {"Type": "AWS::S3::Bucket"}})
    assert states(found["In"])["backup"] is State.PASSED
    assert "90 days" in found["In"].backup
    assert states(found["Out"])["backup"] is State.FAILED


def test_a_store_that_nobody_has_classified_is_a_fault() -> None:
    _, faults = stores({"Writer": SOUND}, ())
    assert faults == ("S/Writer: what it holds is not in config/tooling/data-stores.toml",)
    _, faults = stores({"Table": {"Type": "AWS::DynamoDB::Table"}})
    assert "nothing is known of AWS::DynamoDB::Table" in faults[0]


def test_an_unknown_class_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "stores.toml"
    file.write_text('[[store]]\npath = "*"\nclassification = "harmless"\nholds = "x"\n')
    with pytest.raises(AuditError, match="harmless"):
        declared(file)
    assert declared()
