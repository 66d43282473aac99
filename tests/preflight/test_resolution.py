"""What a template decides, and what it leaves to the deployment."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from preflight.assembly import Assembly, Resource, Stack
from preflight.loading import TemplateLoader
from preflight.values import ABSENT, Reference, Text, Unknown, boolean, entries, integer, noting, number, target, text

TEMPLATE = """
Parameters:
  Size: {Type: Number, Default: 5}
  Zones: {Type: CommaDelimitedList, Default: "a, b"}
  Open: {Type: String}
  Empty: {Type: String, Default: ""}
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /aws/image}
Mappings:
  Sizes: {us-east-1: {small: 1}}
Conditions:
  Yes_: !Equals [!Ref Size, "5"]
  No_: !Not [!Condition Yes_]
  Maybe: !Equals [!Ref Open, x]
  Both: !And [!Condition Yes_, !Condition Maybe]
  Never: !And [!Condition No_, !Condition Maybe]
  Either: !Or [!Condition Yes_, !Condition Maybe]
  Loop: !Not [!Condition Pool]
  Pool: !Not [!Condition Loop]
Resources:
  Key: {Type: AWS::KMS::Key}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: bell}}
  Read:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !GetAtt Key.Arn}
  Self:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !GetAtt Self.Value}
  Gone: {Type: AWS::SNS::Topic, Condition: No_}
Outputs:
  KeyArn: {Value: !GetAtt Key.Arn, Export: {Name: !Sub "${AWS::StackName}-key"}}
"""


def _loaded(written: str) -> Any:
    return yaml.load(written, Loader=TemplateLoader)  # noqa: S506


@pytest.fixture
def stack() -> Stack:
    assembly = Assembly()
    first = Stack("First", _loaded(TEMPLATE), assembly, file="first", region="us-east-1")
    assembly.stacks.append(first)
    return first


def _resolved(stack: Stack, written: str) -> Any:
    return stack.resolver.resolve(_loaded(written))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("!Ref Size", 5),
        ("!Ref Zones", ["a", "b"]),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref AWS::Partition", "aws"),
        ("!Sub 'arn:${AWS::Partition}:${!kept}:${Size}'", "arn:aws:${kept}:5"),
        ("!Sub ['${a}-${Size}', {a: x}]", "x-5"),
        ("!Join ['-', [a, !Ref Size, b]]", "a-5-b"),
        ("!Select [1, !Split [',', 'a,b']]", "b"),
        ("!Select ['0', !Ref Zones]", "a"),
        ("!FindInMap [Sizes, !Ref 'AWS::Region', small]", 1),
        ("!If [Yes_, 1, 2]", 1),
        ("!If [No_, 1, 2]", 2),
        ("!If [Maybe, 3, 3]", 3),
        ("!If [Either, 1, 2]", 1),
        ("!If [Never, 1, 2]", 2),
        ("{a: !Ref AWS::NoValue, b: [!Ref AWS::NoValue, 1]}", {"b": [1]}),
        ("{Fn::Length: !Ref Zones}", 2),
        ("{Fn::ToJsonString: {a: 1}}", '{"a": 1}'),
    ],
)
def test_decided(stack: Stack, written: str, value: object) -> None:
    assert _resolved(stack, written) == value


@pytest.mark.parametrize(
    "written",
    [
        "!Ref Open",
        "!Ref Empty",
        "!Ref Image",
        "!Ref AWS::AccountId",
        "!Ref Nobody",
        "!GetAtt Nobody.Arn",
        "!GetAtt Self.Value",
        "!If [Maybe, 1, 2]",
        "!If [Both, 1, 2]",
        "!If [Loop, 1, 2]",
        "!Select [9, [a]]",
        "!FindInMap [Sizes, eu-west-1, small]",
        "!ImportValue Nobody",
        "{Fn::GetStackOutput: {StackName: Nobody, OutputName: X}}",
        "{Fn::GetAZs: ''}",
        "{Fn::Transform: {Name: x}}",
        "'{{resolve:ssm:/a}}'",
        "!Join ['', ['{{resolve:secretsmanager:', !Ref Topic, '}}']]",
    ],
)
def test_left_to_the_deployment(stack: Stack, written: str) -> None:
    assert isinstance(_resolved(stack, written), Unknown)


@pytest.mark.parametrize("function", ["Ref", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::Select", "Fn::Split", "Fn::GetAtt"])
@pytest.mark.parametrize("argument", [None, [], {}, "", 0, [[], {}], {"a": {}}, ["a"], [None, None, None]])
def test_malformed_functions_do_not_raise(stack: Stack, function: str, argument: object) -> None:
    stack.resolver.resolve({function: argument})


def test_a_reference_is_followed_through_a_parameter(stack: Stack) -> None:
    assert _resolved(stack, "!GetAtt Read.Value") == Reference(stack.resources["Key"], "Arn")


def test_a_text_known_in_part(stack: Stack) -> None:
    made = _resolved(stack, "!Sub 'arn:aws:kms:${Open}:${Key}/x'")
    assert isinstance(made, Text)
    assert made.startswith("arn:aws:kms:") is True
    assert made.startswith("arn:aws:sns") is False
    assert made.startswith("arn:aws:kms:eu") is None
    assert made.endswith("/x") is True
    assert made.endswith("y") is False
    assert [part.resource.logical_id for part in made.references] == ["Key"]


def test_values_cross_stacks(stack: Stack) -> None:
    template = """
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      A: {Fn::GetStackOutput: {StackName: First, OutputName: KeyArn}}
      B: !ImportValue First-key
      C: arn:aws:sns:us-east-1:000000000000:bell
"""
    second = Stack("Second", _loaded(template), stack.assembly, file="second", region="us-east-1")
    stack.assembly.stacks.append(second)
    key, alarm = stack.resources["Key"], second.resources["Alarm"]
    assert alarm.get("A").value == alarm.get("B").value == Reference(key, "Arn")
    assert target(alarm.get("C"), "AWS::SNS::Topic") is stack.resources["Topic"]
    assert alarm in key.referrers


def test_a_resource_whose_condition_is_false_is_not_there(stack: Stack) -> None:
    assert "Gone" in stack.all_resources
    assert "Gone" not in stack.resources
    assert [topic.logical_id for topic in stack.assembly.of_type("AWS::SNS::Topic")] == ["Topic"]


def _resource(properties: dict[str, Any]) -> Resource:
    assembly = Assembly()
    stack = Stack("S", {"Resources": {"R": {"Type": "X", "Properties": properties}}}, assembly, file="s")
    assembly.stacks.append(stack)
    return stack.resources["R"]


def test_readers_take_texts_for_numbers_and_booleans_and_nothing_else() -> None:
    r = _resource({"a": "5", "b": 5.0, "c": True, "d": "true", "e": [], "f": "5.5", "g": 10**400, "h": "x" * 10_000})
    assert [integer(r.get(key)) for key in "abcdef"] == [5, 5, None, None, None, None]
    assert [number(r.get(key)) for key in "fgh"] == [5.5, None, None]
    assert [boolean(r.get(key)) for key in "acde"] == [None, True, True, None]
    assert [text(r.get(key)) for key in "ace"] == ["5", "true", None]


def test_what_is_below_the_unknown_is_unknown_and_not_absent() -> None:
    r = _resource({"a": {"Fn::GetAZs": ""}, "b": {}})
    assert r.get("b", "x").absent
    assert not r.get("a", "x").absent
    assert r.get("nothing", 3, "deep").value is ABSENT


def test_places_that_could_not_be_decided_are_noted() -> None:
    r = _resource({"a": {"Ref": "P"}, "b": [1, {"Ref": "P"}], "c": 3})
    with noting() as noted:
        assert integer(r.get("a")) is None
        assert [integer(entry) for entry in entries(r.get("b"))] == [1, None]
        assert integer(r.get("c")) == 3
        assert integer(r.get("nothing")) is None
    assert [node.path() for node, _ in noted] == ["a", "b.1"]


def test_a_single_value_counts_as_a_list_of_one() -> None:
    r = _resource({"a": "x", "b": ["x", "y"]})
    assert [str(entry) for entry in entries(r.get("a"))] == ["a"]
    assert [str(entry) for entry in entries(r.get("b"))] == ["b.0", "b.1"]
    assert entries(r.get("c")) == []


@pytest.mark.parametrize("levels", [200, 900])
def test_values_that_double_at_each_step_end(levels: int) -> None:
    resources: dict[str, Any] = {"P0": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "x" * 100}}}
    for level in range(1, levels):
        before = {"Fn::GetAtt": [f"P{level - 1}", "Value"]}
        resources[f"P{level}"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Value": {"Fn::Join": ["", [before, before]]}},
        }
    assembly = Assembly()
    stack = Stack("S", {"Resources": resources}, assembly, file="s")
    assembly.stacks.append(stack)
    for resource in stack.resources.values():
        assert resource.get("Value").value is not None
