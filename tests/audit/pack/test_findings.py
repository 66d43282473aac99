"""Every app, under every pack: nothing stands, and what is acknowledged is counted."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from audit.pack import acknowledgements
from preflight.loading import load_assembly
from tests.audit.pack.conftest import APPS, Judged

REPOSITORY = Path(__file__).resolve().parents[3]
COUNTS: dict[str, Any] = tomllib.loads((REPOSITORY / "audit" / "pack" / "acknowledged.toml").read_text())


@pytest.fixture(params=APPS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_nothing_stands(name: str, judged: Callable[[str], Judged]) -> None:
    found = judged(name)
    standing = [f"{one.rule} at {one.path}: {one.description}" for one in found.standing()]
    assert not standing, "\n".join(standing)
    assert found.passed


def test_the_report_and_the_templates_name_the_same_acknowledgements(
    name: str, judged: Callable[[str], Judged]
) -> None:
    """What CDK takes out of the report without an owner and an end in the template would be hidden."""
    written, _ = acknowledgements.read(load_assembly(judged(name).folder))
    in_templates = Counter((one.construct_path, one.rule) for one in written)
    in_report = Counter((one.path, one.rule) for one in judged(name).acknowledged())
    assert in_report == in_templates


def test_acknowledgements_are_as_many_as_agreed(name: str, judged: Callable[[str], Judged]) -> None:
    counted = acknowledgements.counts_of(judged(name).folder)
    agreed = COUNTS["counts"][name]
    grown = {pack: (agreed.get(pack, 0), n) for pack, n in counted.items() if n > agreed.get(pack, 0)}
    assert not grown, (
        f"more acknowledgements than audit/pack/acknowledged.toml says (agreed, now): {grown}. Mend the finding; if it "
        "has to stay, raise the number and add an entry to [[raised]] that says why."
    )
    shrunk = {pack: (n, counted.get(pack, 0)) for pack, n in agreed.items() if counted.get(pack, 0) < n}
    assert not shrunk, f"fewer than audit/pack/acknowledged.toml says (agreed, now): {shrunk}. Lower the numbers."


def test_the_agreed_total_was_only_raised_with_a_reason() -> None:
    """The last total that was reviewed bounds the sum: whoever raises a number adds why, and the new total."""
    total = sum(n for packs in COUNTS["counts"].values() for n in packs.values())
    raised = COUNTS["raised"]
    assert total <= raised[-1]["total"], "add an entry to [[raised]] of audit/pack/acknowledged.toml"
    for entry in raised:
        assert isinstance(entry["date"], date)
        assert len(entry["reason"]) >= 40
    assert [entry["date"] for entry in raised] == sorted(entry["date"] for entry in raised)


def test_references_of_acknowledgements_exist(name: str, judged: Callable[[str], Judged]) -> None:
    written, _ = acknowledgements.read(load_assembly(judged(name).folder))
    missing = {one.reference for one in written if not (REPOSITORY / one.reference).is_file()}
    assert not missing
