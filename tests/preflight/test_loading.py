"""What can be read, and what is said about the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.loading import LoadError, load

TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


def test_short_tags_dates_and_keys(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "AWSTemplateFormatVersion: 2010-09-09\n"
        "Resources:\n  T:\n    Type: AWS::SNS::Topic\n    Condition: C\n"
        "    Properties: {A: !GetAtt T.B.C, B: !Sub '${T}', C: !If [C, !Ref T, 1], 200: x}\n"
    )
    (stack,) = load(file).stacks
    assert stack.name == "a"
    assert stack.template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert stack.template["Resources"]["T"]["Properties"] == {
        "A": {"Fn::GetAtt": ["T", "B.C"]},
        "B": {"Fn::Sub": "${T}"},
        "C": {"Fn::If": ["C", {"Ref": "T"}, 1]},
        "200": "x",
    }


def test_a_folder_of_templates_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "one.template.json").write_text(json.dumps(TEMPLATE))
    (tmp_path / "two.yml").write_text(json.dumps(TEMPLATE))
    (tmp_path / "package.json").write_text('{"name": "x"}')
    assert [stack.name for stack in load(tmp_path).stacks] == ["one", "two"]


def test_a_cloud_assembly_with_stages_and_nested_stacks(tmp_path: Path) -> None:
    inner = {
        "Parameters": {"TopicName": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "TopicName"}}}},
        "Outputs": {"Name": {"Value": {"Ref": "TopicName"}}},
    }
    outer = {
        "Resources": {
            "Nested": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"Parameters": {"TopicName": "bell"}},
                "Metadata": {"aws:asset:path": "inner.json"},
            },
            "User": {"Type": "X", "Properties": {"Name": {"Fn::GetAtt": ["Nested", "Outputs.Name"]}}},
        }
    }
    stage = tmp_path / "assembly-Stage"
    stage.mkdir()
    (stage / "inner.json").write_text(json.dumps(inner))
    (stage / "outer.json").write_text(json.dumps(outer))
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://000000000000/eu-west-1",
        "properties": {"templateFile": "outer.json", "stackName": "Outer", "terminationProtection": True},
        "metadata": {"/Stage/Outer/User": [{"type": "aws:cdk:logicalId", "data": "User"}]},
    }
    (stage / "manifest.json").write_text(json.dumps({"artifacts": {"OuterId": stack}}))
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"Stage": nested}}))

    outer_stack, inner_stack = load(tmp_path).stacks
    assert (outer_stack.name, outer_stack.region, outer_stack.account) == ("Outer", "eu-west-1", "000000000000")
    assert outer_stack.termination_protection is True
    assert outer_stack.resources["User"].construct_path == "Stage/Outer/User"
    assert outer_stack.resources["User"].get("Name").value == "bell"
    assert inner_stack.resources["Topic"].name == "bell"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "this is empty"),
        (b"[]", "this is a list"),
        (b"Resources: []", "no mapping called Resources"),
        (b"Resources: {T: {}}", "resource T has no Type"),
        (b"a: b: c", "not YAML"),
        (b'{"Resources": ', "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"Resources: {T: {Type: a, P: " + b"[" * 400 + b"]" * 400 + b"}}", "levels deep"),
        (b'{"Resources": {"T": {"Type": "a", "P": ' + b"[" * 400 + b"]" * 400 + b"}}}", "levels deep"),
        (b'{"a": ' * 100_000, "nested"),
        (b"[" * 100_000, "levels deep"),
        (b"Resources: &r {T: {Type: a, P: *r}}", "recursive"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_file(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    with pytest.raises(LoadError, match=said) as error:
        load(file)
    assert str(file) in str(error.value)


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join([*lines, "Resources: {T: {Type: X, Properties: {A: *a9}}}"]))
    with pytest.raises(LoadError, match="more than"):
        load(file)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", None])
def test_a_manifest_does_not_lead_out_of_its_assembly(tmp_path: Path, name: str | None) -> None:
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": name}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"S": stack}}))
    with pytest.raises(LoadError):
        load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no such file"):
        load(tmp_path / "nothing")
    with pytest.raises(LoadError, match="neither"):
        load(tmp_path)


def test_of_a_key_that_is_given_twice_the_last_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("Resources: {Queue: {Type: AWS::SNS::Topic, Type: AWS::SQS::Queue}}")
    assert load(path).stacks[0].resources["Queue"].type == "AWS::SQS::Queue"
