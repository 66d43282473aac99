"""What each stack of each environment looks like, for the reviewer of a change."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.infra.snapshot_text import render
from tests.infra.synthesized import Assembly

FOLDER = Path(__file__).parent / "snapshots"


def test_stacks_are_as_reviewed(assembly: Assembly, request: pytest.FixtureRequest) -> None:
    folder = FOLDER / assembly.environment
    now = {f"{name}.yaml": render(template.body) for name, template in assembly.templates.items()}
    if request.config.getoption("--update-snapshots", default=False):
        _write(folder, now)
    then = {path.name: path.read_text() for path in folder.glob("*.yaml")}
    names = sorted(then.keys() | now.keys())
    differences = "".join(_difference(name, then=then.get(name, ""), now=now.get(name, "")) for name in names)
    if differences:
        pytest.fail(f"{folder.name} changed; if this is meant, run `make snapshots`:\n{differences}", pytrace=False)


def _difference(name: str, *, then: str, now: str) -> str:
    lines = difflib.unified_diff(
        then.splitlines(keepends=True),
        now.splitlines(keepends=True),
        fromfile=f"{name} as reviewed",
        tofile=f"{name} now",
    )
    return "".join(lines)


def _write(folder: Path, snapshots: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.yaml"):
        stale.unlink()
    for name, text in snapshots.items():
        (folder / name).write_text(text)
