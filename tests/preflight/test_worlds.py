"""Faults that only some deployments have: where a parameter is not at its default, or has none."""

from __future__ import annotations

import textwrap

import pytest
import yaml

from preflight.engine import Result, run
from preflight.loading import TemplateLoader, single
from preflight.worlds import worlds

TASK = (
    "Task: {Type: AWS::ECS::TaskDefinition, Properties: {RequiresCompatibilities: [FARGATE], ContainerDefinitions: "
    "[{Name: web, StopTimeout: !If [Production, %s, %s]}]}}"
)
DEFAULT = "{Stage: {Type: String, Default: dev}}"
NO_DEFAULT = "{Stage: {Type: String}}"
PRODUCTION = "{Production: !Equals [!Ref Stage, prod]}"


def judged(resources: str, parameters: str, conditions: str, *rules: str) -> Result:
    written = f"Parameters: {parameters}\nConditions: {conditions}\nResources:\n" + textwrap.indent(resources, "  ")
    template = yaml.load(written, Loader=TemplateLoader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    result = run(single(template), only=rules)
    assert result.crashed == []
    return result


def messages(result: Result) -> list[tuple[str, str]]:
    return [(finding.level.value, finding.message) for finding in result.findings]


@pytest.mark.parametrize("parameters", [DEFAULT, NO_DEFAULT])
def test_a_fault_under_another_choice_warns_and_says_which(parameters: str) -> None:
    found = judged(TASK % (300, 30), parameters, PRODUCTION, "ECS-28")
    assert messages(found) == [("warning", "stopTimeout of 300 s (where Stage is 'prod')")]
    assert found.ok


def test_a_fault_of_the_usual_choice_is_told_once_and_fails() -> None:
    assert messages(judged(TASK % (30, 300), DEFAULT, PRODUCTION, "ECS-28")) == [("error", "stopTimeout of 300 s")]


def test_any_other_value_is_a_choice_too() -> None:
    found = judged(TASK % (30, 300), "{Stage: {Type: String, Default: prod}}", PRODUCTION, "ECS-28")
    assert messages(found) == [("warning", "stopTimeout of 300 s (where Stage is not 'prod')")]


def test_a_resource_that_is_not_made_by_default_is_looked_at_and_its_waiver_counts() -> None:
    database = (
        "Database: {Type: AWS::RDS::DBInstance, Condition: Production, %sProperties: "
        "{Engine: postgres, MultiAZ: true, AvailabilityZone: eu-west-1a}}"
    )
    waiver = (
        "Metadata: {preflight: {waivers: [{rule: RDS-57, reason: the zone is a relic of the first year, "
        "owner: a@example.com, expires: '2999-01-01'}]}}, "
    )
    found = judged(database % "", DEFAULT, PRODUCTION, "RDS-57")
    assert [finding.level.value for finding in found.findings] == ["warning"]
    waived = judged(database % waiver, DEFAULT, PRODUCTION, "RDS-57")
    assert (waived.findings, len(waived.waived)) == ([], 1)


def test_what_no_choice_brings_together_is_no_fault() -> None:
    conditions = "{Production: !Equals [!Ref Stage, prod], Development: !Not [{Condition: Production}]}"
    twice = "\n".join(
        f"{condition}: {{Type: AWS::SQS::Queue, Condition: {condition}, Properties: {{QueueName: work}}}}"
        for condition in ("Production", "Development")
    )
    for parameters in (DEFAULT, NO_DEFAULT):
        assert messages(judged(twice, parameters, conditions, "CFN-133b")) == []


def test_the_number_of_choices_that_are_judged_is_bounded() -> None:
    conditions = {f"C{i}": {"Fn::Equals": [{"Ref": "Stage"}, f"s{i}"]} for i in range(500)}
    topic = {"Type": "AWS::SNS::Topic"}
    parameters = {"Stage": {"Type": "String", "Default": "s0"}}
    small = {"Parameters": parameters, "Conditions": conditions, "Resources": {"Topic": topic}}
    assert len(list(worlds(single(small)))) == 8
    large = {**small, "Resources": {f"Topic{i}": topic for i in range(3000)}}
    assert list(worlds(single(large))) == []


BALANCER = (
    "Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Type: application, SubnetMappings: "
    "[{SubnetId: a, AllocationId: !If [Production, eipalloc-1, !Ref AWS::NoValue]}]}}"
)


def test_what_an_open_condition_may_leave_out_only_warns() -> None:
    found = judged(BALANCER, NO_DEFAULT, PRODUCTION, "ELB-219")
    assert messages(found) == [
        ("warning", "Elastic IP address on the application kind (but not where Stage is not 'prod')")
    ]


def test_what_is_a_fault_whatever_is_chosen_fails() -> None:
    assert not judged(BALANCER.replace("!Ref AWS::NoValue", "eipalloc-2"), NO_DEFAULT, PRODUCTION, "ELB-219").ok


def test_a_fault_of_a_resource_that_may_be_left_out_fails() -> None:
    database = "{Type: AWS::RDS::DBInstance, Condition: Production, Properties: {MultiAZ: true, AvailabilityZone: a}}"
    assert not judged(f"Database: {database}", NO_DEFAULT, PRODUCTION, "RDS-57").ok


def test_conditions_that_no_parameter_decides_are_choices_too() -> None:
    here = "{Production: !Equals [!Ref AWS::Region, eu-west-1]}"
    assert judged(BALANCER, "{}", here, "ELB-219").ok
    assert judged(BALANCER, "{}", here, "ELB-219").warnings != []


@pytest.mark.parametrize("condition", ["!Equals [a, b]", "!Equals [!Ref Stage, prod]"])
def test_a_circle_that_conditions_break_is_none(condition: str) -> None:
    topics = "\n".join(
        f"{one}: {{Type: AWS::SNS::Topic, Properties: {{DisplayName: !If [Production, !Ref {other}, x]}}}}"
        for one, other in (("A", "B"), ("B", "A"))
    )
    assert judged(topics, NO_DEFAULT, f"{{Production: {condition}}}", "CFN-201").ok
