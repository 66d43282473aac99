"""Engine versions, parameters, instance classes, endpoints: offered where the stacks want them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.preflight.account.cloud import HOME, Cloud, assembly, fails, passes, said, stack, unchecked


def database(version: str = "17.9", more: str = "") -> str:
    return f"""
Db:
  Type: AWS::RDS::DBInstance
  Properties:
    {{Engine: postgres, EngineVersion: '{version}', DBInstanceClass: db.m7g.large, BackupRetentionPeriod: 35 {more}}}
"""


def versions(*numbers: str, upgrades: tuple[str, ...] = ()) -> dict[str, Any]:
    targets = [{"Engine": "postgres", "EngineVersion": number} for number in upgrades]
    return {
        "DBEngineVersions": [
            {"Engine": "postgres", "EngineVersion": number, "ValidUpgradeTarget": targets} for number in numbers
        ]
    }


@pytest.mark.parametrize(
    ("wanted", "status"), [("17.9", "pass"), ("17", "pass"), ("17.4", "fail"), ("1", "fail"), ("18.1", "fail")]
)
def test_a_new_database_s_version_on_two_pages(wanted: str, status: str) -> None:
    cloud = Cloud().lacks()
    cloud.says("rds", "DescribeDBEngineVersions", {**versions("16.13"), "Marker": "m"}, given={"Engine": "postgres"})
    cloud.says("rds", "DescribeDBEngineVersions", versions("17.9", "17.10"))
    answers = cloud.ask("engine-versions", assembly(stack(database(wanted))))
    assert said(answers) == [(status, f"{HOME} App/Db")]
    if wanted == "17.4":
        assert answers[0].detail == "postgres 17.4 cannot be created; 17.9, 17.10 can"


def live(version: str, **more: Any) -> dict[str, Any]:
    return {"DBInstances": [{"DBInstanceIdentifier": "app-db", "EngineVersion": version, **more}]}


@pytest.mark.parametrize(
    ("running", "wanted", "status"),
    [("17.4", "17.4", "pass"), ("17.9", "17.10", "pass"), ("17.9", "18.1", "fail"), ("17.4", "17.9", "unchecked")],
)
def test_a_database_that_runs(running: str, wanted: str, status: str) -> None:
    """A version that can no longer be created is fine where it runs; another one must be an upgrade of it."""
    cloud = Cloud().has(Db="app-db")
    cloud.says("rds", "DescribeDBEngineVersions", versions("17.9", "17.10", "18.1", upgrades=("17.10",)))
    cloud.says("rds", "DescribeDBInstances", live(running), given={"DBInstanceIdentifier": "app-db"})
    assert said(cloud.ask("engine-versions", assembly(stack(database(wanted))))) == [(status, f"{HOME} App/Db")]


@pytest.mark.parametrize(("days", "status"), [(35, "pass"), (14, "fail")])
def test_retention_that_aws_backup_holds(days: int, status: str) -> None:
    described = live(
        "17.9", BackupRetentionPeriod=days, AwsBackupRecoveryPointArn="arn:aws:backup:r:a:recovery-point:x"
    )
    cloud = Cloud().has(Db="app-db").says("rds", "DescribeDBInstances", described)
    assert said(cloud.ask("backup-retention", assembly(stack(database())))) == [(status, f"{HOME} App/Db")]


def test_retention_that_nobody_holds() -> None:
    cloud = Cloud().has(Db="app-db").says("rds", "DescribeDBInstances", live("17.9", BackupRetentionPeriod=1))
    assert cloud.ask("backup-retention", assembly(stack(database()))) == []


CACHE = "C: {Type: AWS::ElastiCache::ReplicationGroup, Properties: {Engine: valkey, EngineVersion: '%s'}}"


@pytest.mark.parametrize(("wanted", "status"), [("8.1", "pass"), ("8", "pass"), ("8.9", "fail")])
def test_cache_version(wanted: str, status: str) -> None:
    found = {"CacheEngineVersions": [{"Engine": "valkey", "EngineVersion": "8.1"}]}
    cloud = Cloud().says("elasticache", "DescribeCacheEngineVersions", found, given={"Engine": "valkey"})
    if status == "fail":
        cloud.lacks()
    assert [found for found, _ in said(cloud.ask("cache-versions", assembly(stack(CACHE % wanted))))] == [status]


def test_a_cache_version_that_is_gone_but_may_run() -> None:
    cloud = Cloud().has(C="app-c").says("elasticache", "DescribeCacheEngineVersions", {"CacheEngineVersions": []})
    unchecked(cloud.ask("cache-versions", assembly(stack(CACHE % "7.0"))))


PARAMETERS = [
    {"ParameterName": "max_connections", "AllowedValues": "6-262143", "IsModifiable": True},
    {"ParameterName": "log_statement", "AllowedValues": "none,ddl,mod,all", "IsModifiable": True},
    {"ParameterName": "shared_preload_libraries", "AllowedValues": "pgaudit,pg_cron", "DataType": "list"},
    {"ParameterName": "server_version", "IsModifiable": False},
]


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("max_connections", "6", "pass"),
        ("max_connections", "5", "fail"),
        ("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)", "pass"),
        ("log_statement", "ddl", "pass"),
        ("log_statement", "everything", "fail"),
        ("shared_preload_libraries", "pg_cron,pgaudit", "pass"),
        ("shared_preload_libraries", "pg_cron,nothing", "fail"),
        ("server_version", "18", "fail"),
        ("max_conections", "100", "fail"),
    ],
)
def test_parameter(name: str, value: str, status: str) -> None:
    properties = f"{{Family: postgres17, Parameters: {{{name}: '{value}'}}}}"
    group = f"G: {{Type: AWS::RDS::DBParameterGroup, Properties: {properties}}}"
    pages = [
        {"EngineDefaults": {"DBParameterGroupFamily": "postgres17", "Parameters": PARAMETERS[:1], "Marker": "m"}},
        {"EngineDefaults": {"DBParameterGroupFamily": "postgres17", "Parameters": PARAMETERS[1:]}},
    ]
    cloud = Cloud()
    for page in pages:
        cloud.says("rds", "DescribeEngineDefaultParameters", page)
    assert said(cloud.ask("parameters", assembly(stack(group)))) == [(status, f"{HOME} App/G")]


def test_parameters_of_a_cache() -> None:
    group = """
G:
  Type: AWS::ElastiCache::ParameterGroup
  Properties: {CacheParameterGroupFamily: valkey8, Properties: {maxmemory-policy: %s}}
"""
    known = [{"ParameterName": "maxmemory-policy", "AllowedValues": "volatile-lru,allkeys-lru,noeviction"}]

    def ask(value: str) -> list:
        cloud = Cloud().says(
            "elasticache",
            "DescribeEngineDefaultParameters",
            {"EngineDefaults": {"Parameters": known}},
            given={"CacheParameterGroupFamily": "valkey8"},
        )
        return cloud.ask("parameters", assembly(stack(group % value)))

    passes(ask("noeviction"))
    fails(ask("no-eviction"))


SUBNETS = """
A: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: us-east-1a}}
B: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: us-east-1b}}
Group: {Type: AWS::RDS::DBSubnetGroup, Properties: {SubnetIds: [{Ref: A}, {Ref: B}]}}
"""


def option(*zones: str, version: str = "17.9", storage: str = "gp3", multi_az: bool = True) -> dict[str, Any]:
    return {
        "EngineVersion": version,
        "StorageType": storage,
        "MultiAZCapable": multi_az,
        "AvailabilityZones": [{"Name": f"us-east-1{zone}"} for zone in zones],
    }


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([option("a", "b", "c")], "pass"),
        ([option("a"), option("b")], "pass"),
        ([option("a")], "fail"),
        ([option("a", "c")], "fail"),
        ([option("a", "b", multi_az=False)], "fail"),
        ([option("a", "b", version="16.13")], "fail"),
        ([option("a", "b", storage="io2")], "fail"),
    ],
)
def test_database_class(options: list[dict[str, Any]], status: str) -> None:
    more = ", MultiAZ: true, StorageType: gp3, DBSubnetGroupName: {Ref: Group}"
    cloud = Cloud().says(
        "rds", "DescribeOrderableDBInstanceOptions", {"OrderableDBInstanceOptions": options[:1], "Marker": "m"}
    )
    cloud.says("rds", "DescribeOrderableDBInstanceOptions", {"OrderableDBInstanceOptions": options[1:]})
    answers = cloud.ask("database-classes", assembly(stack(SUBNETS + database(more=more))))
    assert said(answers) == [(status, f"{HOME} App/Db")]


@pytest.mark.parametrize(("others", "status"), [([option("a")], "fail"), ([], "unchecked")])
def test_a_class_that_is_not_listed_and_a_list_that_is_empty(others: list[dict[str, Any]], status: str) -> None:
    """A list without any class for the version says nothing about this one."""
    cloud = Cloud().says("rds", "DescribeOrderableDBInstanceOptions", {"OrderableDBInstanceOptions": []})
    cloud.says("rds", "DescribeDBEngineVersions", versions("17.9"))
    cloud.says("rds", "DescribeOrderableDBInstanceOptions", {"OrderableDBInstanceOptions": others})
    assert said(cloud.ask("database-classes", assembly(stack(database())))) == [(status, f"{HOME} App/Db")]


def test_a_replica_has_its_source_s_engine() -> None:
    replica = """
Reader:
  Type: AWS::RDS::DBInstance
  Properties: {DBInstanceClass: db.t4g.micro, SourceDBInstanceIdentifier: {Ref: Db}}
"""
    cloud = Cloud()
    for name in ("db.m7g.large", "db.t4g.micro"):
        cloud.says(
            "rds",
            "DescribeOrderableDBInstanceOptions",
            {"OrderableDBInstanceOptions": [option("a", "b")]},
            given={"Engine": "postgres", "DBInstanceClass": name, "Vpc": True},
        )
    answers = cloud.ask("database-classes", assembly(stack(database() + replica)))
    assert [status for status, _ in said(answers)] == ["pass", "pass"]


@pytest.mark.parametrize(("zones", "status"), [("ab", "pass"), ("b", "fail"), ("", "fail")])
def test_instance_type(zones: str, status: str) -> None:
    machine = SUBNETS + "I: {Type: AWS::EC2::Instance, Properties: {InstanceType: m7g.large, SubnetId: {Ref: A}}}"
    offerings = [{"InstanceType": "m7g.large", "Location": f"us-east-1{zone}"} for zone in zones]
    cloud = Cloud().says("ec2", "DescribeInstanceTypeOfferings", {"InstanceTypeOfferings": offerings})
    assert said(cloud.ask("instance-types", assembly(stack(machine)))) == [(status, f"{HOME} m7g.large")]


ENDPOINT = (
    SUBNETS
    + """
E:
  Type: AWS::EC2::VPCEndpoint
  Properties: {ServiceName: com.amazonaws.us-east-1.logs, SubnetIds: [{Ref: A}, {Ref: B}]}
"""
)


@pytest.mark.parametrize(("zones", "status"), [(("a", "b"), "pass"), (("b", "c"), "fail")])
def test_endpoint_service(zones: tuple[str, ...], status: str) -> None:
    details = [{"AvailabilityZones": [f"us-east-1{zone}" for zone in zones]}]
    cloud = Cloud().says("ec2", "DescribeVpcEndpointServices", {"ServiceDetails": details})
    answers = cloud.ask("endpoint-services", assembly(stack(ENDPOINT)))
    assert said(answers) == [(status, f"{HOME} com.amazonaws.us-east-1.logs")]


def test_an_endpoint_service_that_is_not_there() -> None:
    cloud = Cloud().refuses("ec2", "DescribeVpcEndpointServices", "InvalidServiceName")
    fails(cloud.ask("endpoint-services", assembly(stack(ENDPOINT))))
