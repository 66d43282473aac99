"""Faults in the PostgreSQL instances of prod: the writer, its reader, their groups and their login."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

DATA = "Data"
INSTANCE = "AWS::RDS::DBInstance"
CLUSTER = "AWS::RDS::DBCluster"


def _writer(prod: Prod) -> dict[str, Any]:
    return prod.resource(DATA, INSTANCE, path="/Writer")


def _reader(prod: Prod) -> dict[str, Any]:
    return prod.resource(DATA, INSTANCE, path="/Reader1")


def _set(prod: Prod, resource: dict[str, Any], **properties: Any) -> str:
    """Change properties (None takes one away) and return the construct's path."""
    for name, value in properties.items():
        resource["Properties"][name] = value
        if value is None:
            del resource["Properties"][name]
    return prod.path(resource)


def _set_parameter(prod: Prod, name: str, value: str) -> str:
    group = prod.resource(DATA, "AWS::RDS::DBParameterGroup")
    group["Properties"]["Parameters"][name] = value
    return prod.path(group)


@plants("RDS-52", constraint=52)
def a_withdrawn_engine_version(prod: Prod) -> str:
    return _set(prod, _writer(prod), EngineVersion="17.4")


@plants("RDS-52", constraint=52)
def an_engine_version_that_never_was(prod: Prod) -> str:
    return _set(prod, _writer(prod), EngineVersion="17.0")


@plants("RDS-53", constraint=53)
def a_major_version_above_the_parameter_group(prod: Prod) -> str:
    return _set(prod, _writer(prod), EngineVersion="18.4")


@plants("RDS-53", constraint=53)
def a_reader_with_the_default_group_of_another_major(prod: Prod) -> str:
    return _set(prod, _reader(prod), DBParameterGroupName="default.postgres16")


@plants("RDS-53b", constraint=53)
def a_family_with_the_minor_version(prod: Prod) -> str:
    return _set(prod, prod.resource(DATA, "AWS::RDS::DBParameterGroup"), Family="postgres17.9")


@plants("RDS-54", constraint=54)
def a_misspelt_parameter(prod: Prod) -> str:
    return _set_parameter(prod, "rds.forcessl", "1")


@plants("RDS-54", constraint=54)
def a_parameter_of_an_older_major(prod: Prod) -> str:
    return _set_parameter(prod, "vacuum_defer_cleanup_age", "1000")


@plants("RDS-54b", constraint=54)
def a_parameter_that_rds_keeps(prod: Prod) -> str:
    return _set_parameter(prod, "listen_addresses", "*")


@plants("RDS-54c", constraint=54)
def a_timeout_with_its_unit(prod: Prod) -> str:
    return _set_parameter(prod, "idle_in_transaction_session_timeout", "60s")


@plants("RDS-55", constraint=55)
def changes_applied_at_once(prod: Prod) -> str:
    return _set(prod, _writer(prod), ApplyImmediately=None)


@plants("RDS-56", constraint=56)
def a_database_deleted_by_its_replacement(prod: Prod) -> str:
    writer = _writer(prod)
    del writer["UpdateReplacePolicy"]
    return prod.path(writer)


@plants("RDS-57", constraint=57)
def a_zone_for_the_multi_az_writer(prod: Prod) -> str:
    return _set(prod, _writer(prod), AvailabilityZone="us-east-1a")


@plants("RDS-58", constraint=58)
def storage_that_may_grow_by_a_little(prod: Prod) -> str:
    return _set(prod, _writer(prod), MaxAllocatedStorage=109)


@plants("RDS-58", constraint=58)
def a_reader_that_may_not_grow_beyond_its_source(prod: Prod) -> str:
    return _set(prod, _reader(prod), MaxAllocatedStorage=100)


@plants("RDS-59", constraint=59)
def iops_for_a_small_gp3_volume(prod: Prod) -> str:
    return _set(prod, _writer(prod), Iops=3000)


@plants("RDS-59", constraint=59)
def too_few_iops_for_a_large_gp3_volume(prod: Prod) -> str:
    return _set(prod, _writer(prod), AllocatedStorage="500", Iops=11_999)


@plants("RDS-59b", constraint=59)
def more_throughput_than_the_iops_carry(prod: Prod) -> str:
    return _set(prod, _writer(prod), AllocatedStorage="500", Iops=12_000, StorageThroughput=4_000)


@plants("RDS-59c", constraint=59)
def throughput_for_gp2(prod: Prod) -> str:
    return _set(prod, _writer(prod), StorageType="gp2", StorageThroughput=500)


@plants("RDS-60", constraint=60)
def insights_kept_for_a_hundred_days(prod: Prod) -> str:
    return _set(prod, _writer(prod), PerformanceInsightsRetentionPeriod=100)


@plants("RDS-60b", constraint=60)
def advanced_insights_with_a_week_of_data(prod: Prod) -> str:
    return _set(prod, _writer(prod), DatabaseInsightsMode="advanced")


@plants("RDS-60c", constraint=60)
def a_retention_for_insights_that_are_off(prod: Prod) -> str:
    return _set(prod, _writer(prod), EnablePerformanceInsights=False)


@plants("RDS-61", constraint=61)
def a_log_that_only_mysql_writes(prod: Prod) -> str:
    return _set(prod, _writer(prod), EnableCloudwatchLogsExports=["postgresql", "slowquery"])


@plants("RDS-61", constraint=61)
def a_wrong_log_of_the_reader(prod: Prod) -> str:
    return _set(prod, _reader(prod), EnableCloudwatchLogsExports=["error"])


@plants("RDS-62", constraint=62)
def a_managed_password_on_the_source(prod: Prod) -> str:
    return _set(prod, _writer(prod), ManageMasterUserPassword=True, MasterUserPassword=None)


@plants("RDS-62b", constraint=62)
def a_password_given_and_managed(prod: Prod) -> str:
    return _set(prod, _writer(prod), ManageMasterUserPassword=True)


@plants("RDS-63", constraint=63)
def backups_copied_under_the_key_of_this_region(prod: Prod) -> str:
    writer = _writer(prod)
    return _set(prod, writer, AutomaticBackupReplicationKmsKeyId=writer["Properties"]["KmsKeyId"])


@plants("RDS-63", constraint=63)
def encrypted_backups_copied_without_a_key(prod: Prod) -> str:
    return _set(prod, _writer(prod), AutomaticBackupReplicationKmsKeyId=None)


@plants("RDS-63b", constraint=63)
def backups_copied_to_their_own_region(prod: Prod) -> str:
    return _set(prod, _writer(prod), AutomaticBackupReplicationRegion="us-east-1")


@plants("RDS-63c", constraint=63)
def a_copy_without_its_region(prod: Prod) -> str:
    return _set(prod, _writer(prod), AutomaticBackupReplicationRegion=None)


@plants("RDS-64", constraint=64)
def a_key_for_the_reader(prod: Prod) -> str:
    return _set(prod, _reader(prod), KmsKeyId=_writer(prod)["Properties"]["KmsKeyId"])


@plants("RDS-64", constraint=64)
def a_login_for_the_reader(prod: Prod) -> str:
    return _set(prod, _reader(prod), MasterUsername="spendsmart")


@plants("RDS-64b", constraint=64)
def a_source_without_backups(prod: Prod) -> str:
    return _set(prod, _writer(prod), BackupRetentionPeriod=0)


@plants("RDS-64c", constraint=64)
def sixteen_readers(prod: Prod) -> str:
    source = {"SourceDBInstanceIdentifier": {"Ref": prod.logical_id(_writer(prod))}}
    for number in range(2, 17):
        prod.add(DATA, f"Reader{number}", {"Type": INSTANCE, "Properties": dict(source)})
    return prod.path(_writer(prod))


@plants("RDS-64d", constraint=64)
def a_reader_elsewhere_without_a_key(prod: Prod) -> str:
    source = {"SourceDBInstanceIdentifier": "arn:aws:rds:us-east-1:000000000000:db:spendsmart-prod"}
    return prod.path(prod.add("BackupReplica", "DistantReader", {"Type": INSTANCE, "Properties": source}))


@plants("RDS-64e", constraint=64)
def a_password_for_the_reader(prod: Prod) -> str:
    return _set(prod, _reader(prod), MasterUserPassword=_writer(prod)["Properties"]["MasterUserPassword"])


@plants("RDS-65", constraint=65)
def maintenance_during_the_backup(prod: Prod) -> str:
    return _set(prod, _writer(prod), PreferredMaintenanceWindow="sun:03:30-sun:04:30")


@plants("RDS-65", constraint=65)
def a_maintenance_window_of_a_quarter_of_an_hour(prod: Prod) -> str:
    return _set(prod, _reader(prod), PreferredMaintenanceWindow="sun:05:00-sun:05:15")


@plants("RDS-66", constraint=66)
def another_retention_than_the_continuous_plan(prod: Prod) -> str:
    return _set(prod, _writer(prod), BackupRetentionPeriod=14)


@plants("RDS-67", constraint=67)
def a_reserved_master_user(prod: Prod) -> str:
    return _set(prod, _writer(prod), MasterUsername="admin")


@plants("RDS-67b", constraint=67)
def a_database_name_with_a_hyphen(prod: Prod) -> str:
    return _set(prod, _writer(prod), DBName="spend-smart")


@plants("RDS-68", constraint=68)
def a_multi_az_cluster_of_a_class_without_local_storage(prod: Prod) -> str:
    properties = {
        "Engine": "postgres",
        "DBClusterInstanceClass": "db.m7g.large",
        "StorageType": "io1",
        "AllocatedStorage": 100,
        "Iops": 1000,
    }
    return prod.path(prod.add(DATA, "Cluster", {"Type": CLUSTER, "Properties": properties}))


@plants("RDS-69", constraint=69)
def a_protected_database_that_the_stack_deletes(prod: Prod) -> str:
    writer = _writer(prod)
    writer["DeletionPolicy"] = "Delete"
    return prod.path(writer)


@plants("RDS-201")
def a_volume_below_the_least_size(prod: Prod) -> str:
    return _set(prod, _writer(prod), AllocatedStorage="10")


@plants("RDS-201b")
def a_small_volume_of_the_older_kind(prod: Prod) -> str:
    return _set(prod, _writer(prod), StorageType="gp2", AllocatedStorage="10")


@plants("RDS-202")
def provisioned_storage_without_iops(prod: Prod) -> str:
    return _set(prod, _writer(prod), StorageType="io2")


@plants("RDS-203")
def a_generated_password_with_any_punctuation(prod: Prod) -> str:
    login = prod.resource(DATA, "AWS::SecretsManager::Secret", path="Database/Login")
    del login["Properties"]["GenerateSecretString"]["ExcludeCharacters"]
    return prod.path(login)


@plants("RDS-204")
def monitoring_without_a_role(prod: Prod) -> str:
    return _set(prod, _writer(prod), MonitoringRoleArn=None)


@plants("RDS-205")
def a_database_in_one_zone(prod: Prod) -> str:
    group = prod.resource(DATA, "AWS::RDS::DBSubnetGroup")
    return _set(prod, group, SubnetIds=group["Properties"]["SubnetIds"][:1])


@plants("RDS-206")
def backups_kept_for_a_year(prod: Prod) -> str:
    return _set(prod, _writer(prod), BackupRetentionPeriod=365)
