"""How a preview is entered, what is known of it, and what the sweeper may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.small_function import INTERFACES
from stacks.preview_app import PreviewApp
from tests.infra.synthesized import Assembly

LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TAGGED = {
    "Null": {"aws:ResourceTag/Preview": "false"},
    "StringEquals": {"aws:ResourceTag/Environment": "preview"},
}
OF_PREVIEWS = (
    "SpendSmart-Preview-Preview-",
    "policy/SpendSmart-Preview-Previ",
    ":user:preview-",
    "/previews/*",
    "/preview-priorities/",
    ":listener/",
)
"""What is in the ARNs of what previews alone have, and no other stack of their environment."""
Synth = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("gated")
    app = PreviewApp(
        environment="preview",
        branch="feature/x",
        validate=False,
        outdir=str(folder),
        context={"preview.commit": "0123456789abcdef", "preview.owner": "ada", "preview.pull_request": "42"},
    )
    app.synth()
    template: dict[str, Any] = json.loads((folder / f"{app.stack.stack_name}.template.json").read_text())
    return template


def _of_type(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def _statements(preview: Assembly) -> list[dict[str, Any]]:
    """What the sweeper may do, and what it may not."""
    policies = preview["PreviewSweeper"].properties("AWS::IAM::ManagedPolicy")
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def test_only_the_cookie_and_the_link_lead_to_a_preview(gated: dict[str, Any]) -> None:
    rules = _of_type(gated, LISTENER_RULE)
    assert len(rules) == 2
    asked = [json.dumps(rule["Conditions"]) for rule in rules]
    assert all("{{resolve:secretsmanager:" in each for each in asked)
    assert sorted("preview_access=" in each for each in asked) == [False, True]
    assert sorted("query-string" in each for each in asked) == [False, True]
    assert all("X-Preview" in each for each in asked)
    assert len({json.dumps(rule["Priority"]) for rule in rules}) == 2


def test_everybody_else_is_refused_before_the_environments_own_rule(preview: Assembly) -> None:
    (rule,) = preview["Previews"].properties(LISTENER_RULE)
    (own,) = [each["Priority"] for each in preview["Ingress"].properties(LISTENER_RULE) if each["Priority"] > 1]
    assert rule["Priority"] == own - 1
    assert rule["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "403"


def test_a_push_changes_no_tag(gated: dict[str, Any]) -> None:
    tags = {each["Key"]: each["Value"] for each in _of_type(gated, "AWS::Logs::LogGroup")[0]["Tags"]}
    assert tags["PreviewOwner"] == "ada"
    assert tags["PreviewPullRequest"] == "42"
    assert "0123456789abcdef" not in json.dumps(gated["Resources"])
    assert gated["Outputs"]["PreviewCommit"]["Value"] == "0123456789abcdef"


def test_the_sweeper_deletes_what_is_previews_alone(preview: Assembly) -> None:
    for statement in _statements(preview):
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        # Lambda itself makes and deletes the interfaces of a function in a VPC.
        actions = [action for action in actions if action not in INTERFACES]
        if statement["Effect"] == "Deny" or not any(":Delete" in action or ":Detach" in action for action in actions):
            continue
        resources = [statement["Resource"]] if not isinstance(statement["Resource"], list) else statement["Resource"]
        named = all(any(part in json.dumps(each) for part in OF_PREVIEWS) for each in resources)
        assert statement.get("Condition") == TAGGED or named, statement


def test_it_does_not_delete_the_environments_own_rule(preview: Assembly) -> None:
    denied = [each for each in _statements(preview) if each["Effect"] == "Deny"]
    (rule,) = [each for each in denied if each["Action"] == "elasticloadbalancing:DeleteRule"]
    assert "ProductionRule" in json.dumps(rule["Resource"])


def test_it_sweeps_as_often_as_the_alarm_counts(preview: Assembly) -> None:
    (rule,) = preview["PreviewSweeper"].properties("AWS::Events::Rule")
    (alarm,) = [
        each
        for each in preview["Monitoring"].properties("AWS::CloudWatch::Alarm")
        if each["AlarmName"].endswith("previews-orphaned")
    ]
    period = alarm["Metrics"][0]["MetricStat"]["Period"]
    assert (rule["ScheduleExpression"], period, alarm["EvaluationPeriods"]) == ("rate(15 minutes)", 900, 4)
    assert alarm["TreatMissingData"] == "breaching"
