"""Stages, triggers and conditions of the three pipelines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.infra.synthesized import Template
from tests.pipelines.conftest import synthesize

PIPELINE = "AWS::CodePipeline::Pipeline"


def pipeline(template: Template, name: str) -> dict[str, Any]:
    return template.one(PIPELINE, containing=f"{name}Pipeline")


def stage(template: Template, name: str, *, of: str = "Delivery") -> dict[str, Any]:
    found = [each for each in pipeline(template, of)["Stages"] if each["Name"] == name]
    assert len(found) == 1
    return found[0]


def test_delivery_has_its_stages_in_this_order(template: Template) -> None:
    names = [each["Name"] for each in pipeline(template, "Delivery")["Stages"]]
    assert names == ["Source", "Update", "Check", "Image", "Staging", "Approve", "Production"]


def test_a_push_on_main_delivers_and_a_newer_run_overtakes(template: Template) -> None:
    delivery = pipeline(template, "Delivery")
    assert delivery["PipelineType"] == "V2"
    assert delivery["ExecutionMode"] == "SUPERSEDED"
    assert delivery["RestartExecutionOnUpdate"] is True
    (trigger,) = delivery["Triggers"]
    assert trigger["GitConfiguration"] == {
        "SourceActionName": "GitHub",
        "Push": [{"Branches": {"Includes": ["main"]}}],
    }


def test_a_pull_request_is_checked_and_nothing_else(template: Template) -> None:
    requests = pipeline(template, "PullRequests")
    (trigger,) = requests["Triggers"]
    assert trigger["GitConfiguration"]["PullRequest"] == [
        {"Branches": {"Includes": ["main"]}, "Events": ["OPEN", "UPDATED"]}
    ]
    assert "Push" not in trigger["GitConfiguration"]
    assert [each["Name"] for each in requests["Stages"]] == ["Source", "Check"]
    assert requests["ExecutionMode"] == "PARALLEL"


@pytest.mark.parametrize("name", ["Delivery", "PullRequests", "Drift"])
def test_no_source_action_starts_a_run_by_itself(template: Template, name: str) -> None:
    (source,) = stage(template, "Source", of=name)["Actions"]
    assert source["Configuration"]["DetectChanges"] is False


def test_production_is_entered_in_the_window_and_while_nothing_is_red(template: Template) -> None:
    entry = stage(template, "Production")["BeforeEntry"]["Conditions"]
    assert [condition["Result"] for condition in entry] == ["FAIL", "FAIL"]
    (window,), (alarm,) = (condition["Rules"] for condition in entry)
    assert window["RuleTypeId"]["Provider"] == "DeploymentWindow"
    assert window["Configuration"] == {"Cron": "* * 9-15 ? * MON-THU", "TimeZone": "UTC"}
    assert alarm["RuleTypeId"]["Provider"] == "CloudWatchAlarm"
    (red,) = template.all("AWS::CloudWatch::Alarm")
    assert alarm["Configuration"]["AlarmName"] == {"Ref": red}


def test_what_fails_goes_back_and_so_does_production_that_turns_red(template: Template) -> None:
    assert stage(template, "Staging")["OnFailure"] == {"Result": "ROLLBACK"}
    production = stage(template, "Production")
    assert production["OnFailure"] == {"Result": "ROLLBACK"}
    (condition,) = production["OnSuccess"]["Conditions"]
    assert condition["Result"] == "ROLLBACK"
    assert condition["Rules"][0]["Configuration"]["WaitTime"] == "5"


def test_an_alarm_that_nobody_can_see_counts_as_red(template: Template) -> None:
    alarm = template.one("AWS::CloudWatch::Alarm")
    assert alarm["TreatMissingData"] == "breaching"


def test_without_alarms_there_is_a_window_alone(configured: Callable[..., Path], tmp_path: Path) -> None:
    template = synthesize(tmp_path / "out", configuration=configured(p0_alarms="[]"))
    production = stage(template, "Production")
    assert len(production["BeforeEntry"]["Conditions"]) == 1
    assert "OnSuccess" not in production
    assert not template.all("AWS::CloudWatch::Alarm")


def test_a_person_approves_with_plan_and_evidence_at_hand(template: Template) -> None:
    plan, approval = stage(template, "Approve")["Actions"]
    assert plan["RunOrder"] < approval["RunOrder"]
    assert approval["ActionTypeId"]["Category"] == "Approval"
    assert approval["Configuration"]["ExternalEntityLink"] == "#{Plan.EVIDENCE_URL}"
    assert plan["Namespace"] == "Plan"
    assert approval["TimeoutInMinutes"] == 2880


def test_both_stages_deploy_the_one_assembly_made_of_the_one_image(template: Template) -> None:
    build, *others = stage(template, "Image")["Actions"]
    assert build["Namespace"] == "Image"
    for action in others:
        assert '"value":"#{Image.IMAGE}"' in action["Configuration"]["EnvironmentVariables"]
        assert action["RunOrder"] > build["RunOrder"]
    for name in ("Staging", "Production"):
        deploy, verify = stage(template, name)["Actions"]
        assert [each["Name"] for each in deploy["InputArtifacts"]] == ["Source", "Assembly"]
        assert deploy["Configuration"]["PrimarySource"] == "Source"
        assert deploy["RunOrder"] < verify["RunOrder"]


def test_drift_is_looked_for_by_schedule_in_both_stages(template: Template) -> None:
    schedule = template.one("AWS::Scheduler::Schedule", containing="Drift")
    assert schedule["ScheduleExpression"] == "cron(0 6 ? * MON-FRI *)"
    assert [each["Name"] for each in stage(template, "Detect", of="Drift")["Actions"]] == ["Staging", "Production"]


def test_every_pipeline_tells_when_it_fails(template: Template) -> None:
    rules = [
        rule
        for rule in template.properties("AWS::Events::Rule")
        if rule.get("EventPattern", {}).get("source") == ["aws.codepipeline"]
    ]
    assert len(rules) == len(template.all(PIPELINE)) == 5
    (topic,) = template.all("AWS::SNS::Topic")
    for rule in rules:
        assert "FAILED" in rule["EventPattern"]["detail"]["state"]
        assert rule["Targets"][0]["Arn"] == {"Ref": topic}
