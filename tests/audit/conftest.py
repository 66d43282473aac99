"""One real synth of prod with faults planted into it, and the report that is made of it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.making import Order, make
from audit.model import Report
from audit.opinions import all as asking
from tests.audit.planted import NOW, synthesize

ROOT = Path(__file__).resolve().parents[2]
LATER = datetime(2026, 12, 24, 8, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """prod with every fault of `planted`, synthesized and refused by its packs."""
    folder = tmp_path_factory.mktemp("planted")
    synthesize(folder)
    return folder


@pytest.fixture(scope="session")
def order(assembly: Path) -> Order:
    return Order(environment="prod", assembly=assembly, root=ROOT, made_at=NOW, commit="c" * 40, tree="t")


@pytest.fixture(scope="session")
def report(order: Order) -> Report:
    """Without the other tools: what they find has tests of its own, and takes them a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "ASKED", {})
        return make(order)


@pytest.fixture(scope="session")
def later(order: Order) -> Report:
    """The same, made anew at another time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "ASKED", {})
        return make(dataclasses.replace(order, made_at=LATER))
