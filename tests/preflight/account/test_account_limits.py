"""Load balancers, Lambda's concurrency and CodeBuild's builds against what the account allows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.preflight.account.cloud import HOME, NUMBER, Cloud, assembly, fails, passes, said, stack, unchecked
from tests.preflight.account.test_account_quotas import quota

ARN = f"arn:aws:elasticloadbalancing:{HOME}:{NUMBER}"
LISTENER = f"{ARN}:listener/app/shared/50dc6c495c0c9188/0467ef3c8400ae65"
BALANCER = f"{ARN}:loadbalancer/app/shared/50dc6c495c0c9188"
LIMITS = {
    "Limits": [
        {"Name": "target-groups", "Max": "3000"},
        {"Name": "target-groups-per-application-load-balancer", "Max": "100"},
        {"Name": "rules-per-application-load-balancer", "Max": "100"},
        {"Name": "application-load-balancers", "Max": "50"},
    ]
}
PREVIEW = f"""
Blue: {{Type: AWS::ElasticLoadBalancingV2::TargetGroup}}
Green: {{Type: AWS::ElasticLoadBalancingV2::TargetGroup}}
Rule:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: {LISTENER}
    Priority: 7
    Actions:
      - Type: forward
        ForwardConfig: {{TargetGroups: [{{TargetGroupArn: {{Ref: Blue}}}}, {{TargetGroupArn: {{Ref: Green}}}}]}}
"""


@pytest.mark.parametrize(("there", "status"), [(98, "pass"), (99, "fail")])
def test_target_groups_of_a_load_balancer_that_is_shared(there: int, status: str) -> None:
    groups = [{"TargetGroupArn": f"{ARN}:targetgroup/t{n}/0123456789abcdef"} for n in range(there)]
    cloud = Cloud().lacks().says("elbv2", "DescribeAccountLimits", LIMITS)
    cloud.says("elbv2", "DescribeTargetGroups", {"TargetGroups": groups})
    cloud.says("elbv2", "DescribeTargetGroups", {"TargetGroups": groups}, given={"LoadBalancerArn": BALANCER})
    cloud.says("elbv2", "DescribeListeners", {"Listeners": [{"ListenerArn": LISTENER}]})
    rules = [{"RuleArn": f"{ARN}:rule/1", "Priority": "1"}, {"RuleArn": f"{ARN}:rule/d", "IsDefault": True}]
    cloud.says("elbv2", "DescribeRules", {"Rules": rules}, given={"ListenerArn": LISTENER})
    answers = cloud.ask("quota-load-balancers", assembly(stack(PREVIEW)))
    assert said(answers) == [
        ("pass", f"{HOME} target-groups"),
        (status, f"{HOME} {BALANCER}"),
        ("pass", f"{HOME} {BALANCER}"),
    ]
    assert answers[1].detail.startswith(f"2 target groups needed, {100 - there} available")
    assert answers[2].detail.startswith("1 rules needed, 99 available")


def test_load_balancers_of_a_region() -> None:
    balancer = "B: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}"
    there = [{"LoadBalancerArn": f"{BALANCER}{n}", "Type": "application"} for n in range(50)]
    cloud = Cloud().lacks().says("elbv2", "DescribeAccountLimits", LIMITS)
    cloud.says("elbv2", "DescribeLoadBalancers", {"LoadBalancers": [*there, {"Type": "network"}]})
    assert "(50 of 50 in use)" in fails(cloud.ask("quota-load-balancers", assembly(stack(balancer)))).detail


@pytest.mark.parametrize(("taken", "status"), [("8", "pass"), ("7", "fail")])
def test_priorities_on_a_listener_that_is_shared(taken: str, status: str) -> None:
    cloud = Cloud().lacks()
    cloud.says("elbv2", "DescribeRules", {"Rules": [{"RuleArn": f"{ARN}:rule/other", "Priority": taken}]})
    answers = cloud.ask("listener-priorities", assembly(stack(PREVIEW)))
    assert [found for found, _ in said(answers)] == [status]


def test_a_rule_s_own_priority_is_not_taken() -> None:
    cloud = Cloud().has(Rule=f"{ARN}:rule/own")
    cloud.says("elbv2", "DescribeRules", {"Rules": [{"RuleArn": f"{ARN}:rule/own", "Priority": "7"}]})
    passes(cloud.ask("listener-priorities", assembly(stack(PREVIEW))))


def function(reserved: int) -> str:
    return f"F: {{Type: AWS::Lambda::Function, Properties: {{ReservedConcurrentExecutions: {reserved}}}}}"


def concurrency(limit: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}


@pytest.mark.parametrize(
    ("limit", "reserved", "status"),
    [(1000, 900, "pass"), (1000, 901, "fail"), (10, 1, "fail"), (50, 5, "unchecked"), (50, 41, "fail")],
)
def test_reserved_concurrency(limit: int, reserved: int, status: str) -> None:
    cloud = Cloud().lacks().says("lambda", "GetAccountSettings", concurrency(limit))
    (answer,) = cloud.ask("quota-lambda", assembly(stack(function(reserved))))
    assert str(answer.status) == status
    assert f"{reserved} more to reserve of {limit}" in answer.detail


def test_concurrency_that_is_reserved_already_is_not_needed_again() -> None:
    cloud = Cloud().has(F="app-f").says("lambda", "GetFunctionConcurrency", {"ReservedConcurrentExecutions": 5})
    cloud.says("lambda", "GetAccountSettings", concurrency(10))
    passes(cloud.ask("quota-lambda", assembly(stack(function(5)))))


def test_a_function_without_reservation_asks_nothing() -> None:
    assert Cloud().ask("quota-lambda", assembly(stack("F: {Type: AWS::Lambda::Function}"))) == []


BUILD = """
P: {Type: AWS::CodeBuild::Project, Properties: {Environment: {Type: ARM_CONTAINER, ComputeType: BUILD_GENERAL1_SMALL}}}
L:
  Type: AWS::CodePipeline::Pipeline
  Properties:
    Stages:
      - Actions:
          - {ActionTypeId: {Provider: CodeBuild}, Configuration: {ProjectName: {Ref: P}}, RunOrder: 2}
          - {ActionTypeId: {Provider: CodeBuild}, Configuration: {ProjectName: {Ref: P}}, RunOrder: %s}
"""


@pytest.mark.parametrize(
    ("run_order", "limit", "status"), [(2, 2, "pass"), (2, 1, "fail"), (3, 1, "pass"), (3, 0, "fail")]
)
def test_builds_at_once(run_order: int, limit: int, status: str) -> None:
    answers = quota(Cloud(), limit).ask("quota-codebuild", assembly(stack(BUILD % run_order)))
    assert said(answers) == [(status, f"{HOME} ARM_CONTAINER BUILD_GENERAL1_SMALL")]


def test_a_machine_without_a_known_quota() -> None:
    unchecked(Cloud().ask("quota-codebuild", assembly(stack(BUILD.replace("SMALL", "XLARGE") % 1))))
