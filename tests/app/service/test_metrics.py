"""Lines of CloudWatch's embedded metric format, and what CloudWatch would drop refused here."""

from __future__ import annotations

import json
import math

import pytest

from spendsmart import metrics
from spendsmart.metrics import Metric


def line_of(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def test_a_metric_carries_its_unit_and_dimensions(capsys) -> None:
    metrics.publish(Metric("ExtractionSeconds", 1.25, unit="Seconds"), dimensions={"Engine": "local"})
    line = line_of(capsys)
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "SpendSmart/test"
    assert directive["Dimensions"] == [["Engine"]]
    assert directive["Metrics"] == [{"Name": "ExtractionSeconds", "Unit": "Seconds"}]
    assert (line["Engine"], line["ExtractionSeconds"]) == ("local", 1.25)


def test_the_sum_over_all_dimensions_is_in_the_same_line(capsys) -> None:
    metrics.publish(Metric("Extractions", 1), dimensions={"Engine": "local", "Outcome": "read"}, total=True)
    assert line_of(capsys)["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Engine", "Outcome"], []]


def test_plain_counts_have_no_dimensions(capsys) -> None:
    metrics.publish(Metric("Cost", 0.01, unit="None"), QueueLength=3)
    line = line_of(capsys)
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert directive["Dimensions"] == [[]]
    assert [metric["Unit"] for metric in directive["Metrics"]] == ["None", "Count"]
    assert (line["Cost"], line["QueueLength"]) == (0.01, 3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        metrics.publish(QueueLength=value)


@pytest.mark.parametrize(
    ("dimensions", "counts"),
    [
        ({f"D{number}": "x" for number in range(31)}, {"N": 1}),
        ({"Engine": ""}, {"N": 1}),
        ({"Engine": "x" * 1025}, {"N": 1}),
        ({"Engine": None}, {"N": 1}),
        ({":Engine": "local"}, {"N": 1}),
        ({"N": "local"}, {"N": 1}),
        ({"Engine": "local"}, {}),
        ({}, {f"N{number}": 1 for number in range(101)}),
        ({}, {"_aws": 1}),
    ],
)
def test_what_cloudwatch_would_drop_without_a_word_is_refused(dimensions: dict, counts: dict, capsys) -> None:
    with pytest.raises(ValueError, match=r"dimension|metric|twice"):
        metrics.publish(dimensions=dimensions, **counts)
    assert capsys.readouterr().out == ""


def test_thirty_dimensions_are_published(capsys) -> None:
    metrics.publish(dimensions={f"D{number}": "x" for number in range(30)}, N=1)
    assert len(line_of(capsys)["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == 30
