"""The runner of buildspecs behaves as CodeBuild does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.tools import buildspec
from pipelines.tools.buildspec import BuildspecError, Order, Outcome
from pipelines.tools.tree import files


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs a buildspec that is given as text; the copy of the tree has one file."""
    monkeypatch.setattr(buildspec, "FOLDER", tmp_path)

    def copy(tree: Path, links: object) -> None:
        tree.mkdir(parents=True)
        (tree / "file").write_text("content\n")

    monkeypatch.setattr(buildspec, "_copy", copy)

    def run(text: str, **order: object) -> Outcome:
        (tmp_path / "some.yml").write_text(f"version: 0.2\n{text}")
        return buildspec.run(Order(name="some", output=tmp_path / "output", **order))  # type: ignore[arg-type]

    return run


def states(outcome: Outcome) -> list[str]:
    return [step.state for step in outcome.steps]


def test_commands_share_one_shell(build: Callable[..., Outcome]) -> None:
    outcome = build("phases: {install: {commands: [cd /, export A=1]}, build: {commands: ['test $A$PWD = 1/']}}")
    assert outcome.ok
    assert outcome.complete


def test_it_stops_at_the_first_failure_but_for_what_is_final(build: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = build(
        "phases: {pre_build: {commands: ['false', 'true'], finally: ['true']}, build: {commands: ['true']}}"
    )
    assert states(outcome) == ["failed", "not run", "passed", "not run"]
    assert not outcome.ok
    assert json.loads((tmp_path / "output" / "summary.json").read_text())["ok"] is False


def test_after_a_failed_build_comes_post_build_and_knows_it(build: Callable[..., Outcome]) -> None:
    outcome = build(
        "phases: {build: {commands: ['false']}, post_build: {commands: ['test $CODEBUILD_BUILD_SUCCEEDING = 0']}}"
    )
    assert states(outcome) == ["failed", "passed"]


def test_a_command_that_ends_the_shell_fails(build: Callable[..., Outcome]) -> None:
    outcome = build("phases: {build: {commands: [exit 3, 'true']}}")
    assert [(step.state, step.code) for step in outcome.steps] == [("failed", 3), ("not run", None)]


def test_a_failed_pipe_is_a_matter_of_the_shell(build: Callable[..., Outcome]) -> None:
    outcome = build("env: {shell: bash}\nphases: {build: {commands: ['set -o pipefail', 'false | true']}}")
    assert states(outcome) == ["passed", "failed"]


def test_the_projects_variables_win_over_the_buildspecs(build: Callable[..., Outcome]) -> None:
    text = "env: {variables: {A: own, B: own}}\nphases: {build: {commands: ['test $A$B = ownproject']}}"
    assert build(text, variables={"B": "project"}).ok


def test_nothing_else_of_this_machines_environment_is_seen(
    build: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    assert build("phases: {build: {commands: ['test -z \"$AWS_SECRET_ACCESS_KEY\"']}}").ok


def test_exported_variables_are_read_at_the_end(build: Callable[..., Outcome]) -> None:
    outcome = build("env: {exported-variables: [A, B]}\nphases: {build: {commands: ['export A=\"x y\"']}}")
    assert outcome.exported == {"A": "x y", "B": ""}


def test_artifacts_are_collected_and_one_that_is_missing_fails(build: Callable[..., Outcome], tmp_path: Path) -> None:
    commands = "phases: {build: {commands: [mkdir -p out/a, cp file out/a/]}}"
    assert build(f"{commands}\nartifacts: {{base-directory: out, files: ['**/*']}}").ok
    assert (tmp_path / "output" / "artifacts" / "a" / "file").read_text() == "content\n"
    outcome = build(f"{commands}\nartifacts: {{files: [nothing]}}")
    assert outcome.missing_artifacts == ("nothing",)
    assert not outcome.ok


def test_what_is_left_out_never_looks_passed(build: Callable[..., Outcome]) -> None:
    text = "phases: {build: {commands: ['true', deploy everything]}}"
    outcome = build(text, skip={"^deploy": "no account here"})
    assert states(outcome) == ["passed", "not run"]
    assert outcome.steps[1].because == "no account here"
    assert outcome.ok
    assert not outcome.complete
    with pytest.raises(BuildspecError, match="no command like"):
        build(text, skip={"^destroy": "no account here"})


def test_a_buildspec_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(BuildspecError, match="no buildspec nothing; there are assemble, checks"):
        buildspec.run(Order(name="nothing"))


def test_the_copy_is_the_tree_without_what_is_ignored(tmp_path: Path) -> None:
    buildspec._copy(tmp_path / "src", [".venv"])
    assert (tmp_path / "src" / "Makefile").read_bytes() == (buildspec.ROOT / "Makefile").read_bytes()
    assert (tmp_path / "src" / ".venv").is_symlink()
    assert not (tmp_path / "src" / ".git").exists()
    assert not (tmp_path / "src" / "cdk.out").exists()


def test_a_tree_without_git_is_listed_all_the_same(tmp_path: Path) -> None:
    for name in ("a/b.py", ".venv/x", "node_modules/y", "a/__pycache__/b.pyc", ".local-2/z", ".ci/run"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert files(tmp_path) == [".ci/run", "a/b.py"]
