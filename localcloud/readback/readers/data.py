"""Databases, caches, secrets and backups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.readback.reader import Client, only, reads, tags_list

Wanted = Mapping[str, Any]


@reads(
    "AWS::RDS::DBInstance",
    renamed={
        "DBParameterGroupName": "ParameterGroup",
        "DBSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
        "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "EnablePerformanceInsights": "PerformanceInsightsEnabled",
        "SourceDBInstanceIdentifier": "ReadReplicaSourceDBInstanceIdentifier",
        "Tags": "TagList",
        "Port": "Endpoint.Port",
        "AutomaticBackupReplicationRegion": "Replicated.Region",
        "AutomaticBackupReplicationKmsKeyId": "Replicated.KmsKeyId",
        "AutomaticBackupReplicationRetentionPeriod": "Replicated.BackupRetentionPeriod",
    },
    # In the replica's own region the API shows the source by name.
    shaped={"SourceDBInstanceIdentifier": lambda source: str(source).rsplit(":", 1)[-1]},
    unreadable={
        "MasterUserPassword": "never shown",
        "ApplyImmediately": "an option of the modifying call, kept nowhere",
        "DeleteAutomatedBackups": "an option of the deleting call, kept nowhere",
        "AllowMajorVersionUpgrade": "an option of the modifying call, kept nowhere",
    },
)
def db_instance(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    found = only(client("rds").describe_db_instances(DBInstanceIdentifier=ref)["DBInstances"])
    shown = {
        **found,
        "ParameterGroup": only(found["DBParameterGroups"])["DBParameterGroupName"],
        "VPCSecurityGroups": [group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]],
    }
    if "AutomaticBackupReplicationRegion" in wanted:
        place = only(found.get("DBInstanceAutomatedBackupsReplications", []))["DBInstanceAutomatedBackupsArn"]
        region = place.split(":")[3]
        asked = client("rds", region).describe_db_instance_automated_backups(DBInstanceIdentifier=ref)
        shown["Replicated"] = {**only(asked["DBInstanceAutomatedBackups"]), "Region": region}
    return shown


@reads(
    "AWS::RDS::DBParameterGroup",
    renamed={"Family": "DBParameterGroupFamily"},
)
def db_parameter_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    rds = client("rds")
    found = only(rds.describe_db_parameter_groups(DBParameterGroupName=ref)["DBParameterGroups"])
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=ref, Source="user")
    parameters = {each["ParameterName"]: each.get("ParameterValue") for page in pages for each in page["Parameters"]}
    return {**found, "Parameters": parameters, "Tags": _rds_tags(rds, found["DBParameterGroupArn"])}


def _rds_tags(rds: Any, arn: str) -> list[Any]:
    tags: list[Any] = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    return tags


@reads("AWS::RDS::DBSubnetGroup")
def db_subnet_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    rds = client("rds")
    found = only(rds.describe_db_subnet_groups(DBSubnetGroupName=ref)["DBSubnetGroups"])
    return {
        **found,
        "SubnetIds": [subnet["SubnetIdentifier"] for subnet in found["Subnets"]],
        "Tags": _rds_tags(rds, found["DBSubnetGroupArn"]),
    }


def _cache_tags(cache: Any, arn: str) -> list[Any]:
    tags: list[Any] = cache.list_tags_for_resource(ResourceName=arn)["TagList"]
    return tags


@reads(
    "AWS::ElastiCache::ReplicationGroup",
    renamed={"ReplicationGroupDescription": "Description"},
    shaped={
        "AutomaticFailoverEnabled": lambda value: "enabled" if str(value).lower() == "true" else "disabled",
        "MultiAZEnabled": lambda value: "enabled" if str(value).lower() == "true" else "disabled",
    },
    unreadable={"Port": "the endpoint shows the port in use, which the local cloud chooses"},
)
def replication_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    cache = client("elasticache")
    found = only(cache.describe_replication_groups(ReplicationGroupId=ref)["ReplicationGroups"])
    member = only(cache.describe_cache_clusters(CacheClusterId=found["MemberClusters"][0])["CacheClusters"])
    return {
        **found,
        "AutomaticFailoverEnabled": found["AutomaticFailover"],
        "MultiAZEnabled": found["MultiAZ"],
        "NumNodeGroups": len(found["NodeGroups"]),
        "ReplicasPerNodeGroup": len(found["NodeGroups"][0]["NodeGroupMembers"]) - 1,
        # These are shown by the groups' members alone.
        "Engine": member["Engine"],
        "EngineVersion": member["EngineVersion"],
        "CacheParameterGroupName": member["CacheParameterGroup"]["CacheParameterGroupName"],
        "CacheSubnetGroupName": member["CacheSubnetGroupName"],
        "PreferredMaintenanceWindow": member["PreferredMaintenanceWindow"],
        "SecurityGroupIds": [group["SecurityGroupId"] for group in member["SecurityGroups"]],
        "Tags": _cache_tags(cache, found["ARN"]),
    }


@reads("AWS::ElastiCache::ParameterGroup", shaped={"Properties": lambda value: dict(value)})
def cache_parameter_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    cache = client("elasticache")
    found = only(cache.describe_cache_parameter_groups(CacheParameterGroupName=ref)["CacheParameterGroups"])
    parameters = cache.describe_cache_parameters(CacheParameterGroupName=ref, Source="user")["Parameters"]
    return {
        **found,
        "Properties": {each["ParameterName"]: each["ParameterValue"] for each in parameters},
        "Tags": _cache_tags(cache, found["ARN"]),
    }


@reads("AWS::ElastiCache::SubnetGroup", renamed={"Description": "CacheSubnetGroupDescription"})
def cache_subnet_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    cache = client("elasticache")
    found = only(cache.describe_cache_subnet_groups(CacheSubnetGroupName=ref)["CacheSubnetGroups"])
    return {
        **found,
        "SubnetIds": [subnet["SubnetIdentifier"] for subnet in found["Subnets"]],
        "Tags": _cache_tags(cache, found["ARN"]),
    }


@reads("AWS::ElastiCache::User", unreadable={"Passwords": "never shown"})
def cache_user(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    cache = client("elasticache")
    found = only(cache.describe_users(UserId=ref)["Users"])
    return {**found, "Tags": _cache_tags(cache, found["ARN"])}


@reads("AWS::ElastiCache::UserGroup")
def cache_user_group(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    cache = client("elasticache")
    found = only(cache.describe_user_groups(UserGroupId=ref)["UserGroups"])
    return {**found, "Tags": _cache_tags(cache, found["ARN"])}


# Secrets


@reads(
    "AWS::SecretsManager::Secret",
    unreadable={
        "GenerateSecretString": "an instruction for the first value",
        "SecretString": "compared nowhere: it is the secret",
    },
)
def secret(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(client("secretsmanager").describe_secret(SecretId=ref))


@reads("AWS::SecretsManager::ResourcePolicy")
def secret_policy(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("secretsmanager").get_resource_policy(SecretId=wanted["SecretId"])
    return {"SecretId": found["ARN"], "ResourcePolicy": found["ResourcePolicy"]}


@reads(
    "AWS::SecretsManager::RotationSchedule",
    unreadable={
        "HostedRotationLambda": "made by a transform in a stack of its own; the API shows the function's ARN",
        "RotateImmediatelyOnUpdate": "an option of the rotating call, kept nowhere",
    },
)
def rotation(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("secretsmanager").describe_secret(SecretId=wanted["SecretId"])
    if not found.get("RotationEnabled") or not found.get("RotationLambdaARN"):
        raise LookupError("rotation is not enabled")
    return {**found, "SecretId": found["ARN"]}


@reads("AWS::SecretsManager::SecretTargetAttachment")
def attachment(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("rds").describe_db_instances(DBInstanceIdentifier=wanted["TargetId"])
    arn = client("secretsmanager").describe_secret(SecretId=wanted["SecretId"])["ARN"]
    only(found["DBInstances"])
    return {**wanted, "SecretId": arn}


# Backups


@reads("AWS::Backup::BackupVault")
def vault(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    backup = client("backup")
    found = dict(backup.describe_backup_vault(BackupVaultName=ref))
    found["BackupVaultTags"] = backup.list_tags(ResourceArn=found["BackupVaultArn"])["Tags"]
    if "AccessPolicy" in wanted:
        found["AccessPolicy"] = backup.get_backup_vault_access_policy(BackupVaultName=ref)["Policy"]
    if found.get("Locked"):
        days = {name: found[name] for name in ("MinRetentionDays", "MaxRetentionDays") if name in found}
        if "LockDate" in found:
            left = found["LockDate"] - found["CreationDate"]
            days["ChangeableForDays"] = round(left.total_seconds() / 86400)
        found["LockConfiguration"] = days
    return found


def _plan(plan: Any) -> Any:
    """A template's plan in the API's words."""
    words = {"BackupPlanRule": "Rules", "TargetBackupVault": "TargetBackupVaultName"}
    if isinstance(plan, dict):
        return {words.get(str(name), str(name)): _plan(value) for name, value in plan.items()}
    return [_plan(item) for item in plan] if isinstance(plan, list) else plan


@reads("AWS::Backup::BackupPlan", shaped={"BackupPlan": _plan})
def plan(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    backup = client("backup")
    found = dict(backup.get_backup_plan(BackupPlanId=ref))
    found["BackupPlanTags"] = backup.list_tags(ResourceArn=found["BackupPlanArn"])["Tags"]
    return found


@reads("AWS::Backup::BackupSelection")
def selection(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    identifier, plan_id = ref.split("_", 1)
    return dict(client("backup").get_backup_selection(SelectionId=identifier, BackupPlanId=plan_id))


@reads("AWS::Backup::RestoreTestingPlan")
def restore_plan(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    backup = client("backup")
    found = dict(backup.get_restore_testing_plan(RestoreTestingPlanName=ref)["RestoreTestingPlan"])
    return {**found, "Tags": tags_list(backup.list_tags(ResourceArn=found["RestoreTestingPlanArn"])["Tags"])}


@reads("AWS::Backup::RestoreTestingSelection")
def restore_selection(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    found = client("backup").get_restore_testing_selection(
        RestoreTestingPlanName=wanted["RestoreTestingPlanName"],
        RestoreTestingSelectionName=wanted["RestoreTestingSelectionName"],
    )
    return dict(found["RestoreTestingSelection"])
