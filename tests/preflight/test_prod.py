"""The rules against our own assemblies: sound as they are, and with each fault planted into prod."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.assembly import Assembly
from preflight.engine import all_rules, run
from preflight.loading import load
from tests.preflight.conftest import ENVIRONMENTS
from tests.preflight.prod import Mutation, Prod, all_mutations


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_our_stacks_pass(assemblies: dict[str, Path], environment: str) -> None:
    result = run(load(assemblies[environment]))
    assert result.crashed == []
    assert [(f.rule_id, f.construct_path, f.at, f.message) for f in result.findings] == []


@pytest.mark.parametrize("mutation", [pytest.param(one, id=f"{one.rule_id} {one.name}") for one in all_mutations()])
def test_a_planted_fault_is_found_and_its_construct_named(sound_prod: Assembly, mutation: Mutation) -> None:
    prod = Prod(sound_prod)
    path = mutation.plant(prod)
    result = run(prod.assembly(), only=[mutation.rule_id])
    assert result.crashed == []
    assert path in {finding.construct_path for finding in result.findings}


def test_every_rule_has_a_planted_fault() -> None:
    assert sorted({mutation.rule_id for mutation in all_mutations()}) == sorted(all_rules())
