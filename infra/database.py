"""PostgreSQL on RDS: one writer, its readers, and the secret with the login."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import models
from infra.retention import retention

DATABASE_NAME = "spendsmart"
"""The application's database, and the name of the user that owns it."""

_SLOW_QUERY_MILLISECONDS = 500
_ROTATION_DAYS = 30
_BACKUP_WINDOW = "03:00-04:00"
_MAINTENANCE_WINDOW = "sun:05:00-sun:06:00"  # may not overlap the backups
_LOG_EXPORTS = ("postgresql", "upgrade", "iam-db-auth-error")


@dataclass(frozen=True, kw_only=True)
class BackupCopy:
    """Where RDS copies its automated backups: another region, and a key in it."""

    region: str
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class DatabaseProps:
    """`name` prefixes the instances' identifiers; `isolated` and `private` select the subnets of the instances and of
    the rotation function; `protect` keeps changes that need a restart for the maintenance window. `restored_from` is
    the ARN of the snapshot, or of the automated backup, that the data comes from, for as long as the database lives."""

    name: str
    config: models.Database
    vpc: ec2.IVpc
    isolated: ec2.SubnetSelection
    private: ec2.SubnetSelection
    key: kms.IKey
    log_retention_days: models.RetentionDays
    removal_policy: cdk.RemovalPolicy
    protect: bool
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
        return reader

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
        self.writer.connections.allow_default_port_from(client, "Password rotation")
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
