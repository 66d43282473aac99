"""PostgreSQL on RDS: one writer, its readers, and the secret with the login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, HIPAA_NIST_PCI, Decision, Pack, acknowledge
from infra.config import models
from infra.retention import retention

DATABASE_NAME = "spendsmart"
"""The application's database, and the name of the user that owns it."""

_PORT = 5432
_SLOW_QUERY_MILLISECONDS = 500
_ROTATION_DAYS = 30
_BACKUP_WINDOW = "03:00-04:00"
_MAINTENANCE_WINDOW = "sun:05:00-sun:06:00"  # may not overlap the backups
_LOG_EXPORTS = ("postgresql", "upgrade", "iam-db-auth-error")


_MONITORING = Decision(
    reason="RDS asks for this policy of AWS's (RDS User Guide, Setting up Enhanced Monitoring): it writes to log "
    "groups whose names begin with RDS and nothing else, as a copy of it would",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_PORT_STAYS = Decision(
    reason="The port is reached from five security groups in the VPC and from nowhere else; another number hides "
    "nothing from who is inside. Changing it replaces the instance, which loses data or hours",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_ENCRYPTED_AS_SOURCE = Decision(
    reason="A replica in the region of its source is encrypted with the source's key, and CloudFormation wants "
    "StorageEncrypted left out (AWS::RDS::DBInstance, SourceDBInstanceIdentifier). The rule SpendSmart-"
    "ReplicaEncrypted follows the reference to the source",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_REPLICA = Decision(
    reason="A replica holds nothing that its source lacks: readers fall back to the writer, which is Multi-AZ where "
    "the environment is and is backed up. A standby or backups of a replica cost as much as the replica, and "
    "restore nothing",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_AS_THE_BACKUP = Decision(
    reason="CloudFormation refuses StorageEncrypted on an instance that begins with a backup, which is encrypted as it "
    "was (AWS::RDS::DBInstance, StorageEncrypted): the backup is one of an encrypted instance, copied under a key of "
    "this region",
    owner="platform",
    reference="docs/runbooks/region-lost.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_PLAN_BY_TAG = Decision(
    reason="The backup plan, in a stack of its own, finds the instance by its tag, which cdk-nag looks for neither "
    "there nor here. The rule SpendSmart-BackedUp follows the tag over all stacks",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_PLAN = Decision(
    reason="RDS keeps automated backups of its own; a second plan and its copies are for data of people, and this "
    "environment holds test data only",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_ONE_ZONE = Decision(
    reason="This environment holds test data, and a zone that fails costs it minutes of work: a standby would double"
    " its largest cost. Production and staging are Multi-AZ",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_THROWN_AWAY = Decision(
    reason="This environment is made to be deleted, by a command or with its branch, and holds test data only: "
    "protection would leave databases behind that somebody pays for",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


@dataclass(frozen=True, kw_only=True)
class BackupCopy:
    """Where RDS copies its automated backups: another region, and a key in it."""

    region: str
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class DatabaseProps:
    """`name` prefixes the instances' identifiers; `isolated` and `private` select the subnets of the instances and of
    the rotation function; `protect` keeps changes that need a restart for the maintenance window; `in_backup_plan` says
    that AWS Backup copies the writer, too. `restored_from` is the ARN of the snapshot, or of the automated backup, that
    the data comes from, for as long as the database lives."""

    name: str
    config: models.Database
    vpc: ec2.IVpc
    isolated: ec2.SubnetSelection
    private: ec2.SubnetSelection
    key: kms.IKey
    log_retention_days: models.RetentionDays
    removal_policy: cdk.RemovalPolicy
    protect: bool
    in_backup_plan: bool
    backup_copy: BackupCopy | None
    restored_from: str | None = None


class Database(Construct):
    """A writer (Multi-AZ where configured) with read replicas; TLS is forced, slow queries and locks are logged.

    The instances have names on purpose: a change that would replace one, and so start with an empty database, is
    refused by RDS because the name is taken. Their log groups exist before them, as RDS would otherwise make groups
    that are kept for ever.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: DatabaseProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=props.vpc, description="PostgreSQL", allow_all_outbound=False
        )
        self._subnets = rds.SubnetGroup(
            self,
            "Subnets",
            description="Isolated subnets of the database",
            vpc=props.vpc,
            vpc_subnets=props.isolated,
            removal_policy=props.removal_policy,
        )
        version, major = props.config.engine_version, props.config.engine_version.split(".")[0]
        self._engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.of(version, major))
        self._parameters = self._parameter_group()
        self._monitoring = iam.Role(
            self,
            "Monitoring",
            assumed_by=iam.ServicePrincipal("monitoring.rds.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonRDSEnhancedMonitoringRole")
            ],
        )
        managed = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole]"
        acknowledge(self._monitoring, managed, packs=[Pack.AWS_SOLUTIONS], decision=_MONITORING)
        self._login = rds.DatabaseSecret(self, "Login", username=DATABASE_NAME, encryption_key=props.key)
        self._login.apply_removal_policy(props.removal_policy)
        self.writer = self._writer()
        self.readers = [self._reader(number) for number in range(1, props.config.replicas + 1)]
        self.secret = self._rotated_secret()

    def _parameter_group(self) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            self,
            "Parameters",
            engine=self._engine,
            description="TLS forced; slow queries, locks and schema changes logged",
            removal_policy=self._props.removal_policy,
            parameters={
                "rds.force_ssl": "1",
                "max_connections": str(self._props.config.max_connections),
                "log_min_duration_statement": str(_SLOW_QUERY_MILLISECONDS),
                "log_lock_waits": "1",
                "log_statement": "ddl",
                "shared_preload_libraries": "pg_stat_statements",
                # A client that died inside a transaction would hold its locks, and stop vacuum, for ever.
                "idle_in_transaction_session_timeout": "60000",
            },
        )

    def _writer(self) -> rds.DatabaseInstance:
        props, config = self._props, self._props.config
        writer = rds.DatabaseInstance(
            self,
            "Writer",
            instance_identifier=props.name,
            engine=self._engine,
            instance_type=_instance_type(config),
            vpc=props.vpc,
            subnet_group=self._subnets,
            security_groups=[self.security_group],
            publicly_accessible=False,
            multi_az=config.multi_az,
            database_name=DATABASE_NAME,
            # Not the password that RDS manages itself: that one rules out read replicas.
            credentials=rds.Credentials.from_secret(self._login, username=DATABASE_NAME),
            iam_authentication=True,
            parameter_group=self._parameters,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            storage_type=rds.StorageType.GP3,
            allocated_storage=config.storage_gib,
            max_allocated_storage=config.max_storage_gib,
            storage_encrypted=True,
            storage_encryption_key=props.key,
            backup_retention=cdk.Duration.days(config.backup_retention_days),
            preferred_backup_window=_BACKUP_WINDOW,
            preferred_maintenance_window=_MAINTENANCE_WINDOW,
            copy_tags_to_snapshot=True,
            delete_automated_backups=not props.protect,
            deletion_protection=config.deletion_protection,
            apply_immediately=not props.protect,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=list(_LOG_EXPORTS),
            monitoring_interval=cdk.Duration.seconds(60),
            monitoring_role=self._monitoring,
            enable_performance_insights=True,
            performance_insight_encryption_key=props.key,
            performance_insight_retention=rds.PerformanceInsightRetention.DEFAULT,
            removal_policy=props.removal_policy,
        )
        self._own_logs(writer, name=props.name, construct_id="WriterLogs")
        self._acknowledge(writer)
        if not config.multi_az:
            acknowledge(writer, "RDS3", packs=[Pack.AWS_SOLUTIONS], decision=_ONE_ZONE)
            acknowledge(writer, "RDSMultiAZSupport", packs=HIPAA_NIST, decision=_ONE_ZONE)
        if props.backup_copy:
            self._copy_backups(writer, props.backup_copy)
        if props.restored_from:
            _restore(writer, props.restored_from)
        return writer

    def _copy_backups(self, writer: rds.DatabaseInstance, copy: BackupCopy) -> None:
        instance = _resource(writer)
        instance.automatic_backup_replication_region = copy.region
        instance.automatic_backup_replication_kms_key_id = copy.key_arn
        instance.automatic_backup_replication_retention_period = self._props.config.backup_retention_days

    def _reader(self, number: int) -> rds.DatabaseInstanceReadReplica:
        props, config = self._props, self._props.config
        name = f"{props.name}-reader-{number}"
        reader = rds.DatabaseInstanceReadReplica(
            self,
            f"Reader{number}",
            instance_identifier=name,
            source_database_instance=self.writer,
            instance_type=_instance_type(config),
            vpc=props.vpc,
            subnet_group=self._subnets,
            security_groups=[self.security_group],
            publicly_accessible=False,
            iam_authentication=True,
            parameter_group=self._parameters,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            storage_type=rds.StorageType.GP3,
            max_allocated_storage=config.max_storage_gib,
            preferred_maintenance_window=_MAINTENANCE_WINDOW,
            deletion_protection=config.deletion_protection,
            apply_immediately=not props.protect,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=list(_LOG_EXPORTS),
            monitoring_interval=cdk.Duration.seconds(60),
            monitoring_role=self._monitoring,
            enable_performance_insights=True,
            performance_insight_encryption_key=props.key,
            performance_insight_retention=rds.PerformanceInsightRetention.DEFAULT,
            removal_policy=props.removal_policy,
        )
        self._own_logs(reader, name=name, construct_id=f"Reader{number}Logs")
        self._acknowledge(reader)
        acknowledge(reader, "RDS2", packs=[Pack.AWS_SOLUTIONS], decision=_ENCRYPTED_AS_SOURCE)
        acknowledge(reader, "RDSStorageEncrypted", packs=HIPAA_NIST_PCI, decision=_ENCRYPTED_AS_SOURCE)
        acknowledge(reader, "RDS3", packs=[Pack.AWS_SOLUTIONS], decision=_REPLICA)
        acknowledge(reader, "RDSMultiAZSupport", packs=HIPAA_NIST, decision=_REPLICA)
        if props.restored_from:
            acknowledge(reader, "ReplicaEncrypted", packs=[Pack.OURS], decision=_AS_THE_BACKUP)
        return reader

    def _acknowledge(self, instance: rds.DatabaseInstanceBase) -> None:
        """What holds for the writer and its readers."""
        acknowledge(instance, "RDS11", packs=[Pack.AWS_SOLUTIONS], decision=_PORT_STAYS)
        replica = isinstance(instance, rds.DatabaseInstanceReadReplica)
        kept = _REPLICA if replica else _PLAN_BY_TAG if self._props.in_backup_plan else _NO_PLAN
        acknowledge(instance, "RDSInBackupPlan", packs=HIPAA_NIST, decision=kept)
        if not self._props.config.deletion_protection:
            acknowledge(instance, "RDS10", packs=[Pack.AWS_SOLUTIONS], decision=_THROWN_AWAY)
            acknowledge(instance, "RDSInstanceDeletionProtectionEnabled", packs=HIPAA_NIST, decision=_THROWN_AWAY)
            acknowledge(instance, "StatefulProtected", packs=[Pack.OURS], decision=_THROWN_AWAY)

    def _own_logs(self, instance: rds.DatabaseInstanceBase, *, name: str, construct_id: str) -> None:
        scope = Construct(self, construct_id)
        for export in _LOG_EXPORTS:
            group = logs.LogGroup(
                scope,
                "".join(part.capitalize() for part in export.split("-")),
                log_group_name=f"/aws/rds/instance/{name}/{export}",
                retention=retention(self._props.log_retention_days),
            )
            _resource(instance).node.add_dependency(group)

    def _rotated_secret(self) -> secretsmanager.ISecret:
        """A new password each month, set by the function that Secrets Manager hosts for this."""
        secret = self.writer.secret
        assert secret is not None  # noqa: S101  (only an instance with a given password has none)
        client = ec2.SecurityGroup(
            self,
            "RotationSecurityGroup",
            vpc=self._props.vpc,
            description="Rotation of the database password",
            allow_all_outbound=False,
        )
        client.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Secrets Manager")
        # Not the instance's own port attribute: who reviews the rule, or checks it, sees a number.
        self.security_group.connections.allow_from(client, ec2.Port.tcp(_PORT), "Password rotation")
        schedule = secret.add_rotation_schedule(
            "Rotation",
            automatically_after=cdk.Duration.days(_ROTATION_DAYS),
            hosted_rotation=secretsmanager.HostedRotation.postgre_sql_single_user(
                vpc=self._props.vpc, vpc_subnets=self._props.private, security_groups=[client]
            ),
            # The first rotation would run while the stack is still being made, before the tasks' network exists.
            rotate_immediately_on_update=False,
        )
        schedule.node.add_dependency(self.security_group)
        return secret


def _restore(writer: rds.DatabaseInstance, source: str) -> None:
    """Begin with what is in a backup: its user, database and encryption come from there, the password is the new one.

    CloudFormation replaces the instance when these change later (AWS::RDS::DBInstance, "DBSnapshotIdentifier").
    """
    instance = _resource(writer)
    acknowledge(writer, "RDS2", packs=[Pack.AWS_SOLUTIONS], decision=_AS_THE_BACKUP)
    acknowledge(writer, "RDSStorageEncrypted", packs=HIPAA_NIST_PCI, decision=_AS_THE_BACKUP)
    acknowledge(writer, "ReplicaEncrypted", packs=[Pack.OURS], decision=_AS_THE_BACKUP)
    instance.master_username = instance.db_name = instance.kms_key_id = instance.storage_encrypted = None
    if ":snapshot:" in source:
        instance.db_snapshot_identifier = source
        return
    instance.source_db_instance_automated_backups_arn = source
    instance.use_latest_restorable_time = True


def _resource(instance: rds.DatabaseInstanceBase) -> rds.CfnDBInstance:
    resource = instance.node.default_child
    assert isinstance(resource, rds.CfnDBInstance)  # noqa: S101  (tells the type checker what CDK documents)
    return resource


def _instance_type(config: models.Database) -> ec2.InstanceType:
    return ec2.InstanceType(config.instance_class.removeprefix("db."))
