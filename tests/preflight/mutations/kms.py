"""Faults in keys and in policies."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _key(prod: Prod, stack: str = "Data") -> dict[str, Any]:
    return prod.resource(stack, "AWS::KMS::Key")


@plants("KMS-102", constraint=102)
def a_policy_for_a_role_to_come(prod: Prod) -> str:
    key = _key(prod)
    assumed = {
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.amazonaws.com"}}]
    }
    role = {"RoleName": "spendsmart-reader", "AssumeRolePolicyDocument": assumed}
    prod.add("Data", "Reader", {"Type": "AWS::IAM::Role", "Properties": role})
    principal = {"AWS": "arn:aws:iam::000000000000:role/spendsmart-reader"}
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Principal": principal}
    key["Properties"]["KeyPolicy"]["Statement"].append(statement)
    return prod.path(key)


@plants("KMS-201")
def a_key_that_nobody_can_change(prod: Prod) -> str:
    key = _key(prod)
    for statement in key["Properties"]["KeyPolicy"]["Statement"]:
        statement["Action"] = "kms:Decrypt"
    return prod.path(key)


@plants("KMS-202")
def rotation_of_imported_material(prod: Prod) -> str:
    key = _key(prod)
    key["Properties"]["Origin"] = "EXTERNAL"
    return prod.path(key)


@plants("KMS-203")
def a_signing_key_for_data(prod: Prod) -> str:
    key = _key(prod)
    key["Properties"] |= {"KeySpec": "ECC_NIST_P256", "EnableKeyRotation": False}
    return prod.path(key)


@plants("KMS-204")
def a_replica_of_a_regional_key(prod: Prod) -> str:
    primary = prod.logical_id(_key(prod))
    properties = {"PrimaryKeyArn": {"Fn::GetAtt": [primary, "Arn"]}, "KeyPolicy": {}}
    return prod.path(prod.add("Data", "Twin", {"Type": "AWS::KMS::ReplicaKey", "Properties": properties}))


@plants("KMS-205")
def receipts_that_outlive_their_key(prod: Prod) -> str:
    _key(prod, "Storage")["DeletionPolicy"] = "Delete"
    return prod.path(prod.resource("Storage", "AWS::S3::Bucket", "Receipts"))


@plants("KMS-102", constraint=102)
def a_bucket_policy_for_a_role_to_come(prod: Prod) -> str:
    policy = prod.resource("Storage", "AWS::S3::BucketPolicy", "Receipts")
    prod.add("Storage", "Reader", {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "reader", "Path": "/app/"}})
    principal = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/app/reader"}}
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": principal}
    policy["Properties"]["PolicyDocument"]["Statement"].append(statement)
    return prod.path(policy)
