"""The templates pass CDK's validation, cdk-nag, cfn-lint and preflight, and need nothing but the repository."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from pipelines.app import DeliveryApp
from pipelines.stack import STACK_NAME
from preflight.engine import run
from preflight.loading import load
from tests.infra.synthesized import Template

REPOSITORY = Path(__file__).resolve().parents[2]


Report = dict[str, Any]


def reports(app: cdk.App, directory: Path) -> list[Report]:
    """What the plugins of a synth report, those that have something to say."""
    with contextlib.suppress(RuntimeError):  # a synth with findings fails
        app.synth()
    found: list[Report] = json.loads((directory / "validation-report.json").read_text())["pluginReports"]
    return found


def test_cdks_own_validation_finds_nothing(tmp_path: Path) -> None:
    good = reports(DeliveryApp(validate=True, outdir=str(tmp_path / "good")), tmp_path / "good")
    assert [each["violations"] for each in good] == [[]]  # and one that is acknowledged
    broken = DeliveryApp(validate=True, outdir=str(tmp_path / "bad"))
    cdk.CfnResource(broken.stack, "Planted", type="AWS::CodeBuild::Project", properties={"Artifacts": {}})
    (bad,) = reports(broken, tmp_path / "bad")
    assert bad["violations"], "nothing was validated"


def test_nag_finds_nothing_and_what_is_acknowledged_has_a_reason(tmp_path: Path) -> None:
    app = DeliveryApp(validate=False, outdir=str(tmp_path))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    (report,) = reports(app, tmp_path)
    assert report["conclusion"] == "success"
    assert report["violations"] == []
    assert report["suppressedViolations"]
    assert all(len(each["reason"]) >= 30 for each in report["suppressedViolations"])


def test_preflight_finds_nothing(template: Template, assembly: Path) -> None:
    assert template.body["Resources"]
    result = run(load(assembly))
    assert result.ok
    assert not result.findings


def test_cfn_lint_finds_nothing(template: Template, assembly: Path) -> None:
    path = assembly / f"{STACK_NAME}.template.json"
    assert json.loads(path.read_text()) == template.body
    linter = str(Path(sys.executable).with_name("cfn-lint"))
    ended = subprocess.run([linter, str(path)], cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_app_synthesizes_the_pipelines_when_the_context_asks_for_them(template: Template, tmp_path: Path) -> None:
    """In another process, with another hash seed, without credentials, and a dead end for every HTTP request."""
    dead_end = "http://127.0.0.1:9"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "HTTPS_PROXY": dead_end,
        "HTTP_PROXY": dead_end,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONHASHSEED": "7",
        "CDK_VALIDATION": "false",
        "CDK_CONTEXT_JSON": '{"pipeline": "1"}',
        "CDK_OUTDIR": str(tmp_path),
    }
    ended = subprocess.run([sys.executable, "app.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / f"{STACK_NAME}.template.json").read_text()) == template.body
    assert "missing" not in json.loads((tmp_path / "manifest.json").read_text())
