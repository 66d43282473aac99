"""Waivers: what one must say, what it covers, and that it ends."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs

from infra.waiver import waive
from preflight.engine import Result, run
from preflight.loading import load, single

WAIVER = {
    "rule": "ECS-28",
    "reason": "the vendor's image needs longer, and has said so",
    "owner": "platform@example.com",
    "expires": "2027-01-31",
}
TODAY = date(2027, 1, 31)


def _template(*waivers: object, stop_timeout: int = 300, at_the_task: bool = True) -> dict[str, Any]:
    metadata = {"preflight": {"waivers": list(waivers)}}
    task: dict[str, Any] = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "RequiresCompatibilities": ["FARGATE"],
            "ContainerDefinitions": [{"Name": "app", "Image": "app", "StopTimeout": stop_timeout}],
        },
    }
    template = {"Resources": {"Task": task, "Other": {"Type": "AWS::SNS::Topic"}}}
    template["Resources"]["Task" if at_the_task else "Other"]["Metadata"] = metadata
    return template


def _judged(*waivers: object, today: date = TODAY, **more: Any) -> Result:
    return run(single(_template(*waivers, **more)), only=["ECS-28"], today=today)


def test_a_waived_finding_does_not_fail_and_is_not_hidden() -> None:
    result = _judged(WAIVER)
    assert result.ok
    (waived,) = result.waived
    assert waived.waiver
    assert (waived.rule_id, waived.waiver.owner) == ("ECS-28", "platform@example.com")


def test_it_ends_after_its_last_day() -> None:
    result = _judged(WAIVER, today=date(2027, 2, 1))
    assert {finding.rule_id for finding in result.errors} == {"ECS-28", "WAIVER"}
    assert any("expired on 2027-01-31" in finding.message for finding in result.errors)


def test_one_that_matches_nothing_has_to_go() -> None:
    (finding,) = _judged(WAIVER, stop_timeout=120).errors
    assert "matches no finding" in finding.message


def test_it_covers_its_own_resource_only() -> None:
    assert {finding.rule_id for finding in _judged(WAIVER, at_the_task=False).errors} == {"ECS-28", "WAIVER"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": None}, "lacks reason"),
        ({"owner": "", "expires": None}, "lacks owner, expires"),
        ({"reason": "because"}, "says too little"),
        ({"expires": "next year"}, "no date"),
        ({"rule": "ECS-9999"}, "there is no rule ECS-9999"),
    ],
)
def test_one_that_says_too_little_does_not_count(change: dict[str, Any], said: str) -> None:
    result = _judged({**WAIVER, **change})
    assert "ECS-28" in {finding.rule_id for finding in result.errors}
    assert any(said in finding.message for finding in result.errors)


@pytest.mark.parametrize("waivers", [None, "ECS-28", {"rule": "ECS-28"}, [None], [[]]])
def test_nonsense_is_told(waivers: object) -> None:
    template = _template()
    template["Resources"]["Task"]["Metadata"]["preflight"] = {"waivers": waivers}
    assert "WAIVER" in {finding.rule_id for finding in run(single(template)).errors}


def test_a_construct_carries_its_waiver_into_the_template(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    group = logs.LogGroup(cdk.Stack(app, "Stack"), "Log", retention=logs.RetentionDays.ONE_DAY)
    for rule in ("ECS-28", "ECS-9999"):
        waive(group, rule=rule, reason="a reason of some substance", owner="me", expires=TODAY)
    app.synth()
    messages = {finding.message for finding in run(load(tmp_path), today=TODAY).errors}
    assert {"there is no rule ECS-9999", "the waiver of ECS-28 matches no finding: remove it"} <= messages


def test_a_construct_without_a_resource_cannot_carry_one() -> None:
    with pytest.raises(ValueError, match="no CloudFormation resource"):
        waive(cdk.Stack(cdk.App(), "Stack"), rule="ECS-28", reason="a reason", owner="me", expires=TODAY)
