"""What must survive: logical ids that may never change, retention, protection, names that refuse replacement."""

from __future__ import annotations

import pytest

from tests.infra.synthesized import Assembly, Template

STATEFUL_STACKS = ("Data", "Storage", "StorageReplica", "Backup", "BackupReplica", "DataReplica")
STATEFUL_TYPES = {
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Backup::BackupVault",
}
PINNED_TYPES = STATEFUL_TYPES | {"AWS::EC2::VPC", "AWS::EC2::Subnet"}

PINNED = {
    "Network": {
        "LogKeyE83D0C1B",
        "Vpc8378EB38",
        "VpcPublicSubnet1Subnet5C2D37C4",
        "VpcPublicSubnet2Subnet691E08A3",
        "VpcPublicSubnet3SubnetBE12F0B6",
        "VpcPrivateSubnet1Subnet536B997A",
        "VpcPrivateSubnet2Subnet3788AAA1",
        "VpcPrivateSubnet3SubnetF258B56E",
        "VpcIsolatedSubnet1SubnetE48C5737",
        "VpcIsolatedSubnet2Subnet16364B91",
        "VpcIsolatedSubnet3Subnet6840A2D4",
    },
    "Data": {
        "Key961B73FD",
        "DatabaseLoginD8DAF3B1",
        "DatabaseWriter7794273E",
        "DatabaseReader1ECF7A50F",
        "BrokerPasswordB7769F90",
        "BrokerGroup0D26E3EF",
        "CachePassword81962705",
        "CacheGroup065C0BC1",
        "DjangoSecretKey0A000B3C",
        "JwtSigningKey15CA95A1",
        "ImageSigningKey75EEF43F",
        "OpenAiApiKeyAB1C389B",
    },
    "Storage": {"AccessLogs8B620ECA", "ReceiptsKey86AC75FD", "ReceiptsBucket3F658C3D"},
    "StorageReplica": {"AccessLogs8B620ECA", "ReceiptsKey86AC75FD", "ReceiptsBucket3F658C3D"},
    "Backup": {"Key961B73FD", "Vault23237E5B"},
    "BackupReplica": {"Key961B73FD", "Vault23237E5B"},
    "DataReplica": {"Key961B73FD"},
}
"""CloudFormation replaces what gets another id: an empty database, a lost bucket. Never edit an id here to make the
test pass; `cdk refactor` moves a resource to a new id without replacing it."""


def _ids(template: Template, types: set[str]) -> set[str]:
    return {name for kind in types for name in template.all(kind)}


@pytest.mark.parametrize("stack", sorted(PINNED))
def test_logical_ids_are_the_ones_that_are_deployed(prod: Assembly, stack: str) -> None:
    assert _ids(prod[stack], PINNED_TYPES) == PINNED[stack]


def test_ids_do_not_depend_on_the_environment(assembly: Assembly) -> None:
    for stack in PINNED.keys() & assembly.templates.keys():
        assert _ids(assembly[stack], PINNED_TYPES) <= PINNED[stack], stack


@pytest.mark.parametrize("stack", STATEFUL_STACKS)
def test_protected_environments_keep_their_data(prod: Assembly, staging: Assembly, stack: str) -> None:
    for assembly in (prod, staging):
        kept = [resource for kind in STATEFUL_TYPES for resource in assembly[stack].all(kind).values()]
        assert kept
        assert {resource["DeletionPolicy"] for resource in kept} == {"RetainExceptOnCreate"}
        assert {resource["UpdateReplacePolicy"] for resource in kept} == {"Retain"}


def test_unprotected_environments_leave_nothing_behind(dev: Assembly) -> None:
    for stack in ("Data", "Storage", "StorageReplica"):
        for resource in dev[stack].body["Resources"].values():
            assert not resource.get("DeletionPolicy", "Delete").startswith("Retain"), resource["Type"]
    for stack in ("Storage", "StorageReplica"):
        assert dev[stack].all("Custom::S3AutoDeleteObjects"), "a bucket with objects cannot be deleted"


def test_nothing_empties_a_protected_bucket(prod: Assembly) -> None:
    for template in prod.templates.values():
        assert not template.all("Custom::S3AutoDeleteObjects"), template.name


def test_stacks_with_data_are_termination_protected(assembly: Assembly) -> None:
    protected = {
        name
        for name in assembly.templates
        if assembly.manifest["artifacts"][f"SpendSmart-{assembly.environment.capitalize()}-{name}"]["properties"].get(
            "terminationProtection"
        )
    }
    expected = set(STATEFUL_STACKS) if assembly.environment in {"prod", "staging"} else set()
    assert protected == expected & assembly.templates.keys()


def test_a_changed_database_cannot_be_replaced_by_an_empty_one(prod: Assembly) -> None:
    """RDS refuses a second instance of the name."""
    names = {p["DBInstanceIdentifier"] for p in prod["Data"].properties("AWS::RDS::DBInstance")}
    assert names == {"spendsmart-prod", "spendsmart-prod-reader-1"}


def test_no_name_is_longer_than_its_service_takes(assembly: Assembly) -> None:
    for user in assembly["Data"].properties("AWS::ElastiCache::User"):
        assert len(user["UserId"]) <= 40
    for name in assembly.templates:
        for bucket in assembly[name].properties("AWS::S3::Bucket"):
            assert len(bucket.get("BucketName", "")) <= 63
