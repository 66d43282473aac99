"""A new version goes over the whole platform, by plain `cdk deploy`, while people use it.

Six minutes, and so not part of `make test`: `pytest -m rehearsal tests/endtoend`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.rollout import command
from localcloud.rollout.scenarios import SCENARIOS
from localcloud.rollout.source import Strategy

pytestmark = [pytest.mark.endtoend, pytest.mark.rehearsal, pytest.mark.usefixtures("cloud"), pytest.mark.timeout(900)]

SHORT = Strategy(name="canary", canary_minutes=1, bake_minutes=1)
"""The least that ECS knows; too short for alarms, which look at whole minutes."""


def rehearse(folder: Path, *names: str) -> list[dict[str, Any]]:
    plan = command.Plan(
        rehearsals=[(SCENARIOS[name], SHORT) for name in names],
        env="dev",
        rate=6.0,
        output=folder / "rollout",
        prepare=False,
    )
    code = command.rehearse(plan)
    summary = json.loads((folder / "rollout" / "summary.json").read_text())
    assert (code, summary["ok"]) == (0, True), summary
    assert (folder / "rollout" / "index.html").read_text().count("<svg") == len(names)
    found: list[dict[str, Any]] = summary["rehearsals"]
    return found


def test_a_good_canary_takes_over_unnoticed(tmp_path: Path) -> None:
    (good,) = rehearse(tmp_path, "good")
    assert (good["failed"], good["receipts_lost"]) == (0, [])
    assert good["met_new_version"] > 0
