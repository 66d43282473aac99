"""Database, queue, cache and secrets; each line of the AWS constraints that a template can break is held here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.synthesized import Assembly


def _writer(assembly: Assembly) -> dict[str, Any]:
    return assembly["Data"].one("AWS::RDS::DBInstance", containing="Writer")


def _readers(assembly: Assembly) -> list[dict[str, Any]]:
    return assembly["Data"].properties("AWS::RDS::DBInstance", containing="Reader")


def test_production_database(prod: Assembly) -> None:
    writer = _writer(prod)
    assert writer["MultiAZ"] is True
    assert "AvailabilityZone" not in writer  # RDS refuses both together
    assert writer["StorageType"] == "gp3"
    assert (writer["AllocatedStorage"], writer["MaxAllocatedStorage"]) == ("100", 1000)
    assert writer["DeletionProtection"] is True
    assert writer["DeleteAutomatedBackups"] is False
    assert writer["ApplyImmediately"] is False  # a restart waits for the maintenance window
    assert writer["StorageEncrypted"] is True
    assert writer["PubliclyAccessible"] is False
    assert "ManageMasterUserPassword" not in writer  # rules out read replicas


def test_automated_backups_go_to_the_second_region_under_a_key_there(prod: Assembly, dev: Assembly) -> None:
    writer = _writer(prod)
    assert writer["AutomaticBackupReplicationRegion"] == "us-west-2"
    key = writer["AutomaticBackupReplicationKmsKeyId"]["Fn::GetStackOutput"]
    assert (key["StackName"], key["Region"]) == ("SpendSmart-Prod-BackupReplica", "us-west-2")
    assert writer["AutomaticBackupReplicationRetentionPeriod"] == writer["BackupRetentionPeriod"] == 35
    assert "AutomaticBackupReplicationRegion" not in _writer(dev)


def test_readers_follow_the_writer(prod: Assembly, preview: Assembly) -> None:
    (reader,) = _readers(prod)
    source = prod["Data"].all("AWS::RDS::DBInstance").keys()
    assert any(name in json.dumps(reader["SourceDBInstanceIdentifier"]) for name in source if "Writer" in name)
    for refused in ("MasterUsername", "MasterUserPassword", "KmsKeyId", "DBName", "BackupRetentionPeriod"):
        assert refused not in reader  # inherited
    assert reader["StorageType"] == "gp3"
    assert _readers(preview) == []


def test_parameters(assembly: Assembly) -> None:
    group = assembly["Data"].one("AWS::RDS::DBParameterGroup")
    assert group["Family"] == "postgres17"
    parameters = group["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    assert int(parameters["log_min_duration_statement"]) > 0
    assert int(parameters["max_connections"]) > 0
    for instance in assembly["Data"].properties("AWS::RDS::DBInstance"):
        assert instance["DBParameterGroupName"] == {
            "Ref": next(iter(assembly["Data"].all("AWS::RDS::DBParameterGroup")))
        }


def test_every_instance_is_watched_and_logs_with_a_retention(assembly: Assembly) -> None:
    groups = {p["LogGroupName"]: p for p in assembly["Data"].properties("AWS::Logs::LogGroup") if "LogGroupName" in p}
    resources = assembly["Data"].all("AWS::RDS::DBInstance")
    for resource in resources.values():
        instance = resource["Properties"]
        assert instance["EnableIAMDatabaseAuthentication"] is True
        assert instance["MonitoringInterval"] == 60
        assert instance["EnablePerformanceInsights"] is True
        for export in instance["EnableCloudwatchLogsExports"]:
            # Made before the instance: RDS would otherwise make it, and keep the logs for ever.
            assert groups[f"/aws/rds/instance/{instance['DBInstanceIdentifier']}/{export}"]["RetentionInDays"]
        assert len([name for name in resource["DependsOn"] if "Logs" in name]) == 3


def test_windows_do_not_overlap(assembly: Assembly) -> None:
    writer = _writer(assembly)
    backup_start, backup_end = writer["PreferredBackupWindow"].split("-")
    start, end = (moment.split(":", 1)[1] for moment in writer["PreferredMaintenanceWindow"].split("-"))
    assert start < end
    assert backup_end <= start or end <= backup_start


def test_the_password_is_generated_encrypted_and_rotated(assembly: Assembly) -> None:
    data = assembly["Data"]
    login = data.one("AWS::SecretsManager::Secret", containing="DatabaseLogin")
    assert json.loads(login["GenerateSecretString"]["SecretStringTemplate"]) == {"username": "spendsmart"}
    assert "{{resolve:secretsmanager:" in json.dumps(_writer(assembly)["MasterUserPassword"])
    (schedule,) = (s for n, s in data.all("AWS::SecretsManager::RotationSchedule").items() if "DatabaseLogin" in n)
    rotation = schedule["Properties"]
    assert rotation["HostedRotationLambda"]["RotationType"] == "PostgreSQLSingleUser"
    assert rotation["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    (rule,) = (name for name in data.all("AWS::EC2::SecurityGroupIngress") if "DatabaseRotation" in name)
    assert rule in schedule["DependsOn"]  # or the first rotation cannot reach the database
    assert data.body["Transform"] == "AWS::SecretsManager-2024-09-16"


def test_the_signing_key_is_rotated_by_a_function_outside_of_the_network(assembly: Assembly) -> None:
    data = assembly["Data"]
    (name,) = (n for n in data.all("AWS::Lambda::Function") if "JwtSigningKey" in n)
    function = data.all("AWS::Lambda::Function")[name]["Properties"]
    assert "VpcConfig" not in function
    assert len(function["Code"]["ZipFile"]) <= 4096  # CloudFormation's limit for inline code
    schedule = data.one("AWS::SecretsManager::RotationSchedule", containing="JwtSigningKey")
    assert schedule["RotationLambdaARN"] == {"Fn::GetAtt": [name, "Arn"]}
    days = int(schedule["RotationRules"]["ScheduleExpression"].removeprefix("rate(").removesuffix(" days)"))
    assert days > 14  # a refresh token's life: its key must not be two rotations old before it ends
    assert schedule["RotateImmediatelyOnUpdate"] is False
    log_group = data.one("AWS::Logs::LogGroup", containing="JwtSigningKey")
    assert log_group["RetentionInDays"]


def test_no_secret_is_written_in_a_template(assembly: Assembly) -> None:
    for secret in assembly["Data"].properties("AWS::SecretsManager::Secret"):
        assert "SecretString" not in secret
        assert secret["GenerateSecretString"]
        assert secret["KmsKeyId"]


@pytest.mark.parametrize(("name", "eviction"), [("Broker", "noeviction"), ("Cache", "allkeys-lru")])
def test_valkey(assembly: Assembly, name: str, eviction: str) -> None:
    data = assembly["Data"]
    group = data.one("AWS::ElastiCache::ReplicationGroup", containing=name)
    assert group["Engine"] == "valkey"
    assert group["TransitEncryptionEnabled"] is True
    assert group["TransitEncryptionMode"] == "required"
    assert group["AtRestEncryptionEnabled"] is True
    assert "AuthToken" not in group  # excludes user groups
    parameters = data.one("AWS::ElastiCache::ParameterGroup", containing=name)
    assert parameters["CacheParameterGroupFamily"] == "valkey8"
    assert parameters["Properties"] == {"maxmemory-policy": eviction}
    failover = group["ReplicasPerNodeGroup"] > 0
    assert group["AutomaticFailoverEnabled"] is failover
    assert group["MultiAZEnabled"] is failover
    assert failover is (assembly.environment in {"prod", "staging"})


@pytest.mark.parametrize("name", ["Broker", "Cache"])
def test_valkey_users_have_a_password_and_no_administration(assembly: Assembly, name: str) -> None:
    data = assembly["Data"]
    user = data.one("AWS::ElastiCache::User", containing=name)
    assert user["Engine"] == "valkey"
    assert "NoPasswordRequired" not in user
    assert "{{resolve:secretsmanager:" in json.dumps(user["Passwords"])
    assert user["AccessString"].startswith("on ")
    assert "-@admin -@dangerous" in user["AccessString"]
    secret = data.one("AWS::SecretsManager::Secret", containing=f"{name}Password")["GenerateSecretString"]
    assert 16 <= secret["PasswordLength"] <= 128
    assert secret["ExcludePunctuation"] is True  # some of it ends an access string
    users = data.one("AWS::ElastiCache::UserGroup", containing=name)
    assert users["Engine"] == "valkey"
    assert users["UserIds"] == [{"Ref": next(n for n in data.all("AWS::ElastiCache::User") if name in n)}]


def test_security_groups_let_nobody_in_and_nothing_out(assembly: Assembly) -> None:
    """Clients declare their rules themselves. Functions for rotation and previews are clients, so they may go out."""
    groups = assembly["Data"].all("AWS::EC2::SecurityGroup")
    clients = {name for name in groups if name.startswith(("DatabaseRotation", "PreviewFunctions"))}
    assert len(groups.keys() - clients) == 3
    for name, resource in groups.items():
        assert "SecurityGroupIngress" not in resource["Properties"], name
        if name not in clients:
            (egress,) = resource["Properties"]["SecurityGroupEgress"]
            assert egress["CidrIp"] == "255.255.255.255/32"  # CDK's way to say: nowhere


def test_openai_key_only_where_it_is_used(prod: Assembly, dev: Assembly) -> None:
    assert prod["Data"].properties("AWS::SecretsManager::Secret", containing="OpenAi")
    assert not dev["Data"].properties("AWS::SecretsManager::Secret", containing="OpenAi")


def test_the_key_names_no_role_of_another_stack(assembly: Assembly) -> None:
    """A key policy naming tasks' roles would make this stack need the one that needs it."""
    for stack in ("Data", "Storage"):
        for key in assembly[stack].properties("AWS::KMS::Key"):
            assert "Fn::GetStackOutput" not in json.dumps(key["KeyPolicy"])
