"""Each rule against the smallest template that breaks it, and against a near miss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.assembly import Assembly, Stack
from preflight.engine import all_rules, run
from preflight.loading import TemplateLoader

CASES = Path(__file__).parent / "cases"


def _documents(rule_id: str) -> list[Any]:
    return list(yaml.load_all((CASES / f"{rule_id}.yaml").read_text(), Loader=TemplateLoader))


def _assembly(document: dict[str, Any]) -> Assembly:
    """A document is a template with an optional `Region`, or a list of `Stacks`."""
    assembly = Assembly()
    for entry in document.get("Stacks") or [{"Template": document, **document}]:
        template = {key: value for key, value in entry["Template"].items() if key != "Region"}
        assembly.stacks.append(
            Stack(
                entry.get("Name", "Template"),
                template,
                assembly,
                file="case",
                region=entry.get("Region"),
                account=entry.get("Account"),
                termination_protection=entry.get("TerminationProtection"),
                depends_on=frozenset(entry.get("DependsOn", [])),
                size=entry.get("Size", 0),
            )
        )
    return assembly


@pytest.mark.parametrize("rule_id", sorted(all_rules()))
def test_a_rule_finds_its_fault_and_lets_the_near_miss_pass(rule_id: str) -> None:
    broken, sound = _documents(rule_id)
    found = run(_assembly(broken), only=[rule_id])
    assert found.crashed == []
    assert [finding.rule_id for finding in found.findings] != []
    near_miss = run(_assembly(sound), only=[rule_id])
    assert near_miss.crashed == []
    assert [(finding.at, finding.message) for finding in near_miss.findings] == []


def test_no_case_is_left_without_its_rule() -> None:
    assert sorted(path.stem for path in CASES.glob("*.yaml")) == sorted(all_rules())


@pytest.mark.parametrize("rule_id", sorted(all_rules()))
def test_a_rule_says_all_that_its_reader_needs(rule_id: str) -> None:
    rule = all_rules()[rule_id]
    for said in (rule.title, rule.otherwise, rule.remedy):
        assert len(said) >= 12, said
    assert len(rule.source) >= 6
    assert rule.constraint is None or 1 <= rule.constraint <= 140
