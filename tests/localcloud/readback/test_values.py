"""Templates' values as far as the API tells them."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.readback.values import ANYTHING, Pattern, Stack, resolve

STACK = Stack(
    name="shop",
    region="us-east-1",
    account="000000000000",
    stack_id="id",
    physical_ids={"Bucket": "shop-bucket", "Group": "sg-1", "Role": "shop-role"},
    parameters={"Version": "7"},
    output_of=lambda region, stack, name: f"{region}/{stack}/{name}",
    definitions={"Imported": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Ref": "Bucket"}}}},
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bucket"}, "shop-bucket"),
        ({"Ref": "Version"}, "7"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Fn::GetAtt": ["Group", "GroupId"]}, "sg-1"),
        ({"Fn::GetAtt": ["Imported", "Value"]}, "shop-bucket"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Bucket"}]]}, "a-shop-bucket"),
        ({"Fn::Select": [1, ["a", "b"]]}, "b"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Sub": "${AWS::AccountId}/${Bucket}"}, "000000000000/shop-bucket"),
        ({"Fn::GetStackOutput": {"StackName": "net", "Region": "us-west-2", "OutputName": "Id"}}, "us-west-2/net/Id"),
        ("{{resolve:secretsmanager:a}}", ANYTHING),
        ({"A": {"Ref": "AWS::NoValue"}, "B": [1, {"Ref": "AWS::NoValue"}]}, {"B": [1]}),
        ({"Fn::If": ["X", 1, 2]}, ANYTHING),
    ],
)
def test_resolve(value: Any, expected: Any) -> None:
    assert resolve(value, STACK) == expected


def test_an_arn_has_the_name_in_it() -> None:
    arn = resolve({"Fn::GetAtt": ["Role", "Arn"]}, STACK)
    assert isinstance(arn, Pattern)
    assert arn.matches("arn:aws:iam::000000000000:role/shop-role")
    assert not arn.matches("arn:aws:iam::000000000000:role/other")


def test_a_text_with_an_unknown_part_is_a_pattern() -> None:
    joined = resolve({"Fn::Join": ["", [{"Fn::GetAtt": ["Role", "Arn"]}, "/*"]]}, STACK)
    assert joined.matches("arn:x:shop-role/*")
    assert not joined.matches("arn:x:shop-role")
