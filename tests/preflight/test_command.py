"""The command as people and programs use it, and its three forms of report."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = """
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: 256
      Memory: 512
      NetworkMode: awsvpc
      RequiresCompatibilities: [FARGATE]
      ContainerDefinitions: [{Name: app, Image: app, StopTimeout: %s}]
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.yaml"
    file.write_text(TEMPLATE % 121)
    return file


def preflight(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preflight", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_finding_says_where_what_otherwise_and_what_to_do(broken: Path) -> None:
    ran = preflight(broken)
    assert ran.returncode == 1
    for part in ("✗ ECS-28", "ContainerDefinitions.0.StopTimeout", "otherwise", "remedy", "source", "1 error"):
        assert part in ran.stdout


def test_a_sound_template_passes(tmp_path: Path) -> None:
    file = tmp_path / "sound.yaml"
    file.write_text(TEMPLATE % 120)
    ran = preflight(file)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "0 errors" in ran.stdout


def test_json(broken: Path, tmp_path: Path) -> None:
    summary = tmp_path / "out" / "summary.json"
    ran = preflight(broken, "--format", "json", "--summary", summary)
    found = json.loads(ran.stdout)
    assert found == json.loads(summary.read_text())
    assert found["ok"] is False
    assert found["errors"] == 1
    (finding,) = [one for one in found["findings"] if one["rule"] == "ECS-28"]
    assert (finding["logical_id"], finding["at"]) == ("Task", "ContainerDefinitions.0.StopTimeout")


def test_sarif_names_rule_level_place_and_message(broken: Path) -> None:
    sarif = json.loads(preflight(broken, "--format", "sarif").stdout)
    (run,) = sarif["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules.values())
    (result,) = run["results"]
    assert result["ruleId"] in rules
    assert result["level"] == "error"
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == str(broken)
    assert "Task" in location["logicalLocations"][0]["fullyQualifiedName"]


def test_a_finding_in_a_cdk_app_names_the_line_that_made_it(tmp_path: Path) -> None:
    """A real app in a process of its own, with the plugin as the README says."""
    shutil.copytree(REPOSITORY / "preflight", tmp_path / "preflight", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "app.py").write_text(
        "import aws_cdk as cdk\n"
        "from aws_cdk import aws_ecs as ecs\n"
        "from preflight.plugin import Preflight\n"
        "preflight = Preflight()\n"
        "app = cdk.App(outdir='out', builtin_cloud_formation_validation=False)\n"
        "cdk.Validations.of(app).add_plugins(preflight)\n"
        "stack = cdk.Stack(app, 'Stack')\n"
        "task = ecs.FargateTaskDefinition(stack, 'Task')\n"
        "task.add_container('app', image=ecs.ContainerImage.from_registry('app'))\n"
        "task.node.default_child.add_property_override('ContainerDefinitions.0.StopTimeout', 121)\n"
        "app.synth()\n"
    )
    ran = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    said = ran.stdout + ran.stderr
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text())
    assert "ECS-28" in said + json.dumps(report)
    assert "app.py:8" in json.dumps(report)
    again = preflight(tmp_path / "out")
    assert again.returncode == 1
    assert "Stack/Task/Resource" in again.stdout
    assert "app.py:8" in again.stdout


@pytest.mark.parametrize("arguments", [[], ["/nothing/here"], ["--format", "xml", "."]])
def test_bad_input_ends_with_two_and_a_sentence(arguments: list[str]) -> None:
    ran = preflight(*arguments)
    assert ran.returncode == 2
    assert ran.stderr.strip()
    assert "Traceback" not in ran.stderr


def test_the_list_of_rules_is_a_table() -> None:
    ran = preflight("--rules")
    assert ran.returncode == 0
    assert "| ECS-28 |" in ran.stdout


def test_cfn_lint_speaks_it_too(broken: Path, tmp_path: Path) -> None:
    lint = Path(sys.executable).parent / "cfn-lint"
    command = [lint, "--append-rules", REPOSITORY / "preflight" / "cfnlint", "--format", "parseable", "--", broken]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    line = TEMPLATE.splitlines().index("      ContainerDefinitions: [{Name: app, Image: app, StopTimeout: %s}]") + 1
    assert f"{broken}:{line}:" in ran.stdout
    assert "E9900:[ECS-28]" in ran.stdout


def test_the_documents_list_the_rules_as_they_are() -> None:
    written = (REPOSITORY / "docs" / "preflight-rules.md").read_text()
    assert written == preflight("--rules").stdout, "run: python -m preflight --rules > docs/preflight-rules.md"
