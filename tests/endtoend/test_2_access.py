"""Access, tried out: what the platform did was let, and what no task may do is refused.

Before the tests of deployments, which plant a refusal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud import demo
from localcloud.access.forbidden import FORBIDDEN

pytestmark = pytest.mark.endtoend


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def proof(client: demo.Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `python -m localcloud.access` has found after a receipt went the whole way."""
    client.wait(client.upload(demo.RECEIPT, content_type="image/png"))
    file = tmp_path_factory.mktemp("access") / "proof.json"
    answer = _run("localcloud.access", "--output", str(file))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_no_task_may_do_what_none_has_to(proof: dict[str, Any]) -> None:
    assert len(proof["roles"]) == 4
    assert len(proof["attempts"]) == 4 * len(FORBIDDEN)
    assert [one for one in proof["attempts"] if not one["refused"]] == []


def test_nothing_that_the_platform_did_was_refused(proof: dict[str, Any]) -> None:
    assert proof["refused_calls"] == []


def test_the_templates_allow_what_the_emulator_let(proof: dict[str, Any]) -> None:
    """Two evaluations, written apart, agree on every call of the run."""
    assert proof["roles"]
    home = Path(os.environ["LOCALCLOUD_HOME"])
    answer = _run("audit.access", str(home / "assembly"), "--calls", str(home / "emulator" / "calls.jsonl"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "candidate for removal" in answer.stdout
