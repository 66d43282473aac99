"""How releases take over: strategies, the alarms and hooks that send one back, and what a strategy must not touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stacks.platform import SpendSmartPlatform
from tests.infra.conftest import KEYS
from tests.infra.synthesized import Assembly

ALARM = "AWS::CloudWatch::Alarm"
FUNCTION = "AWS::Lambda::Function"
SERVICE = "AWS::ECS::Service"
FUNCTIONS = Path(__file__).resolve().parents[2] / "infra" / "functions"


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """Development with other rollouts: `strategy`, and whether its numbers are others, too."""

    @cache
    def synthesize(strategy: str, *, edited: bool = False) -> Assembly:
        directory = tmp_path_factory.mktemp(strategy)
        numbers = {
            "rollout.canary_percent": 20,
            "rollout.canary_minutes": 2,
            "rollout.bake_minutes": 1,
            "rollout.errors_percent": 9,
        }
        context = {"rollout.strategy": strategy, **(numbers if edited else {})}
        return made(directory, context)

    return synthesize


def made(directory: Path, context: dict[str, object]) -> Assembly:
    SpendSmartPlatform(environment="dev", validate=False, outdir=str(directory), keys=KEYS, context=context).synth()
    return Assembly(environment="dev", directory=directory)


def deployment(assembly: Assembly, service: str = "Web") -> dict[str, Any]:
    found: dict[str, Any] = assembly["Service"].one(SERVICE, containing=f"{service}Service")
    return found["DeploymentConfiguration"]  # type: ignore[no-any-return]


def test_no_strategy_and_no_number_touches_the_listener_rules(rehearsed: Callable[..., Assembly]) -> None:
    """CloudFormation would write the declared weights back over those of a rollout (aws-cdk#36649)."""
    stacks = [rehearsed("rolling"), rehearsed("canary"), rehearsed("blue_green", edited=True)]
    first, *others = (stack["Ingress"].body for stack in stacks)
    assert "ProductionRuleD96592E2" in first["Resources"]
    # What another stack asks for is published; that changes no resource.
    assert all(other["Resources"] == first["Resources"] for other in others)


def test_another_image_touches_the_services_stack_alone(rehearsed: Callable[..., Assembly], tmp_path: Path) -> None:
    image = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/spendsmart@sha256:{'a' * 64}"
    released, before = made(tmp_path, {"rollout.strategy": "canary", "image": image}), rehearsed("canary")
    differs = {name for name, template in released.templates.items() if template.body != before[name].body}
    assert differs == {"Service"}
    old, new = before["Service"], released["Service"]
    assert deployment(released) == deployment(before)
    assert old.one(SERVICE, containing="WebService") == new.one(SERVICE, containing="WebService")


def test_prod_sends_a_tenth_ahead_for_five_minutes(prod: Assembly) -> None:
    web = deployment(prod)
    assert web["Strategy"] == "CANARY"
    assert web["CanaryConfiguration"] == {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 5}
    assert web["BakeTimeInMinutes"] == 10


def test_staging_is_blue_green(staging: Assembly) -> None:
    web = deployment(staging)
    assert (web["Strategy"], web["BakeTimeInMinutes"]) == ("BLUE_GREEN", 5)
    assert "CanaryConfiguration" not in web


def test_a_rehearsal_has_its_own_numbers(rehearsed: Callable[..., Assembly]) -> None:
    web = deployment(rehearsed("canary", edited=True))
    assert web["CanaryConfiguration"] == {"CanaryPercent": 20, "CanaryBakeTimeInMinutes": 2}
    assert web["BakeTimeInMinutes"] == 1


def test_a_rolling_environment_has_no_hooks_and_no_alarms_on_its_services(dev: Assembly) -> None:
    for service in ("Web", "Worker", "Beat"):
        found = deployment(dev, service)
        assert not {"Alarms", "LifecycleHooks", "BakeTimeInMinutes"} & found.keys(), service
        assert found.get("Strategy", "ROLLING") == "ROLLING"
    assert dev["Service"].all(FUNCTION).keys() == {
        n for n in dev["Service"].all(FUNCTION) if n.startswith("RestartOnRotation")
    }


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_traffic_is_shifted_between_the_rules_and_groups_of_ingress(
    synth: Callable[[str], Assembly], environment: str
) -> None:
    service = synth(environment)["Service"]
    web = service.one(SERVICE, containing="WebService")
    (target,) = web["LoadBalancers"]
    advanced = target["AdvancedConfiguration"]
    outputs = {key: value["Fn::GetStackOutput"]["OutputName"] for key, value in advanced.items() if key != "RoleArn"}
    assert "Green" in outputs["AlternateTargetGroupArn"]
    assert "ProductionRule" in outputs["ProductionListenerRule"]
    assert "TestRule" in outputs["TestListenerRule"]
    assert "Blue" in target["TargetGroupArn"]["Fn::GetStackOutput"]["OutputName"]
    role = service.one("AWS::IAM::Role", containing="WebInfrastructureRole")
    assert "AmazonECSInfrastructureRolePolicyForLoadBalancers" in json.dumps(role["ManagedPolicyArns"])
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs.amazonaws.com"}


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_rollouts_are_watched_by_alarms_that_exist_before_them(
    synth: Callable[[str], Assembly], environment: str
) -> None:
    assembly = synth(environment)
    there = {alarm["AlarmName"] for alarm in assembly["Observability"].properties(ALARM, containing="RolloutAlarms")}
    web, worker, beat = (deployment(assembly, name)["Alarms"] for name in ("Web", "Worker", "Beat"))
    assert set(web["AlarmNames"]) == there
    assert all(name.startswith(f"spendsmart-{environment}-rollout-") for name in there)
    assert worker["AlarmNames"] == beat["AlarmNames"] == [f"spendsmart-{environment}-rollout-connections"]
    assert all(alarms["Enable"] and alarms["Rollback"] for alarms in (web, worker, beat))
    prefix = f"SpendSmart-{environment.capitalize()}"
    artifact = assembly.manifest["artifacts"][f"{prefix}-Service"]
    assert f"{prefix}-Observability" in artifact["dependencies"]
    assert f"{prefix}-Service" not in assembly.manifest["artifacts"][f"{prefix}-Observability"]["dependencies"]


def test_an_alarm_finds_a_bad_canary_within_its_five_minutes(prod: Assembly) -> None:
    """A look a minute, each of which is told at most two minutes late; nothing to look at is no alarm."""
    for alarm in prod["Observability"].properties(ALARM, containing="RolloutAlarms"):
        periods = [alarm["Period"]] if "Period" in alarm else []
        periods += [metric["MetricStat"]["Period"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
        assert set(periods) == {60}, alarm["AlarmName"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) + 2 <= 5


def test_alarms_look_at_each_target_group_on_its_own(prod: Assembly) -> None:
    errors = prod["Observability"].one(ALARM, containing="Errors")
    metrics = {metric["Id"]: metric for metric in errors["Metrics"]}
    (expression,) = (metric["Expression"] for metric in metrics.values() if "Expression" in metric)
    assert expression == (
        "MAX([IF(FILL(blueRequests, 0) >= 20, 100 * FILL(blueErrors, 0) / FILL(blueRequests, 1), 0), "
        "IF(FILL(greenRequests, 0) >= 20, 100 * FILL(greenErrors, 0) / FILL(greenRequests, 1), 0)])"
    )
    assert errors["Threshold"] == 5
    for name, group in (("blueErrors", "BlueTargetGroup"), ("greenErrors", "GreenTargetGroup")):
        stat = metrics[name]["MetricStat"]
        assert (stat["Metric"]["MetricName"], stat["Stat"]) == ("HTTPCode_Target_5XX_Count", "Sum")
        named = {each["Name"]: each["Value"]["Fn::GetAtt"][0] for each in stat["Metric"]["Dimensions"]}
        assert group in named["TargetGroup"]


def test_tasks_that_fail_are_counted_whoever_stops_them(prod: Assembly) -> None:
    rule = prod["Observability"].one("AWS::Events::Rule", containing="TaskStopped")
    detail = rule["EventPattern"]["detail"]
    assert detail["taskDefinitionArn"] == [
        {"prefix": "arn:aws:ecs:us-east-1:000000000000:task-definition/spendsmart-prod-web:"}
    ] or "spendsmart-prod-web:" in json.dumps(detail["taskDefinitionArn"])
    assert detail["$or"][0] == {"stopCode": ["EssentialContainerExited", "TaskFailedToStart"]}
    alarm = prod["Observability"].one(ALARM, containing="StoppedTasks")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Events", "TriggeredRules")
    family = prod["Service"].one("AWS::ECS::TaskDefinition", containing="WebTask")["Family"]
    assert family == "spendsmart-prod-web"


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_hooks_migrate_before_tasks_start_and_try_before_traffic(
    synth: Callable[[str], Assembly], environment: str
) -> None:
    template = synth(environment)["Service"]
    migration, smoke = deployment(synth(environment))["LifecycleHooks"]
    assert migration["LifecycleStages"] == ["PRE_SCALE_UP"]
    assert smoke["LifecycleStages"] == ["POST_TEST_TRAFFIC_SHIFT"]
    for hook, code in ((migration, "run_migration.py"), (smoke, "run_smoke_test.py")):
        function = template.body["Resources"][hook["HookTargetArn"]["Fn::GetAtt"][0]]["Properties"]
        assert function["Code"]["ZipFile"] == (FUNCTIONS / code).read_text()
        limit = hook["TimeoutConfiguration"]
        assert limit["Action"] == "ROLLBACK"
        assert limit["TimeoutInMinutes"] * 60 > function["Timeout"], "Lambda's own limit comes first"
        role = hook["RoleArn"]["Fn::GetAtt"][0]
        (statement,) = policy_of(template.body, role)
        assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", hook["HookTargetArn"])


def policy_of(body: dict[str, Any], role: str) -> list[dict[str, Any]]:
    return [
        statement
        for resource in body["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy" and {"Ref": role} in resource["Properties"]["Roles"]
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_the_migration_hook_may_run_the_migration_and_nothing_else(prod: Assembly) -> None:
    body = prod["Service"].body
    (role,) = (
        name
        for name, resource in body["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and name.startswith("MigrationHookCallRole")
    )
    allowed = {json.dumps(statement["Action"]): statement for statement in policy_of(body, role)}
    assert allowed.keys() == {
        '["logs:CreateLogStream", "logs:PutLogEvents"]',
        '"ecs:DescribeServiceRevisions"',
        '"ecs:DescribeTaskDefinition"',
        '"ecs:RunTask"',
        '["ecs:DescribeTasks", "ecs:StopTask"]',
        '"iam:PassRole"',
    }
    run = allowed['"ecs:RunTask"']
    assert ":task-definition/spendsmart-prod-migration:*" in json.dumps(run["Resource"])
    assert "ecs:cluster" in run["Condition"]["ArnEquals"]
    passed = allowed['"iam:PassRole"']
    names = sorted(resource["Fn::GetAtt"][0] for resource in passed["Resource"])
    assert [name[:17] for name in names] == ["MigrationTaskExec", "MigrationTaskRole"], names
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_web_tasks_name_the_migration_of_their_own_release(assembly: Assembly) -> None:
    template = assembly["Service"]
    (migration,) = (name for name in template.all("AWS::ECS::TaskDefinition") if name.startswith("MigrationTask"))
    web = template.one("AWS::ECS::TaskDefinition", containing="WebTask")
    (labels,) = (c["DockerLabels"] for c in web["ContainerDefinitions"] if c["Name"] == "web")
    assert labels == {"spendsmart.migration-task-definition": {"Ref": migration}}


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_workers_and_scheduler_follow_the_web_tasks_which_migrate(
    synth: Callable[[str], Assembly], environment: str
) -> None:
    services = synth(environment)["Service"].all(SERVICE)
    (web,) = (name for name in services if name.startswith("Web"))
    for name, service in services.items():
        assert (web in service["DependsOn"]) == (name != web)
