"""An alarm finds its topic, and the topic's key, by whatever way a template passes a name or an ARN."""

from __future__ import annotations

import textwrap

import pytest
import yaml

from preflight.assembly import Assembly, Stack
from preflight.engine import run
from preflight.loading import TemplateLoader

_POLICY = "{Statement: [{Effect: Allow, Principal: {AWS: 'arn:aws:iam::1:root'}, Action: 'kms:*', Resource: '*'}]}"
_OWNER = f"""
Resources:
  Key: {{Type: AWS::KMS::Key, Properties: {{KeyPolicy: {_POLICY}}}}}
  Topic: {{Type: AWS::SNS::Topic, Properties: {{TopicName: alerts, KmsMasterKeyId: !Ref Key}}}}
  Written: {{Type: AWS::SSM::Parameter, Properties: {{Type: String, Name: /alerts, Value: !Ref Topic}}}}
Outputs:
  Topic: {{Value: !Ref Topic, Export: {{Name: alerts}}}}
"""
_WAYS = {
    "an import": "!ImportValue alerts",
    "a weak reference": "!GetStackOutput {StackName: Owner, OutputName: Topic}",
    "a weak reference in a text": "!Join ['', [!GetStackOutput {StackName: Owner, OutputName: Topic}]]",
    "an ARN with an undecided account": "!Sub 'arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:alerts'",
    "an ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
    "a parameter of Systems Manager": "!Ref FromStore",
    "a dynamic reference": "'{{resolve:ssm:/alerts}}'",
    "a dynamic reference to a version": "'{{resolve:ssm:/alerts:1}}'",
}
_ELSEWHERE = {
    "another export": "!ImportValue news",
    "another name": "!Sub 'arn:aws:sns:${AWS::Region}:${AWS::AccountId}:news'",
    "another parameter": "'{{resolve:ssm:/news}}'",
    "a secret one": "'{{resolve:ssm-secure:/alerts}}'",
}


def _found(action: str, region: str = "eu-west-1") -> list[str]:
    consumer = f"""
Parameters: {{FromStore: {{Type: 'AWS::SSM::Parameter::Value<String>', Default: /alerts}}}}
Resources:
  Alarm: {{Type: AWS::CloudWatch::Alarm, Properties: {{AlarmActions: [{action}]}}}}
"""
    assembly = Assembly()
    for name, written, place in (("Owner", _OWNER, "eu-west-1"), ("Consumer", consumer, region)):
        template = yaml.load(textwrap.dedent(written), Loader=TemplateLoader)  # noqa: S506 - a SafeLoader
        assembly.stacks.append(Stack(name, template, assembly, file=name, region=place))
    result = run(assembly, only=["SNS-98"])
    assert result.crashed == []
    return [finding.construct_path for finding in result.findings]


@pytest.mark.parametrize("way", _WAYS)
def test_the_key_of_the_topic_is_found_by(way: str) -> None:
    assert _found(_WAYS[way]) == ["Owner/Key"]


@pytest.mark.parametrize("way", _ELSEWHERE)
def test_nothing_is_found_by(way: str) -> None:
    assert _found(_ELSEWHERE[way]) == []


def test_parameters_are_of_one_region() -> None:
    assert _found(_WAYS["a dynamic reference"], region="us-east-1") == []


def test_parameters_that_read_each_other_have_an_end() -> None:
    loop = (
        "A: {{Type: AWS::SSM::Parameter, Properties: {{Type: String, Name: /{0}, Value: '{{{{resolve:ssm:/{1}}}}}'}}}}"
    )
    assembly = Assembly()
    for name, other in (("a", "b"), ("b", "a")):
        template = yaml.safe_load("Resources: {" + loop.format(name, other) + "}")
        assembly.stacks.append(Stack(name, template, assembly, file=name))
    assert run(assembly).crashed == []
