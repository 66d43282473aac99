"""Faults in backup plans, vaults and restore tests."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _rule(prod: Prod, name: str) -> tuple[str, dict[str, Any]]:
    plan = prod.resource("Backup", "AWS::Backup::BackupPlan")
    rules = plan["Properties"]["BackupPlan"]["BackupPlanRule"]
    return prod.path(plan), next(rule for rule in rules if rule["RuleName"] == name)


def _vault(prod: Prod, stack: str = "Backup") -> dict[str, Any]:
    return prod.resource(stack, "AWS::Backup::BackupVault")


@plants("BACKUP-109", constraint=109)
def a_month_in_cold_storage(prod: Prod) -> str:
    path, rule = _rule(prod, "Monthly")
    rule["CopyActions"][0]["Lifecycle"]["MoveToColdStorageAfterDays"] = 335
    return path


@plants("BACKUP-110", constraint=110)
def copies_to_a_vault_that_is_not_there(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    rule["CopyActions"][0]["DestinationBackupVaultArn"] += "-dr"
    return path


@plants("BACKUP-110b", constraint=110)
def copies_to_a_name(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    rule["CopyActions"][0]["DestinationBackupVaultArn"] = "spendsmart-prod-copies"
    return path


@plants("BACKUP-111", constraint=111)
def continuous_for_two_months(prod: Prod) -> str:
    path, rule = _rule(prod, "Continuous")
    rule["Lifecycle"]["DeleteAfterDays"] = 60
    return path


@plants("BACKUP-111b", constraint=111)
def half_an_hour_to_start(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    rule["StartWindowMinutes"] = 30
    return path


@plants("BACKUP-201")
def complete_before_it_starts(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    rule["StartWindowMinutes"] = 480
    return path


@plants("BACKUP-202")
def a_rule_name_with_spaces(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    rule["RuleName"] = "Each day at eight"
    return path


@plants("BACKUP-203")
def tags_by_pattern(prod: Prod) -> str:
    selection = prod.resource("Backup", "AWS::Backup::BackupSelection")
    selection["Properties"]["BackupSelection"]["ListOfTags"][0]["ConditionType"] = "STRINGLIKE"
    return prod.path(selection)


@plants("BACKUP-112", constraint=112)
def a_lock_after_a_day(prod: Prod) -> str:
    vault = _vault(prod, "BackupReplica")
    vault["Properties"]["LockConfiguration"]["ChangeableForDays"] = 1
    return prod.path(vault)


@plants("BACKUP-112b", constraint=112)
def copies_too_short_for_the_lock(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    rule["CopyActions"][0]["Lifecycle"]["DeleteAfterDays"] = 34
    return path


@plants("BACKUP-112c", constraint=112)
def a_locked_vault_to_be_deleted(prod: Prod) -> str:
    vault = _vault(prod, "BackupReplica")
    vault["DeletionPolicy"] = "Delete"
    return prod.path(vault)


@plants("BACKUP-113", constraint=113)
def a_vault_that_goes_with_its_stack(prod: Prod) -> str:
    vault = _vault(prod)
    del vault["DeletionPolicy"]
    return prod.path(vault)


def _test(prod: Prod) -> dict[str, Any]:
    return prod.resource("Backup", "AWS::Backup::RestoreTestingSelection")


@plants("BACKUP-114", constraint=114)
def a_restore_test_with_hyphens(prod: Prod) -> str:
    test = _test(prod)
    test["Properties"]["RestoreTestingSelectionName"] = "spendsmart-prod-rds"
    return prod.path(test)


@plants("BACKUP-114b", constraint=114)
def a_restore_test_over_two_years(prod: Prod) -> str:
    plan = prod.resource("Backup", "AWS::Backup::RestoreTestingPlan")
    plan["Properties"]["RecoveryPointSelection"]["SelectionWindowDays"] = 730
    return prod.path(plan)


@plants("BACKUP-204")
def a_restore_test_by_arn_and_tag(prod: Prod) -> str:
    test = _test(prod)
    test["Properties"]["ProtectedResourceArns"] = ["arn:aws:rds:us-east-1:000000000000:db:main"]
    return prod.path(test)


@plants("BACKUP-111", constraint=111)
def continuous_into_cold_storage(prod: Prod) -> str:
    path, rule = _rule(prod, "Continuous")
    rule["Lifecycle"] = {"MoveToColdStorageAfterDays": 0}
    return path


@plants("BACKUP-111", constraint=111)
def continuous_for_no_day(prod: Prod) -> str:
    path, rule = _rule(prod, "Continuous")
    rule["Lifecycle"] = {"DeleteAfterDays": 0}
    return path


@plants("BACKUP-112", constraint=112)
def a_lock_that_nothing_fits(prod: Prod) -> str:
    vault = _vault(prod, "BackupReplica")
    vault["Properties"]["LockConfiguration"] = {"MinRetentionDays": 36, "MaxRetentionDays": 35}
    return prod.path(vault)


@plants("BACKUP-112", constraint=112)
def a_lock_for_more_than_a_century(prod: Prod) -> str:
    vault = _vault(prod, "BackupReplica")
    vault["Properties"]["LockConfiguration"] = {"MinRetentionDays": 1, "MaxRetentionDays": 36501}
    return prod.path(vault)


@plants("BACKUP-112b", constraint=112)
def copies_for_ever_in_a_vault_with_an_end(prod: Prod) -> str:
    path, rule = _rule(prod, "Daily")
    del rule["CopyActions"][0]["Lifecycle"]
    return path


@plants("BACKUP-112b", constraint=112)
def copies_a_day_too_long_for_the_lock(prod: Prod) -> str:
    path, rule = _rule(prod, "Monthly")
    rule["CopyActions"][0]["Lifecycle"]["DeleteAfterDays"] = 366
    return path


@plants("BACKUP-114b", constraint=114)
def a_restore_test_that_never_ends(prod: Prod) -> str:
    test = _test(prod)
    test["Properties"]["ValidationWindowHours"] = 169
    return prod.path(test)


@plants("BACKUP-114b", constraint=114)
def a_restore_test_without_time_to_start(prod: Prod) -> str:
    plan = prod.resource("Backup", "AWS::Backup::RestoreTestingPlan")
    plan["Properties"]["StartWindowHours"] = 0
    return prod.path(plan)


@plants("BACKUP-203")
def too_many_patterns(prod: Prod) -> str:
    selection = prod.resource("Backup", "AWS::Backup::BackupSelection")
    patterns = [f"arn:aws:s3:::bucket-{number}-*" for number in range(31)]
    selection["Properties"]["BackupSelection"]["Resources"] = patterns
    return prod.path(selection)


@plants("BACKUP-204")
def a_restore_test_of_everything_and_one(prod: Prod) -> str:
    test = _test(prod)
    test["Properties"]["ProtectedResourceArns"].append("arn:aws:rds:us-east-1:000000000000:db:main")
    return prod.path(test)
