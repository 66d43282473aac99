"""The command: exit codes, files, and clear words about input that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plan.__main__ import main
from plan.earlier import REPOSITORY, from_git
from plan.errors import PlanError
from tests.plan.assemblies import Resources, altered
from tests.plan.test_plan_stateful import rename_the_database

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(prod: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command on prod's assembly; returns the exit code and what it wrote."""

    def command(*arguments: str | Path, assembly: Path = prod) -> tuple[int, str, str]:
        given = ["--env", "prod", "--assembly", assembly, "--output", tmp_path / "out", *arguments]
        code = main(list(map(str, given)))
        written = capsys.readouterr()
        return code, written.out, written.err

    return command


def test_nothing_changes_and_it_ends_with_0(run: Run, prod: Path, tmp_path: Path) -> None:
    code, out, _ = run("--against", prod)
    assert code == 0
    assert "Nothing changes in prod" in out
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["ok"] is True
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"plan.md", "plan.html", "gantt.svg", "summary.json"}


def test_a_renamed_database_ends_with_1(run: Run, prod: Path, tmp_path: Path) -> None:
    renamed = altered(prod, tmp_path / "renamed", "Data", rename_the_database)
    code, out, _ = run("--against", prod, assembly=renamed)
    assert code == 1
    assert "REFUSED: Data/Database/Writer (AWS::RDS::DBInstance) would be replaced" in out
    assert 'allow_replacement = ["Data/Database/Writer"] in config/prod.toml' in out
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["ok"] is False


def test_another_instance_class_ends_with_0_and_is_told(run: Run, prod: Path, tmp_path: Path) -> None:
    def larger(resources: Resources) -> None:
        resources["DatabaseWriter7794273E"]["Properties"]["DBInstanceClass"] = "db.m7g.xlarge"

    code, out, _ = run("--against", prod, assembly=altered(prod, tmp_path / "larger", "Data", larger))
    assert code == 0
    assert "DBInstanceClass: db.m7g.large → db.m7g.xlarge" in out
    assert "+246.01" in out
    assert "60 s to 2 min" in out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file or folder"),
        ("", "empty"),
        ("[]", "this is a list"),
        ("{", "it is not"),
        ('{"Resources": {"A": {"Properties": {}}}}', "resource A has no Type"),
        ("Resources: " + "[" * 400, "nested"),
    ],
)
def test_input_that_is_no_assembly(run: Run, tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "template.json"
    if content is not None:
        file.write_text(content)
    for arguments in ({"assembly": file}, {}):
        code, _, error = run("--against", file if not arguments else "nothing", **arguments)
        assert code == 2
        assert words in error
        assert "Traceback" not in error


def test_odd_values_are_no_reason_to_give_up(run: Run, tmp_path: Path) -> None:
    odd = {
        "Db": {"Type": "AWS::RDS::DBInstance", "Properties": [1, 2]},
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": "all"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [None, 7]}}},
        "Service": {"Type": "AWS::ECS::Service", "Properties": {"CapacityProviderStrategy": [{"Base": "x"}]}},
        "Plan": {"Type": "AWS::Backup::BackupPlan", "Properties": {"BackupPlan": {"BackupPlanRule": {"Ref": "Db"}}}},
        "Loop": {"Type": "AWS::KMS::Key", "DependsOn": ["Loop"], "Properties": {"Description": {"Ref": "Loop"}}},
    }
    file = tmp_path / "odd.json"
    file.write_text(json.dumps({"Resources": odd}))
    code, out, error = run("--against", "nothing", assembly=file)
    assert (code, error) == (0, "")
    assert "6 added" in out
    code, _, error = run("--against", file, assembly=file)
    assert (code, error) == (0, "")


def test_an_environment_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env", "production"]) == 2
    assert "no such environment; config/ has" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(run: Run, prod: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    code, _, error = run("--against", prod)
    assert code == 2
    assert "cannot be written" in error


def test_without_credentials_it_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    code, _, error = run()
    assert code == 2
    assert "Unable to locate credentials" in error
    assert "AGAINST_GIT=main" in error


@pytest.mark.parametrize("revision", ["no-such-branch", "--help", "HEAD:README.md"])
def test_a_revision_that_is_not_there(revision: str) -> None:
    with pytest.raises(PlanError, match="git knows no revision"), from_git(revision, environment="dev"):
        pass


def test_an_earlier_revision_is_synthesized_aside(tmp_path: Path) -> None:
    before = set(REPOSITORY.iterdir())
    with from_git("HEAD", environment="dev") as found:
        assert "SpendSmart-Dev-Data" in {stack.name for stack in found.stacks}
        assert not any(stack.file.startswith(str(REPOSITORY)) for stack in found.stacks)
    assert set(REPOSITORY.iterdir()) == before


def test_a_revision_without_the_environment_says_so() -> None:
    with pytest.raises(PlanError, match="does not synthesize nowhere"), from_git("HEAD", environment="nowhere"):
        pass


def test_the_module_runs_as_a_command(prod: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plan", "--env", "prod", "--assembly", prod, "--against", prod, "--output", tmp_path],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
