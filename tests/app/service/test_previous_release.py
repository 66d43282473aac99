"""While a release is rolled out, and after a rollback, the one before works on its schema: its own tests say so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from surroundings import ENVIRONMENT

TESTS = Path(__file__).resolve().parents[1]
APP = TESTS.parents[1] / "app_src"

ELSEWHERE = [
    "health", "kills", "migrations*", "previous*", "query_plans", "replica*", "schema_fuzz", "settings", "storm",
    "versions", "whole_way",
]  # fmt: skip
"""Tests that say nothing of the schema, or make a database of their own, or take minutes."""


@pytest.mark.timeout(900)
def test_the_previous_release_passes_its_tests_on_this_schema(previous_release: Path) -> None:
    ignored = [f"--ignore-glob=*/test_{name}.py" for name in ELSEWHERE]
    own = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT and "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "new_schema", "-p", "no:cacheprovider", "-q", "--tb=short",
         "-c", "tests/app/service/pytest.ini", "tests/app/service", *ignored],
        cwd=previous_release, env={**own, "NEW_APPLICATION": str(APP), "PYTHONPATH": str(TESTS / "previous")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
