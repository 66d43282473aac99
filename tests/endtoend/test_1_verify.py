"""verify.yml over the running platform: a receipt the whole way, then a small load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localcloud import commands, tls
from pipelines.tools import buildspec
from pipelines.tools.buildspec import Order, Outcome

pytestmark = pytest.mark.endtoend


def verify(output: Path, *, smoke: str, **variables: str) -> Outcome:
    fixed = {"SETUP": "done", "ENVIRONMENT": "dev", "SMOKE": smoke, "STAGE_URL": commands.web_url()}
    authority = {"STAGE_CA": str(tls.material().authority)}
    order = Order(name="verify", variables={**fixed, **authority, **variables}, links=(".venv",), output=output)
    return buildspec.run(order)


def test_a_stage_that_works_is_verified(cloud: Path, tmp_path: Path) -> None:
    load = {"REQUESTS_PER_SECOND": "5", "SECONDS": "6", "MAX_FAILED_PERCENT": "0", "MAX_P95_MS": "60000"}
    outcome = verify(tmp_path / "out", smoke="full", **{f"LOAD_{name}": value for name, value in load.items()})
    assert outcome.ok, (tmp_path / "out" / "log.txt").read_text()
    assert outcome.complete
    results = tmp_path / "out" / "out" / "verify"
    assert [each["state"] for each in json.loads((results / "smoke.json").read_text())["checks"]] == ["passed"] * 6
    figures = json.loads((results / "load.json").read_text())
    assert (figures["requests"], figures["failed"]) == (30, 0)


def test_a_stage_that_does_not_answer_is_not(cloud: Path, tmp_path: Path) -> None:
    outcome = verify(tmp_path / "out", smoke="read-only", STAGE_URL="http://127.0.0.1:9")
    assert not outcome.ok
    # setup passes, the smoke test fails, no load follows, and its results are kept all the same
    assert [each.state for each in outcome.steps] == ["passed", "failed", "not run", "passed"]
