"""What holds for every template of every environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from stacks.platform import SpendSmartPlatform
from tests.infra.conftest import KEYS
from tests.infra.synthesized import Assembly

MOST_REFERENCES = 60
"""A template with 75 references to other stacks was throttled (aws-cdk#38010)."""

MOST_RESOURCES = 500
"""Resources in a stack, at most (CloudFormation User Guide, "Quotas")."""


def test_nothing_is_looked_up(assembly: Assembly) -> None:
    assert "missing" not in assembly.manifest


def test_references_to_other_stacks_are_few(assembly: Assembly) -> None:
    uses = {
        name: json.dumps(template.body).count("Fn::GetStackOutput") for name, template in assembly.templates.items()
    }
    assert max(uses.values()) <= MOST_REFERENCES, uses
    assert uses["Service"] > 0, "nothing was counted"


def test_no_stack_exports_or_imports(assembly: Assembly) -> None:
    """Exports cannot change while they are imported; all references are weak."""
    for template in assembly.templates.values():
        text = json.dumps(template.body)
        assert "Fn::ImportValue" not in text
        assert '"Export"' not in text


def test_a_stack_depends_on_those_that_it_reads_from(assembly: Assembly) -> None:
    """So that the CLI deploys producers first, and no two stacks wait for each other."""
    artifacts = assembly.manifest["artifacts"]
    for template in assembly.templates.values():
        full_name = f"SpendSmart-{assembly.environment.capitalize()}-{template.name}"
        for other in assembly.templates:
            producer = f"SpendSmart-{assembly.environment.capitalize()}-{other}"
            if f'"StackName": "{producer}"' in json.dumps(template.body):
                assert producer in artifacts[full_name]["dependencies"]


def test_stacks_stay_below_cloudformations_limits(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert len(template.body["Resources"]) <= MOST_RESOURCES
        assert len(template.body.get("Outputs", {})) <= 200


def test_every_resource_that_can_be_tagged_says_whose_it_is(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        for resource in template.body["Resources"].values():
            tags = resource.get("Properties", {}).get("Tags")
            if isinstance(tags, list):
                tags = {tag["Key"]: tag["Value"] for tag in tags}
            if tags:
                assert tags["Environment"] == assembly.environment
                assert tags["Project"] == "SpendSmart"


def test_cdks_own_validation_finds_nothing(tmp_path: Path) -> None:
    SpendSmartPlatform(environment="prod", validate=True, outdir=str(tmp_path), keys=KEYS).synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert report["pluginReports"], "nothing was validated"
    for plugin in report["pluginReports"]:
        assert plugin["conclusion"] == "success"
        assert plugin["violations"] == []
        assert all(suppressed["reason"] for suppressed in plugin["suppressedViolations"])


def test_cfn_lint_finds_nothing(prod: Assembly) -> None:
    templates = sorted(str(path) for path in prod.directory.glob("*.template.json"))
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), *templates],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
