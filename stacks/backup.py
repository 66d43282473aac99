"""AWS Backup: what is copied when, how long it is kept, and the proof that it can be restored."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra import backup_tag
from infra.acknowledgement import Decision, Pack, acknowledge
from infra.config import Environment
from infra.environment_stack import EnvironmentStack

# Times in UTC, clear of the database's own backup (03:00) and maintenance (Sunday 05:00) windows, and of each other:
# of two rules that start in one window AWS Backup runs only one.
_CONTINUOUS = events.Schedule.cron(hour="1", minute="0")
_DAILY = events.Schedule.cron(hour="8", minute="0")
_MONTHLY = events.Schedule.cron(day="1", hour="12", minute="0")
_RESTORE_TEST = "cron(0 16 ? * SAT *)"

_BACKUP_KNOWS = Decision(
    reason="AWS Backup alone assumes this role, and AWS keeps the policy in step with what a backup or restore of "
    "RDS and S3 takes (AWS Backup Developer Guide, IAM service roles). A copy that lags behind is found out "
    "when a restore fails",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_START_WINDOW = cdk.Duration.hours(1)  # AWS Backup's least
_COMPLETION_WINDOW = cdk.Duration.hours(4)


class BackupReplicaStack(EnvironmentStack):
    """The second region's key and vault; deployed before anything is copied there.

    Where the lock is configured, nobody can delete a copy before its time, once the cooling-off days are over.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.replica, stateful=True
        )
        self.key = kms.Key(
            self,
            "Key",
            description=f"SpendSmart {environment.name}: backups from {environment.regions.primary}",
            removal_policy=self.removal_policy,
        )
        # Named, so that the plans in the other region know its ARN.
        name = f"spendsmart-{environment.name}-copies"
        backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=name,
            encryption_key=self.key,
            block_recovery_point_deletion=environment.protect,
            lock_configuration=_lock(environment),
            removal_policy=self.removal_policy,
        )
        self.vault_arn = self.format_arn(
            service="backup", resource="backup-vault", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )


class BackupStack(EnvironmentStack):
    """Daily, monthly and continuous backups of all that carries the environment's backup tag, tested each week."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, copy_vault_arn: str) -> None:
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.primary, stateful=True
        )
        key = kms.Key(
            self,
            "Key",
            description=f"SpendSmart {environment.name}: backups",
            removal_policy=self.removal_policy,
        )
        self.vault_name = f"spendsmart-{environment.name}"
        vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=self.vault_name,
            encryption_key=key,
            block_recovery_point_deletion=environment.protect,
            removal_policy=self.removal_policy,
        )
        self._plan(vault, backup.BackupVault.from_backup_vault_arn(self, "CopyVault", copy_vault_arn))
        self._test_restores(vault)

    def _plan(self, vault: backup.BackupVault, copies: backup.IBackupVault) -> None:
        config = self.settings.backup
        daily = cdk.Duration.days(config.daily_retention_days)
        monthly = cdk.Duration.days(config.monthly_retention_days)
        plan = backup.BackupPlan(
            self,
            "Plan",
            backup_vault=vault,
            backup_plan_rules=[
                _rule(
                    "Daily",
                    _DAILY,
                    delete_after=daily,
                    copy_actions=[_copy(copies, delete_after=daily)],
                ),
                _rule(
                    "Monthly",
                    _MONTHLY,
                    delete_after=monthly,
                    copy_actions=[_copy(copies, delete_after=monthly)],
                ),
                # Any second of the last days. Not copied: a copy would be a snapshot again, which Daily makes; RDS and
                # S3 replicate to the second region by themselves.
                _rule(
                    "Continuous",
                    _CONTINUOUS,
                    delete_after=cdk.Duration.days(config.continuous_days),
                    enable_continuous_backup=True,
                ),
            ],
        )
        plan.add_selection(
            "Tagged",
            resources=[backup.BackupResource.from_tag(backup_tag.KEY, backup_tag.value(self.settings))],
            role=_role(
                self,
                "BackupRole",
                "service-role/AWSBackupServiceRolePolicyForBackup",
                "AWSBackupServiceRolePolicyForS3Backup",
            ),
            disable_default_backup_policy=True,
        )

    def _test_restores(self, vault: backup.BackupVault) -> None:
        # The name takes letters, digits and underscores only.
        plan = backup.CfnRestoreTestingPlan(
            self,
            "RestoreTest",
            restore_testing_plan_name=f"spendsmart_{self.settings.name}",
            schedule_expression=_RESTORE_TEST,
            start_window_hours=1,
            recovery_point_selection=backup.CfnRestoreTestingPlan.RestoreTestingRecoveryPointSelectionProperty(
                algorithm="LATEST_WITHIN_WINDOW",
                include_vaults=[vault.backup_vault_arn],
                recovery_point_types=["SNAPSHOT", "CONTINUOUS"],
                selection_window_days=7,
            ),
        )
        role = _role(
            self,
            "RestoreRole",
            "service-role/AWSBackupServiceRolePolicyForRestores",
            "AWSBackupServiceRolePolicyForS3Restore",
        )
        for kind in ("RDS", "S3"):
            backup.CfnRestoreTestingSelection(
                self,
                f"RestoreTest{kind}",
                restore_testing_plan_name=plan.ref,
                restore_testing_selection_name=f"spendsmart_{self.settings.name}_{kind.lower()}",
                iam_role_arn=role.role_arn,
                protected_resource_type=kind,
                protected_resource_arns=["*"],
                protected_resource_conditions=backup.CfnRestoreTestingSelection.ProtectedResourceConditionsProperty(
                    string_equals=[
                        backup.CfnRestoreTestingSelection.KeyValueProperty(
                            key=f"aws:ResourceTag/{backup_tag.KEY}", value=backup_tag.value(self.settings)
                        )
                    ]
                ),
                validation_window_hours=4,
            )


def _rule(
    name: str,
    schedule: events.Schedule,
    *,
    delete_after: cdk.Duration,
    copy_actions: list[backup.BackupPlanCopyActionProps] | None = None,
    enable_continuous_backup: bool = False,
) -> backup.BackupPlanRule:
    return backup.BackupPlanRule(
        rule_name=name,
        schedule_expression=schedule,
        delete_after=delete_after,
        copy_actions=copy_actions,
        enable_continuous_backup=enable_continuous_backup,
        start_window=_START_WINDOW,
        completion_window=_COMPLETION_WINDOW,
    )


def _copy(vault: backup.IBackupVault, *, delete_after: cdk.Duration) -> backup.BackupPlanCopyActionProps:
    return backup.BackupPlanCopyActionProps(destination_backup_vault=vault, delete_after=delete_after)


def _role(scope: Construct, construct_id: str, *managed_policies: str) -> iam.Role:
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
        managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in managed_policies],
    )
    for name in managed_policies:
        finding = f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{name}]"
        acknowledge(role, finding, packs=[Pack.AWS_SOLUTIONS], decision=_BACKUP_KNOWS)
    return role


def _lock(environment: Environment) -> backup.LockConfiguration | None:
    config = environment.backup
    if not config.vault_lock_days:
        return None
    # A copy kept for fewer or more days than these would be refused by the vault.
    kept = (config.daily_retention_days, config.monthly_retention_days)
    return backup.LockConfiguration(
        min_retention=cdk.Duration.days(min(kept)),
        max_retention=cdk.Duration.days(max(kept)),
        changeable_for=cdk.Duration.days(config.vault_lock_days),
    )
