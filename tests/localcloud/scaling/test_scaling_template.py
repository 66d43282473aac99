"""What is read from the templates, and that it is read from nowhere else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud.scaling.errors import ScalingError
from localcloud.scaling.expressions import evaluate
from localcloud.scaling.model import BACKLOG, CPU, Service
from localcloud.scaling.template import Assembly


def test_services_policies_and_tasks_of_production(prod: list[Service]) -> None:
    web, worker = prod
    assert (web.name, web.minimum, web.maximum, web.is_worker) == ("web", 2, 12, False)
    assert (worker.name, worker.size.slots, worker.size.architecture) == ("worker", 2, "arm64")
    assert [one.label for one in web.policies] == ["CPUUtilization ≥ 70", "CPUUtilization ≤ 30"]
    assert [one.label for one in worker.policies] == [
        "CPUUtilization ≥ 70",
        "BacklogPerTask ≥ 20",
        "CPUUtilization or BacklogPerTask ≤ 30",
    ]
    assert web.threshold(CPU) == 70
    assert worker.threshold(BACKLOG) == 20
    assert web.timing.drain == 30, "the target group's deregistration delay"
    assert worker.timing.drain == 120, "the container's stop timeout"
    assert web.timing.ready > worker.timing.ready, "the load balancer's health checks"


def test_the_workers_scale_in_alarm_sees_the_higher_of_cpu_and_slots(prod: list[Service]) -> None:
    (idle,) = [one.alarm for one in prod[1].policies if one.shrinks]
    assert idle.value({CPU: 5.0, BACKLOG: 2.0}) == 100
    assert idle.value({CPU: 40.0, BACKLOG: 0.0}) == 40
    assert idle.value({CPU: 5.0, BACKLOG: None}) is None


def changed(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Assembly:
    """A copy of an assembly, its resources changed."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("asset.*"))
    path = target / "SpendSmart-Prod-Service.template.json"
    template = json.loads(path.read_text())
    change(template["Resources"])
    path.write_text(json.dumps(template))
    return Assembly(folder=target)


def test_the_template_decides(assembly: Callable[[str], Path], tmp_path: Path) -> None:
    def other_limits(resources: dict[str, Any]) -> None:
        for resource in resources.values():
            if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget":
                resource["Properties"]["MaxCapacity"] = 77

    services = changed(assembly("prod"), tmp_path / "copy", other_limits).services()
    assert [one.maximum for one in services] == [77, 77]


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("AWS::ApplicationAutoScaling::ScalingPolicy", {"PolicyType": "TargetTrackingScaling"}, "only StepScaling"),
        ("AWS::CloudWatch::Alarm", {"AlarmActions": []}, "invoked by 0 alarms"),
        ("AWS::CloudWatch::Alarm", {"MetricName": "MemoryUtilization"}, "watches MemoryUtilization"),
    ],
)
def test_what_cannot_be_simulated_is_named(
    assembly: Callable[[str], Path], tmp_path: Path, kind: str, properties: dict[str, Any], said: str
) -> None:
    def change(resources: dict[str, Any]) -> None:
        for name, resource in resources.items():
            if resource["Type"] == kind and "WebServiceTaskCountTargetCpuUpper" in name:
                resource["Properties"].update(properties)

    with pytest.raises(ScalingError, match=said):
        changed(assembly("prod"), tmp_path / "copy", change).services()


def test_a_folder_without_an_assembly_is_no_assembly(tmp_path: Path) -> None:
    with pytest.raises(ScalingError, match="make synth"):
        Assembly(folder=tmp_path).services()


def test_metric_math() -> None:
    values = {"a": 4.0, "b": 3.0}
    assert evaluate("IF(a > 2 * b, a, MAX([a - b, b]))", values) == 3
    assert evaluate("-a / 2 + SUM([a, b])", values) == 5
    for unknown in ("RATE(a)", "a +", "c", "__import__('os')", "a / 0", "a.b"):
        with pytest.raises(ScalingError, match="cannot work out"):
            evaluate(unknown, values)
