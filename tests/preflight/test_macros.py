"""What a macro may add is not missing, and what is written stays a fault."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from preflight.engine import Result, all_rules, run
from tests.preflight.test_cases import _assembly, _documents

CUSTOM = "CompanyDefaults"
INCLUDE = {"Name": "AWS::Include", "Parameters": {"Location": "s3://snippets/policies.yaml"}}
TOPIC: dict[str, Any] = {
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": {}, "Targets": [{"Id": "topic", "Arn": {"Ref": "Topic"}}]},
    },
}
MODULE = {"Type": "Company::SNS::Allow::MODULE"}
LOOP = [
    "Name",
    ["a"],
    {"${Name}": {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "Topic"}]}}},
]
LOOP_OF_QUEUES = ["Name", ["a"], {"${Name}": {"Type": "AWS::SQS::Queue"}}]


def transformed(document: dict[str, Any], transform: Any) -> dict[str, Any]:
    """The case with a transform in each of its templates."""
    changed = copy.deepcopy(document)
    for template in [stack["Template"] for stack in changed.get("Stacks", ())] or [changed]:
        template["Transform"] = transform
    return changed


def only_adds(broken: Any, sound: Any) -> bool:
    """Whether the sound value holds all that the broken one does, and more."""
    if isinstance(broken, dict) and isinstance(sound, dict):
        return all(key in sound and only_adds(value, sound[key]) for key, value in broken.items())
    return type(broken) is type(sound) and bool(broken == sound)


def _of_absence() -> list[str]:
    return [rule_id for rule_id in sorted(all_rules()) if only_adds(*_documents(rule_id))]


def _judged(rule_id: str, document: dict[str, Any]) -> Result:
    result = run(_assembly(document), only=[rule_id])
    assert result.crashed == []
    return result


@pytest.mark.parametrize("rule_id", _of_absence())
def test_what_something_more_would_mend_is_undecided_where_a_macro_may_add_it(rule_id: str) -> None:
    broken = _documents(rule_id)[0]
    assert _judged(rule_id, broken).findings != []
    found = _judged(rule_id, transformed(broken, CUSTOM))
    assert [(one.at, one.message) for one in found.findings] == []
    assert found.undecided != []


@pytest.mark.parametrize("rule_id", ["ECS-28", "ELB-36", "WAF-43", "CW-104", "S3-82"])
def test_what_is_written_is_found_whatever_a_macro_adds(rule_id: str) -> None:
    broken = _documents(rule_id)[0]
    plain = [(one.at, one.message) for one in _judged(rule_id, broken).findings]
    assert [(one.at, one.message) for one in _judged(rule_id, transformed(broken, CUSTOM)).findings] == plain


def _publishing(transform: Any = None, **more: Any) -> list[str]:
    template = {"Transform": transform, "Resources": {**TOPIC, **more}}
    return [one.rule_id for one in _judged("SNS-100", template).findings]


def test_a_topic_without_the_policy_that_a_macro_may_bring_is_undecided() -> None:
    assert _publishing() == ["SNS-100"]
    assert _publishing("AWS::LanguageExtensions") == ["SNS-100"]
    assert _publishing("AWS::Serverless-2016-10-31") == []  # a connector becomes one
    assert _publishing(Connector={"Type": "AWS::Serverless::Connector"}) == []
    assert _publishing(INCLUDE) == []
    assert _publishing([CUSTOM]) == []


def test_what_else_stands_for_resources_may_bring_the_policy_as_well() -> None:
    assert _publishing(**{"Fn::Transform": INCLUDE}) == []
    assert _publishing(Allow=MODULE) == []
    assert _publishing("AWS::LanguageExtensions", **{"Fn::ForEach::Policies": LOOP}) == []
    assert _publishing("AWS::LanguageExtensions", **{"Fn::ForEach::Queues": LOOP_OF_QUEUES}) == ["SNS-100"]


def test_a_macro_at_one_resource_changes_that_one_only() -> None:
    gateway = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway", "ServiceName": "x.sqs"}}
    both = {"One": {**gateway, "Fn::Transform": {"Name": CUSTOM}}, "Other": gateway}
    missing = {"Type": "AWS::RDS::DBInstance", "Properties": {"Engine": "postgres", "StorageType": "io1"}}
    found = _judged("RDS-202", {"Resources": {"One": {**missing, "Fn::Transform": {"Name": CUSTOM}}, "Other": missing}})
    assert [one.construct_path for one in found.findings] == ["Template/Other"]
    found = _judged("VPC-51e", {"Resources": both})
    assert [one.construct_path for one in found.findings] == ["Template/One", "Template/Other"]
