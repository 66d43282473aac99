"""The emergency role: who may take it, and that it can neither read people's data nor destroy anything."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from infra.break_glass import BreakGlassRole


def template(*, principals: tuple[str, ...] = (), require_mfa: bool = True) -> dict[str, Any]:
    app = cdk.App(builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Stack")
    topic = sns.Topic(stack, "Topic")
    BreakGlassRole(stack, "BreakGlass", environment="prod", principals=principals, require_mfa=require_mfa, topic=topic)
    found: dict[str, Any] = app.synth().get_stack_by_name("Stack").template["Resources"]
    return found


def properties(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]
    return dict(found)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return template()


def test_nobody_takes_it_without_a_name_and_a_second_factor(resources: dict[str, Any]) -> None:
    statements = properties(resources, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert {statement["Action"] for statement in statements} == {"sts:AssumeRole", "sts:SetSourceIdentity"}
    for statement in statements:
        assert statement["Condition"]["StringLike"] == {"sts:SourceIdentity": "*"}
        assert statement["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}


def test_for_an_hour(resources: dict[str, Any]) -> None:
    assert properties(resources, "AWS::IAM::Role")["MaxSessionDuration"] == 3600


def test_only_whom_the_configuration_names() -> None:
    responder = "arn:aws:iam::111122223333:role/on-call"
    statements = properties(template(principals=(responder,)), "AWS::IAM::Role")["AssumeRolePolicyDocument"]
    assert {statement["Principal"]["AWS"] for statement in statements["Statement"]} == {responder}


def test_an_identity_provider_has_asked_for_the_second_factor() -> None:
    statements = properties(template(require_mfa=False), "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert not any("Bool" in statement["Condition"] for statement in statements)


def test_it_reads_no_data_and_destroys_nothing(resources: dict[str, Any]) -> None:
    statements = properties(resources, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    actions = {action for statement in statements for action in statement["Action"]}
    verbs = {action.split(":")[1] for action in actions}
    forbidden = ("Attach", "Create", "Delete", "Execute", "Get", "Pass", "Put", "Schedule")
    assert {verb for verb in verbs if verb.startswith(forbidden)} == {
        "CreateInvalidation",
        "GetLogEvents",
        "GetQueryResults",
    }
    assert not {action for action in actions if "*" in action or action.startswith(("s3:", "kms:", "iam:"))}
    assert "secretsmanager:GetSecretValue" not in actions


def test_it_acts_on_this_environment_only(resources: dict[str, Any]) -> None:
    statements = properties(resources, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    everywhere = [statement for statement in statements if statement["Resource"] == "*"]
    for statement in everywhere:
        if set(statement["Action"]) == {"logs:GetQueryResults", "logs:StopQuery"}:
            continue
        tags = statement["Condition"]["StringEquals"]
        assert tags == {"aws:ResourceTag/Environment": "prod", "aws:ResourceTag/Project": "SpendSmart"}


def test_taking_it_is_told(resources: dict[str, Any]) -> None:
    rule = properties(resources, "AWS::Events::Rule")
    assert rule["EventPattern"]["detail"]["eventName"] == ["AssumeRole"]
    (role,) = [name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::Role"]
    assert rule["EventPattern"]["detail"]["requestParameters"]["roleArn"] == [{"Fn::GetAtt": [role, "Arn"]}]
    assert len(rule["Targets"]) == 1
