"""The gate of production's pipeline: its function looks at real alarms; its alarm, as the template has it, closes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from .support import Emulator, make_function, make_role
from .watching import in_state, last_minute, put, put_alarm

pytestmark = pytest.mark.localcloud

_ROOT = Path(__file__).parents[3]
_CODE = _ROOT / "pipelines" / "functions" / "watch_alarms.py"
_TEMPLATE = _ROOT / "tests" / "pipelines" / "snapshots" / "Pipeline.yaml"


@pytest.fixture(scope="module")
def gate(emulator: Emulator) -> dict[str, Any]:
    """The properties of the template's alarm."""
    resources = yaml.safe_load(_TEMPLATE.read_text())["Resources"]
    found: dict[str, Any] = next(r["Properties"] for k, r in resources.items() if k.startswith("AlarmWatchRed"))
    return found


def _look(emulator: Emulator, alarms: list[str], gate: dict[str, Any]) -> dict[str, Any]:
    """What the function answers that looks at these alarms, each time as a new one."""
    name = f"watch-{len(alarms)}"
    variables = {
        "ALARMS": json.dumps(alarms),
        "ROLE_ARN": make_role(emulator, f"{name}-lookup", {"AWS": "*"}, "cloudwatch:DescribeAlarms"),
        "STAGE_REGION": "us-east-1",
        "NAMESPACE": gate["Namespace"],
        "METRIC": gate["MetricName"],
    }
    make_function(emulator, name, _CODE.read_text(), variables, "sts:AssumeRole", "cloudwatch:PutMetricData")
    answer: dict[str, Any] = json.loads(emulator.client("lambda").invoke(FunctionName=name)["Payload"].read())
    return answer


def _published(watch: Any, gate: dict[str, Any]) -> list[float]:
    now = datetime.now(UTC)
    answer = watch.get_metric_statistics(
        Namespace=gate["Namespace"],
        MetricName=gate["MetricName"],
        Statistics=["Maximum"],
        Period=60,
        StartTime=now - timedelta(minutes=2),
        EndTime=now + timedelta(minutes=1),
    )
    return [point["Maximum"] for point in answer["Datapoints"]]


def test_red_alarms_and_those_that_do_not_exist_are_counted(
    emulator: Emulator, watch: Any, gate: dict[str, Any]
) -> None:
    put_alarm(watch, "outage", Dimensions=[{"Name": "Service", "Value": "gate"}], TreatMissingData="notBreaching")
    watch.put_composite_alarm(AlarmName="P0", AlarmRule="ALARM(outage)")
    in_state(watch, "P0", "OK")
    assert _look(emulator, ["P0"], gate) == {"red": [], "missing": []}
    assert max(_published(watch, gate)) == 0
    put(watch, 11, Service="gate")
    in_state(watch, "P0", "ALARM")
    assert _look(emulator, ["P0", "never made"], gate) == {"red": ["P0", "never made"], "missing": ["never made"]}
    assert max(_published(watch, gate)) == 2


def test_the_pipelines_alarm_closes_when_one_minute_of_three_was_not_calm(watch: Any, gate: dict[str, Any]) -> None:
    assert gate["TreatMissingData"] == "breaching"
    # A namespace of its own: the test above publishes as well.
    properties = {key: value for key, value in gate.items() if key != "AlarmDescription"} | {"Namespace": "Gate"}
    watch.put_metric_alarm(AlarmName="gate", **properties)

    def say(value: float, *, minutes_ago: int) -> None:
        at = last_minute() - timedelta(minutes=minutes_ago)
        data = {"MetricName": gate["MetricName"], "Value": value, "Unit": "Count", "Timestamp": at}
        watch.put_metric_data(Namespace="Gate", MetricData=[data])

    for minutes_ago in range(-1, 4):  # the minute that is not over as well: the clock goes on
        say(0, minutes_ago=minutes_ago)
    in_state(watch, "gate", "OK")
    say(1, minutes_ago=0)
    in_state(watch, "gate", "ALARM")
