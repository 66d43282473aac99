"""Whether a condition holds, as far as templates decide it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from audit.access.patterns import covers
from audit.access.statements import Condition

Known = Mapping[str, str]
"""Values of condition keys, the keys in lower case; a key that is not in it may have any value or none."""


def met(conditions: Sequence[Condition], known: Known) -> bool | None:
    """Whether all hold; None where the request decides."""
    answers = [_met(one, known) for one in conditions]
    if False in answers:
        return False
    return None if None in answers else True


def _met(condition: Condition, known: Known) -> bool | None:
    operator = condition.operator.lower().removesuffix("ifexists")
    actual = known.get(condition.key.lower())
    if actual is None or ":" in operator:
        return None
    if operator == "null":
        return condition.values == ("false",)
    negated = "not" in operator
    compare = _COMPARE.get(operator.replace("not", ""))
    if compare is None:
        return None
    matched = any(compare(actual, value) for value in condition.values)
    return matched != negated


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda actual, expected: compare(float(actual), float(expected))


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "stringequals": lambda actual, expected: actual == expected,
    "stringequalsignorecase": lambda actual, expected: actual.lower() == expected.lower(),
    "stringlike": lambda actual, expected: covers(expected, actual),
    "arnequals": lambda actual, expected: covers(expected, actual),
    "arnlike": lambda actual, expected: covers(expected, actual),
    "bool": lambda actual, expected: actual.lower() == expected.lower(),
    "numericequals": _number(lambda actual, expected: actual == expected),
    "numericlessthan": _number(lambda actual, expected: actual < expected),
    "numericlessthanequals": _number(lambda actual, expected: actual <= expected),
    "numericgreaterthan": _number(lambda actual, expected: actual > expected),
    "numericgreaterthanequals": _number(lambda actual, expected: actual >= expected),
}
