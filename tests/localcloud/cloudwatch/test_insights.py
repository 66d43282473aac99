"""Queries of Logs Insights, over events that are written down here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.emulator.cloudwatch import insights
from localcloud.emulator.cloudwatch.insights_parser import QueryError

LINES = [
    {"event": "done", "route": "a", "ms": 10, "code": 200, "user": {"id": 1}},
    {"event": "done", "route": "a", "ms": 30, "code": 500, "user": {"id": 2}},
    {"event": "done", "route": "b", "ms": 20.5, "code": 200, "tags": ["x", "y|z"]},
    {"event": "begun", "route": "a", "said": 'a "word", and more'},
    "no JSON",
]


def answered(query: str) -> list[dict[str, Any]]:
    messages = [line if isinstance(line, str) else json.dumps(line) for line in LINES]
    return insights.answered(
        query, [insights.discovered(message, timestamp=1000 * place) for place, message in enumerate(messages)]
    )


@pytest.mark.parametrize(
    ("condition", "places"),
    [
        ('event = "done"', "012"),
        ("event = 'done' and ms > 15", "12"),
        ('event != "done"', "3"),
        ("not (ms < 20 or ms >= 30)", "234"),
        ("ms < 20 or code = 500 and route = 'a'", "01"),
        ('route in ["b", "c"]', "2"),
        ("code not in [200, 404]", "134"),
        ("route not like /b/ and ispresent(ms)", "01"),
        ("@message like /no (JSON|more)/", "4"),
        ('said like "a \\"word\\""', "3"),
        ("user.id = 2", "1"),
        ('tags.1 = "y|z"', "2"),
        ("ms / 10 = 3", "1"),
        ("ms * 2 + 1 = 42", "2"),
        ("ms / 10 / 3 = 1", "1"),
        ("`user.id` = 1", "0"),
        ("nothing = 1", ""),
        ('@timestamp > "1970-01-01 00:00:02.500"', "34"),
    ],
)
def test_a_filter_keeps(condition: str, places: str) -> None:
    found = answered(f"filter {condition} | fields @timestamp")
    assert "".join(str(int(row["@timestamp"][-6:-4])) for row in found) == places


def test_figures_of_groups() -> None:
    query = """
        # a comment | with a bar
        filter ispresent(ms)
        | stats count(*) as n, sum(ms) as all, avg(ms), min(ms), max(ms), pct(ms, 50) as middle,
                count_distinct(code) as codes, sum(ms) / count(*) as mean by route
        | sort n desc | limit 1"""
    assert answered(query) == [
        {"n": 2, "all": 40, "avg(ms)": 20, "min(ms)": 10, "max(ms)": 30, "middle": 10, "codes": 2, "mean": 20,
         "route": "a"}
    ]  # fmt: skip
    assert answered("stats count(*) as n, sum(nothing) as s") == [{"n": 5, "s": None}]
    assert answered('filter event = "nobody" | stats count(*) as n by route') == []


def test_the_last_fields_are_shown_in_the_order_that_is_asked_for() -> None:
    assert answered("fields ms * 2 as twice, route | filter twice > 30 | sort twice desc") == [
        {"twice": 60, "route": "a"},
        {"twice": 41, "route": "b"},
    ]
    assert answered("limit 1") == [{"@timestamp": "1970-01-01 00:00:00.000", "@message": json.dumps(LINES[0])}]


@pytest.mark.parametrize(
    "query",
    [
        "parse @message /x/",
        "filter",
        "filter a =",
        "filter a = 1 b = 2",
        "filter (a = 1",
        "stats median(ms)",
        "filter count(*) > 1",
        "fields a, | limit 1",
        "filter a like b",
        "filter a ~ 1",
    ],
)
def test_what_is_not_known_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        answered(query)
