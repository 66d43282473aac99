"""What a rule finds is no certain fault where a condition that is still open may leave out what makes it one."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.engine import Result, all_rules, run
from preflight.rule import Level
from tests.preflight.test_cases import _assembly, _documents
from tests.preflight.test_wrong_types import Path, replaceable, replaced

NOTHING = {"Ref": "AWS::NoValue"}
OPEN = {
    "Parameters": {"Open": {"Type": "String"}},
    "Conditions": {"Open": {"Fn::Equals": [{"Ref": "Open"}, "yes"]}},
}
READ_AS_WRITTEN = {"CFN-128", "SCHED-137", "SECRET-97"}
"""They look at the text of a template, whatever its conditions are."""


def _with_the_condition(document: dict[str, Any]) -> dict[str, Any]:
    def added(template: dict[str, Any]) -> dict[str, Any]:
        return template | {section: {**(template.get(section) or {}), **OPEN[section]} for section in OPEN}

    if stacks := document.get("Stacks"):
        return document | {"Stacks": [stack | {"Template": added(stack["Template"])} for stack in stacks]}
    return added(document)


def _below_properties(document: dict[str, Any]) -> list[Path]:
    paths = [path for path in replaceable(document) if "Properties" in path]
    below = [(path, path[path.index("Properties") + 1 :]) for path in paths]
    return [
        path
        for path, inside in below
        if inside and not any(isinstance(key, str) and key.startswith(("Fn::", "Ref")) for key in inside)
    ]


def _judged(rule_id: str, document: dict[str, Any]) -> Result:
    result = run(_assembly(document), only=[rule_id])
    assert result.crashed == []
    return result


def _value(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


ERRORS = sorted(rule.id for rule in all_rules().values() if rule.level is Level.ERROR)


@pytest.mark.parametrize("rule_id", [rule_id for rule_id in ERRORS if rule_id not in READ_AS_WRITTEN])
def test_what_an_open_condition_may_mend_is_no_error(rule_id: str) -> None:
    broken = _documents(rule_id)[0]
    document = _with_the_condition(broken)
    for path in _below_properties(broken):
        if not _judged(rule_id, replaced(document, path, NOTHING)).findings:
            perhaps = {"Fn::If": ["Open", _value(broken, path), NOTHING]}
            assert _judged(rule_id, replaced(document, path, perhaps)).errors == [], path
