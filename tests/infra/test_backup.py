"""Backup plans, the copy in the other region, and the restore tests."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.infra.synthesized import Assembly

TAG = {"Key": "BackupPlan", "Value": "spendsmart-prod"}


def _rules(assembly: Assembly) -> dict[str, dict[str, Any]]:
    plan = assembly["Backup"].one("AWS::Backup::BackupPlan")["BackupPlan"]
    return {rule["RuleName"]: rule for rule in plan["BackupPlanRule"]}


def test_daily_monthly_and_continuous(prod: Assembly) -> None:
    rules = _rules(prod)
    assert {name: rule["Lifecycle"]["DeleteAfterDays"] for name, rule in rules.items()} == {
        "Daily": 35,
        "Monthly": 365,
        "Continuous": 35,  # AWS Backup's most
    }
    assert rules["Continuous"]["EnableContinuousBackup"] is True
    assert all(rule["StartWindowMinutes"] >= 60 for rule in rules.values())
    assert len({rule["ScheduleExpression"] for rule in rules.values()}) == 3


def test_continuous_backup_agrees_with_the_database(prod: Assembly) -> None:
    """Under continuous backup RDS takes no other retention."""
    writer = prod["Data"].one("AWS::RDS::DBInstance", containing="Writer")
    assert writer["BackupRetentionPeriod"] == _rules(prod)["Continuous"]["Lifecycle"]["DeleteAfterDays"]


def test_copies_go_to_the_vault_that_exists_there(prod: Assembly) -> None:
    vault = prod["BackupReplica"].one("AWS::Backup::BackupVault")
    arn = f"arn:aws:backup:us-west-2:000000000000:backup-vault:{vault['BackupVaultName']}"
    for name in ("Daily", "Monthly"):
        (copy,) = _rules(prod)[name]["CopyActions"]
        assert copy["DestinationBackupVaultArn"] == arn
        kept = copy["Lifecycle"]["DeleteAfterDays"]
        # What does not fit the lock is refused by the vault, and nobody hears of it at deploy time.
        assert vault["LockConfiguration"]["MinRetentionDays"] <= kept <= vault["LockConfiguration"]["MaxRetentionDays"]


def test_copies_in_production_cannot_be_deleted(prod: Assembly, staging: Assembly) -> None:
    vault = prod["BackupReplica"].one("AWS::Backup::BackupVault")
    assert vault["LockConfiguration"]["ChangeableForDays"] >= 3
    (statement,) = vault["AccessPolicy"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert "backup:DeleteRecoveryPoint" in statement["Action"]
    assert "LockConfiguration" not in staging["BackupReplica"].one("AWS::Backup::BackupVault")


def test_what_is_tagged_is_what_must_not_be_lost(prod: Assembly, dev: Assembly) -> None:
    (selected,) = prod["Backup"].one("AWS::Backup::BackupSelection")["BackupSelection"]["ListOfTags"]
    assert (selected["ConditionKey"], selected["ConditionValue"]) == (TAG["Key"], TAG["Value"])
    tagged = {
        name
        for template in prod.templates.values()
        for name, resource in template.body["Resources"].items()
        if isinstance(tags := resource.get("Properties", {}).get("Tags"), list) and TAG in tags
    }
    assert tagged == {"DatabaseWriter7794273E", "ReceiptsBucket3F658C3D"}
    assert '"Key": "BackupPlan"' not in json.dumps(dev["Data"].body)


def test_roles_can_back_up_and_restore_databases_and_buckets(prod: Assembly) -> None:
    policies = json.dumps(prod["Backup"].properties("AWS::IAM::Role"))
    for policy in (
        "service-role/AWSBackupServiceRolePolicyForBackup",
        "AWSBackupServiceRolePolicyForS3Backup",
        "service-role/AWSBackupServiceRolePolicyForRestores",
        "AWSBackupServiceRolePolicyForS3Restore",
    ):
        assert policy in policies, policy


def test_restores_are_tested(prod: Assembly) -> None:
    backup = prod["Backup"]
    plan = backup.one("AWS::Backup::RestoreTestingPlan")
    selections = backup.properties("AWS::Backup::RestoreTestingSelection")
    assert {s["ProtectedResourceType"] for s in selections} == {"RDS", "S3"}
    names = [plan["RestoreTestingPlanName"], *(s["RestoreTestingSelectionName"] for s in selections)]
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,50}", name) for name in names)
    for selection in selections:
        (condition,) = selection["ProtectedResourceConditions"]["StringEquals"]
        assert condition == {"Key": "aws:ResourceTag/BackupPlan", "Value": "spendsmart-prod"}


def test_vault_names_are_valid(prod: Assembly) -> None:
    for stack in ("Backup", "BackupReplica"):
        assert re.fullmatch(r"[a-zA-Z0-9_-]{2,50}", prod[stack].one("AWS::Backup::BackupVault")["BackupVaultName"])
