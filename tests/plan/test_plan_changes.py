"""What counts as a change, what as a replacement, and what as noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plan.changes import Kind, compare
from preflight.loading import load
from tests.plan.assemblies import assembly, changed, resource

BUCKET = resource("AWS::S3::Bucket", BucketName="receipts")
HASH, OTHER = "a" * 64, "b" * 64


def test_the_same_assembly_changes_nothing(prod: Path) -> None:
    found = compare(load(prod), load(prod))
    assert (found.changes, found.rehashed, found.left_behind) == ((), (), ())


def test_a_resource_that_comes_and_one_that_goes() -> None:
    found = changed({"Old": BUCKET}, {"New": resource("AWS::SNS::Topic")})
    assert [(one.kind, one.resource.logical_id) for one in found.changes] == [
        (Kind.ADDED, "New"),
        (Kind.DELETED, "Old"),
    ]


def test_a_changed_property_is_named_with_both_values() -> None:
    before = resource("AWS::RDS::DBInstance", DBInstanceClass="db.m7g.large", MultiAZ=True)
    after = resource("AWS::RDS::DBInstance", DBInstanceClass="db.m7g.xlarge", MultiAZ=True)
    (found,) = changed({"Db": before}, {"Db": after}).changes
    assert found.kind is Kind.CHANGED
    assert [(one.name, one.old, one.new) for one in found.differences] == [
        ("DBInstanceClass", "db.m7g.large", "db.m7g.xlarge")
    ]


def test_elements_of_a_list_are_matched_by_their_name() -> None:
    def task(level: str) -> Any:
        variables = [{"Name": "A", "Value": "1"}, {"Name": "LEVEL", "Value": level}]
        return resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Environment": variables}])

    (found,) = changed({"Task": task("info")}, {"Task": task("debug")}).changes
    assert [one.name for one in found.differences] == ["ContainerDefinitions[web].Environment[LEVEL].Value"]
    assert found.kind is Kind.CHANGED  # a new revision, as with every release


@pytest.mark.parametrize(("old", "new"), [(100, "100"), (True, "true"), ("false", False)])
def test_a_number_or_a_truth_as_a_text_is_the_same(old: object, new: object) -> None:
    before, after = (resource("AWS::RDS::DBInstance", AllocatedStorage=value) for value in (old, new))
    assert not changed({"Db": before}, {"Db": after}).changes


def test_metadata_and_dependencies_alone_are_no_change() -> None:
    after = {**BUCKET, "Metadata": {"aws:cdk:path": "elsewhere"}, "DependsOn": ["Topic"]}
    topic = resource("AWS::SNS::Topic")
    assert not changed({"B": BUCKET, "Topic": topic}, {"B": after, "Topic": topic}).changes


def test_a_create_only_property_replaces() -> None:
    (found,) = changed({"B": BUCKET}, {"B": resource("AWS::S3::Bucket", BucketName="other")}).changes
    assert found.kind is Kind.REPLACED
    assert found.why == ("BucketName cannot be changed in place",)


def test_a_conditional_property_may_replace() -> None:
    before = resource("AWS::RDS::DBInstance", DBSnapshotIdentifier="one")
    after = resource("AWS::RDS::DBInstance", DBSnapshotIdentifier="two")
    assert changed({"Db": before}, {"Db": after}).changes[0].kind is Kind.MAY_BE_REPLACED


def test_backups_kept_longer_replace_no_database() -> None:
    before, after = (resource("AWS::RDS::DBInstance", BackupRetentionPeriod=days) for days in (7, 35))
    assert changed({"Db": before}, {"Db": after}).changes[0].kind is Kind.CHANGED


def test_what_refers_to_something_replaced_is_replaced_too() -> None:
    def resources(description: str) -> dict[str, Any]:
        subnets = resource("AWS::RDS::DBSubnetGroup", DBSubnetGroupName=description, SubnetIds=["a", "b"])
        database = resource("AWS::RDS::DBInstance", DBSubnetGroupName={"Ref": "Subnets"})
        return {"Subnets": subnets, "Db": database}

    found = {one.resource.logical_id: one for one in changed(resources("one"), resources("two")).changes}
    assert found["Db"].kind is Kind.REPLACED
    assert found["Db"].why == ("DBSubnetGroupName refers to Subnets, which is replaced",)


def test_another_logical_id_is_a_replacement_with_its_old_name() -> None:
    (found,) = changed({"Old": BUCKET}, {"New": BUCKET}).changes
    assert (found.kind, found.renamed) == (Kind.REPLACED, True)
    assert "logical id changes from Old to New" in found.why[0]
    assert "name receipts" in found.why[1]


def test_the_same_name_makes_it_the_same_thing_however_different_it_is() -> None:
    other = resource(
        "AWS::S3::Bucket", BucketName="receipts", Tags=[{"Key": "a", "Value": "b"}], ObjectLockEnabled=True
    )
    (found,) = changed({"Old": BUCKET}, {"New": other}).changes
    assert found.renamed


def test_hashes_of_images_and_code_are_counted_and_not_listed() -> None:
    def resources(digest: str) -> dict[str, Any]:
        image = {"Fn::Sub": f"123.dkr.ecr.us-east-1.${{AWS::URLSuffix}}/assets:{digest}"}
        return {
            "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Image": image}]),
            "Code": resource("AWS::Lambda::Function", Code={"S3Bucket": "assets", "S3Key": f"{digest}.zip"}),
        }

    found = changed(resources(HASH), resources(OTHER))
    assert not found.changes
    assert [one.logical_id for one in found.rehashed] == ["Task", "Code"]


def test_another_repository_is_no_noise() -> None:
    def task(image: str) -> Any:
        return resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Image": image}])

    (found,) = changed({"Task": task(f"ours:{HASH}")}, {"Task": task(f"theirs:{OTHER}")}).changes
    assert found.differences[0].name == "ContainerDefinitions[web].Image"


def test_a_hash_elsewhere_is_no_noise() -> None:
    before, after = (resource("AWS::SSM::Parameter", Value=digest) for digest in (HASH, OTHER))
    assert changed({"P": before}, {"P": after}).changes


def test_a_stack_that_is_gone_is_left_behind_and_nothing_is_deleted() -> None:
    found = compare(assembly(One={"B": BUCKET}, Two={"C": BUCKET}), assembly(One={"B": BUCKET}))
    assert not found.changes
    assert [stack.name for stack in found.left_behind] == ["App-Two"]
