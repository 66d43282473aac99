"""What counts as a difference."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.readback.compare import differences
from localcloud.readback.values import ANYTHING, Pattern


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("1", 1),
        (True, "true"),
        (1.0, 1),
        ({"MinCapacity": 2}, {"minCapacity": 2, "more": 1}),
        ([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 1}]),
        ({"Statement": []}, '{"Statement": []}'),
        (["only"], "only"),
        (False, None),
        (ANYTHING, "something"),
        (Pattern(expression="a.c"), "abc"),
        (
            {"Tags": [{"Key": "a", "Value": "b"}]},
            {"Tags": [{"Key": "aws:x", "Value": "y"}, {"Key": "a", "Value": "b"}]},
        ),
    ],
)
def test_the_same(wanted: Any, found: Any) -> None:
    assert list(differences(wanted, found, "")) == []


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        ({"Key": "arn"}, {}, ".Key: 'arn' in the template, nothing in the API"),
        ({"Days": 7}, {"Days": 8}, ".Days: 7 in the template, 8 in the API"),
        ({"A": {"B": 1}}, {"A": {"B": 2}}, ".A.B: 1 in the template, 2 in the API"),
        ({"Rules": [{"Id": 1}]}, {"Rules": []}, ".Rules[0]: {'Id': 1} is not among []"),
        ({"Rules": []}, {"Rules": [{"Id": 1}]}, ".Rules: [{'Id': 1}] in the API, not in the template"),
        ({"Port": True}, {"Port": None}, ".Port: True in the template, None in the API"),
        ({"Arn": ANYTHING}, {"Arn": ""}, ".Arn: the template has a value, the API has none"),
        ({"Arn": Pattern(expression="a")}, {"Arn": "b"}, ".Arn: 'a' does not match 'b'"),
    ],
)
def test_a_difference_is_named(wanted: Any, found: Any, said: str) -> None:
    assert list(differences(wanted, found, "")) == [said]
