"""No rule fails on an odd template: each value of each case, and of prod, is replaced by what does not belong there."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

import pytest

from preflight.assembly import Assembly, Stack
from preflight.engine import all_rules, run
from tests.preflight.test_cases import _assembly, _documents

WRONG: tuple[Any, ...] = (None, [], {}, "", 0, True, {"a": [{"b": [None, 0, {"c": "d"}]}]})
ODD: tuple[Any, ...] = (
    *(-1, 10**299, 1.5, float("inf"), float("nan"), "x", "\0", "arn:", "arn:aws:::::", "${", "9" * 400, "-", ".", "é"),
    *([None], [[]], [{}], {"": None}, {"Ref": "AWS::NoValue"}, {"Ref": "Nothing"}, {"Fn::GetAtt": ["Nothing", "Arn"]}),
    *({"Fn::Sub": "${Nothing}-x"}, {"Fn::If": ["Nothing", 1, {"a": []}]}, [{"Fn::Split": [",", {"Ref": "Nothing"}]}]),
)
Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value below this one."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def replaced(document: Any, path: Path, wrong: Any) -> Any:
    """A copy, deep only along the path, with another value at its end."""
    if not path:
        return wrong
    changed = copy.copy(document)
    changed[path[0]] = replaced(document[path[0]], path[1:], wrong)
    return changed


ALIKE = 2
"""A case for a quota has a hundred of one thing; what a rule does with two of them it does with all."""


def replaceable(document: dict[str, Any]) -> Iterator[Path]:
    """What a rule may meet in a case document: resources without a Type are refused when they are read."""
    seen: Counter[str] = Counter()
    for path in _replaceable(document):
        shape = re.sub(r"\d+", "#", "/".join(map(str, path)))
        seen[shape] += 1
        if seen[shape] <= ALIKE:
            yield path


def _replaceable(document: dict[str, Any]) -> Iterator[Path]:
    stacks = [("Stacks", number, "Template") for number, _ in enumerate(document.get("Stacks", ()))] or [()]
    for stack in stacks:
        template: Any = document
        for key in stack:
            template = template[key]
        for path in places(template):
            is_resource = path[0] == "Resources" and (len(path) < 3 or path[2] == "Type")
            if not is_resource and path[0] not in ("Region", "Account"):
                yield (*stack, *path)


@pytest.mark.parametrize("rule_id", sorted(all_rules()))
def test_a_rule_withstands_wrong_types(rule_id: str) -> None:
    odd = cycle(ODD)
    for document in _documents(rule_id):
        for path in replaceable(document):
            for wrong in (*WRONG, next(odd), next(odd)):
                crashed = run(_assembly(replaced(document, path, wrong)), only=[rule_id]).crashed
                assert not crashed, (path, wrong, crashed)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:40])
def test_all_rules_withstand_wrong_types_in_prod(sound_prod: Assembly, wrong: Any) -> None:
    """The n-th value of each resource at once, for every n: whatever rules follow from one resource is odd, too."""
    for depth in (1, 2):
        for number in count():
            broken, changes = _with_the_nth_replaced(sound_prod, number, depth, wrong)
            if not changes:
                break
            assert run(broken).crashed == []


def _with_the_nth_replaced(sound: Assembly, number: int, depth: int, wrong: Any) -> tuple[Assembly, int]:
    broken, changes = Assembly(), 0
    for stack in sound.stacks:
        template = stack.template
        for logical_id, resource in stack.template["Resources"].items():
            found = [path for path in places(resource.get("Properties", {})) if len(path) == depth]
            if number < len(found):
                path = ("Resources", logical_id, "Properties", *found[number])
                template, changes = replaced(template, path, wrong), changes + 1
        broken.stacks.append(
            Stack(stack.name, template, broken, file=stack.file, region=stack.region, account=stack.account)
        )
    return broken, changes
