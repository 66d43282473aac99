"""What the tooling account's stack looks like, for the reviewer of a change."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.infra.snapshot_text import render
from tests.infra.synthesized import Template

FILE = Path(__file__).parent / "snapshots" / "Pipeline.yaml"


def test_the_stack_is_as_reviewed(template: Template, request: pytest.FixtureRequest) -> None:
    now = render(template.body)
    if request.config.getoption("--update-snapshots", default=False):
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(now)
    then = FILE.read_text() if FILE.exists() else ""
    lines = difflib.unified_diff(then.splitlines(keepends=True), now.splitlines(keepends=True), "as reviewed", "now")
    if difference := "".join(lines):
        pytest.fail(f"the stack changed; if this is meant, run `make snapshots`:\n{difference}", pytrace=False)
