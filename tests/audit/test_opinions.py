"""Other tools are really asked, what they disagree about is explained, and what was not run is not passed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from audit.assembly import AuditError
from audit.model import Acknowledgement, Finding, State, Tool
from audit.opinions import cfn_lint, guard, recorded
from audit.opinions.all import opinions
from audit.opinions.explained import Explanation, answered, explanations, idle, valid
from audit.opinions.opinion import Opinion, judged
from preflight.assembly import Assembly
from preflight.loading import load

TEMPLATE = {
    "Resources": {
        "Open": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": False,
                    "BlockPublicPolicy": False,
                    "IgnorePublicAcls": False,
                    "RestrictPublicBuckets": False,
                },
                "Unknown": 1,
            },
        }
    }
}


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "S.template.json").write_text(json.dumps(TEMPLATE))
    return load(folder)


@pytest.fixture(scope="module")
def asked(
    assembly: Assembly, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Tool], tuple[Finding, ...], Path]:
    """All three tools, as they are installed."""
    cache = tmp_path_factory.mktemp("cache")
    tools, findings = opinions(assembly, [], cache=cache)
    return {tool.name: tool for tool in tools}, findings, cache


def test_each_tool_finds_what_it_is_for(asked: tuple[dict[str, Tool], tuple[Finding, ...], Path]) -> None:
    tools, findings, _ = asked
    assert {name: tool.state for name, tool in tools.items()} == dict.fromkeys(
        ("checkov", "cfn-lint", "cfn-guard"), State.FAILED
    )
    assert all(tool.version for tool in tools.values())
    found = {(one.tool, one.rule) for one in findings}
    assert ("checkov", "CKV_AWS_53") in found, "S3 bucket has block public ACLs"
    assert ("cfn-lint", "E3002") in found, "an unknown property"
    assert ("cfn-guard", "CT.S3.PR.1") in found, "S3 bucket with block public access"
    assert {one.path for one in findings} == {"S/Open"}


def test_the_same_templates_are_not_looked_at_twice(
    asked: tuple[dict[str, Tool], tuple[Finding, ...], Path], assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, findings, cache = asked
    monkeypatch.setattr(cfn_lint, "_asked", lambda *_: pytest.fail("it was asked again"))
    monkeypatch.setattr(guard, "_asked", lambda *_: pytest.fail("it was asked again"))
    again, found = opinions(assembly, [], cache=cache)
    assert found == findings
    assert {tool.name: tool for tool in again} == tools
    other = load(Path(assembly.stacks[0].file))
    Path(other.stacks[0].file).write_text(json.dumps(TEMPLATE) + "\n")
    with pytest.raises(pytest.fail.Exception):
        opinions(other, [], cache=cache)


def test_a_tool_that_is_not_there_is_not_run(
    assembly: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audit.opinions import checkov, running

    for module in (guard, running):
        monkeypatch.setattr(module, "TOOLS", tmp_path)
    monkeypatch.setattr(guard, "FOLDER", tmp_path)
    monkeypatch.setattr(cfn_lint, "ask", lambda *_: pytest.skip())
    monkeypatch.setattr("audit.opinions.all.ASKED", {m.NAME: (m.SCOPE, m.ask) for m in (checkov, guard)})
    tools, findings = opinions(assembly, [])
    assert [tool.state for tool in tools] == [State.NOT_RUN, State.NOT_RUN]
    assert "scripts/audit-tools" in tools[0].because[0]
    assert not findings


def finding(**fields: Any) -> Finding:
    defaults = {"tool": "checkov", "rule": "CKV_1", "message": "m", "severity": "error", "path": "P/Data/Key"}
    return Finding(**{**defaults, "state": State.FAILED, **fields})


ENTRY = Explanation(
    tool="checkov",
    rule="CKV_1",
    where=("*-Data/*", "P/Data/*"),
    reason="a reason of substance that a sceptical reader would accept",
    owner="platform",
    reference="docs/adr/0060-reports-from-what-was-synthesized.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


def test_an_explanation_covers_its_rule_at_its_places_until_its_last_day() -> None:
    said = Opinion(name="checkov", version="1", scope="s", findings=(finding(), finding(path="P/Edge/Key")))
    tool, found = judged(said, [ENTRY])
    assert (tool.state, tool.failed, tool.acknowledged) == (State.FAILED, 1, 1)
    assert [one.state for one in found] == [State.ACKNOWLEDGED, State.FAILED]
    assert found[0].acknowledgement
    assert found[0].acknowledgement.owner == "platform"
    assert valid([ENTRY], date(2027, 11, 26)) == (ENTRY,)
    assert valid([ENTRY], date(2027, 11, 27)) == ()


def test_what_is_silenced_fails_where_nobody_answers_for_it() -> None:
    """CDK's own validation takes an acknowledgement with a reason alone."""
    entry = next(one for one in explanations() if one.tool == "CloudFormation Validate")
    silenced = Finding(
        tool=entry.tool,
        rule=entry.rule,
        message="Avoid hardcoding",
        severity="warning",
        state=State.ACKNOWLEDGED,
        path=entry.where[0].replace("*", "A").replace("?", "1"),
        acknowledgement=Acknowledgement(reason="so", source="there"),
    )
    ours = replace(silenced, path="A/Other", acknowledgement=Acknowledgement(reason="so", source="", owner="platform"))
    found, kept, failed = answered([silenced, ours, replace(silenced, path="A/Other")], [entry])
    assert found.acknowledgement == entry.answer
    assert kept == ours
    assert (failed.state, failed.acknowledgement) == (State.FAILED, None)
    assert "nobody answers" in failed.message


def test_an_explanation_without_a_finding_in_any_environment_is_told(tmp_path: Path) -> None:
    def report(name: str, *found: str, state: str = "passed") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        findings = [{"tool": "checkov", "rule": "CKV_1", "path": path} for path in found]
        tools = [{"name": "checkov", "state": state}]
        (folder / "report.json").write_text(json.dumps({"tools": tools, "findings": findings}))
        return folder

    dev, prod = report("dev", "P/Edge/Key"), report("prod", "P/Data/Key")
    assert idle([ENTRY], [dev, prod]) == ()
    assert idle([ENTRY], [dev]) == (ENTRY,)
    with pytest.raises(AuditError, match="did not run"):
        idle([ENTRY], [prod, report("staging", state="not run")])
    with pytest.raises(AuditError, match="ENV=all"):
        idle([ENTRY], [tmp_path])


COMMON = '[every]\nowner = "o"\nreference = "r"\ndecided = 2026-01-01\nexpires = 2027-01-01'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[disagreement]]\ntool = "checkov"\nrule = "X"\nwhere = ["a"]\nreason = "short"', "missing"),
        (
            f'{COMMON}\n[[disagreement]]\ntool = "checkov"\nrule = "X"\nwhere = ["a"]\nreason = "short"',
            "needs a reason",
        ),
        (
            f'{COMMON}\n[[disagreement]]\ntool = "checkov"\nrule = "X"\nwhere = ["*"]\nreason = "{ENTRY.reason}"',
            "not everything",
        ),
    ],
)
def test_an_explanation_that_says_too_little_is_refused(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "explained.toml"
    file.write_text(text)
    with pytest.raises(AuditError, match=why):
        explanations(file)


def scan(root: Path, **fields: Any) -> dict[str, Tool]:
    file = root / recorded.SCAN
    file.parent.mkdir(parents=True, exist_ok=True)
    verdicts = [{"tool": "bandit", "state": "passed", "because": [], "accepted": 3}]
    verdicts.append({"tool": "pip-audit", "state": "not run", "because": ["no database"], "accepted": 0})
    file.write_text(json.dumps({"ok": True, "tree": "digest", "verdicts": verdicts, **fields}))
    return {tool.name: tool for tool in recorded.tools(root, "digest")}


def test_a_scan_counts_for_the_files_that_it_looked_at(tmp_path: Path) -> None:
    assert {one.state for one in recorded.tools(tmp_path, "digest")} == {State.NOT_RUN}
    tools = scan(tmp_path)
    assert tools["bandit"].state is State.PASSED
    assert tools["bandit"].acknowledged == 3
    assert (tools["pip-audit"].state, tools["pip-audit"].because) == (State.NOT_RUN, ("no database",))
    assert tools["hadolint"].state is State.NOT_RUN
    assert scan(tmp_path, tree="another")["bandit"].state is State.NOT_RUN


def test_an_inventory_says_which_image_it_is_of(tmp_path: Path) -> None:
    file = tmp_path / recorded.INVENTORY
    file.parent.mkdir(parents=True)
    file.write_text(
        json.dumps({"components": [{"name": "django"}], "metadata": {"component": {"name": "app", "version": "1"}}})
    )
    (tool,) = [one for one in recorded.tools(tmp_path, "") if one.name == "syft"]
    assert (tool.state, tool.because) == (State.PASSED, ("1 components",))
    assert tool.scope.endswith("app 1")
    file.write_text('{"components": []}')
    (tool,) = [one for one in recorded.tools(tmp_path, "") if one.name == "syft"]
    assert tool.state is State.FAILED
