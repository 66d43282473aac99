"""The threat model is held to the tests that it names: each exists, and no asset goes without a threat."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / "docs" / "security" / "threat-model.md").read_text()
_TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its two head lines."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((REPOSITORY / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("named", sorted({(found["file"], found["name"]) for found in _TEST.finditer(TEXT)}))
def test_a_test_that_is_named_exists(named: tuple[str, str]) -> None:
    file, name = named
    assert name in names_in(file), f"{file} has no {name}"


def test_every_threat_has_a_control_and_a_test() -> None:
    threats = rows("Threats")
    assert [row[0] for row in threats] == [f"T{number}" for number in range(1, len(threats) + 1)]
    for row in threats:
        assert len(row) == 7, row[0]
        assert row[5], f"{row[0]} has no control"
        assert _TEST.search(row[6]), f"{row[0]} has no test"


def test_every_asset_and_boundary_is_threatened_and_every_letter_used() -> None:
    threats = rows("Threats")
    assert {row[3] for row in threats} == {row[0].split()[0] for row in rows("Assets")}
    assert {row[1] for row in threats} == set(re.findall(r"\b(B\d) ", TEXT.split("```mermaid")[1].split("```")[0]))
    assert {row[2] for row in threats} == set("STRIDE")
