"""app.py -> pipelines -> stacks -> infra; the application knows none of them, and what reads templates neither."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

DELIVERY = {"pipelines", "stacks", "infra"}
MAY_IMPORT = {
    "previews": {"previews"},
    "infra": {"infra", "previews"},
    "stacks": {"stacks", "infra", "previews"},
    "pipelines": {"pipelines", "stacks", "infra", "previews"},
    "app_src": set[str](),
    "localcloud": {"localcloud", "previews"},
    "preflight": {"preflight"},
    "plan": {"plan", "preflight", "infra"},
    "audit": {"audit", "preflight"},
}
"""What of our own packages each package may import. The last four read the cloud assembly and the AWS API only."""

APPLICATION = {path.name for path in (REPOSITORY / "app_src").iterdir() if (path / "__init__.py").exists()}
OURS = DELIVERY | {"previews", "localcloud", "preflight", "plan", "audit", "app", "app_src", "tests", "benchmarks"}


def _imports(tree: ast.AST) -> set[str]:
    """Top-level packages that a module imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_dependencies_point_one_way(package: str) -> None:
    allowed = MAY_IMPORT[package] | (APPLICATION if package == "app_src" else set())
    wrong = {
        str(path.relative_to(REPOSITORY)): sorted(foreign)
        for path in (REPOSITORY / package).rglob("*.py")
        if (foreign := (_imports(ast.parse(path.read_text())) & (OURS | APPLICATION)) - allowed)
    }
    assert not wrong


def test_a_plan_knows_the_configuration_and_no_construct() -> None:
    wrong = {
        f"{path.name}: {node.module}"
        for path in (REPOSITORY / "plan").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("infra")
        and not (node.module or "").startswith("infra.config")
    }
    assert not wrong


def test_parts_know_no_stack_names() -> None:
    """Constructs take what they need as arguments, so that they serve in any stack."""
    wrong = [
        path.name
        for path in (REPOSITORY / "infra").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Stack") and node.name != "EnvironmentStack"
    ]
    assert not wrong
