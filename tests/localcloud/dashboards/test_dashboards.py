"""Dashboards of the synthesized environments, read and drawn."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from localcloud.console import LocalCloudError
from localcloud.dashboards.definition import AlarmStates, Dashboard, Metrics, Text, read
from localcloud.dashboards.page import Filled, as_html
from localcloud.dashboards.reading import AlarmState, Drawn
from stacks.platform import SpendSmartPlatform

_AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """The bodies of an environment's dashboards by name, with a word in the place of each reference."""

    @cache
    def synthesize(environment: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp(f"dashboards-{environment}")
        SpendSmartPlatform(environment=environment, validate=False, outdir=str(folder)).synth()
        found = {}
        for path in folder.glob("*.template.json"):
            for resource in json.loads(path.read_text())["Resources"].values():
                if resource["Type"] == "AWS::CloudWatch::Dashboard":
                    parts = resource["Properties"]["DashboardBody"]["Fn::Join"][1]
                    body = "".join(part if isinstance(part, str) else "reference" for part in parts)
                    found[resource["Properties"]["DashboardName"]] = json.loads(body)
        return found

    return synthesize


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "preview"])
def test_every_dashboard_can_be_drawn(bodies: Callable[[str], dict[str, Any]], environment: str) -> None:
    found = bodies(environment)
    assert found
    for name, body in found.items():
        dashboard = read(name, body)
        assert len(dashboard.widgets) == len(body["widgets"])
        plots = [widget for widget in dashboard.widgets if isinstance(widget, Metrics)]
        assert all(any(line.shown for line in plot.lines) for plot in plots)
        assert all(len({line.query["Id"] for line in plot.lines}) == len(plot.lines) for plot in plots)


def test_metrics_expressions_and_marks() -> None:
    row = ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "writer", {"id": "cpu", "period": 60, "yAxis": "right"}]
    properties = {
        "view": "timeSeries",
        "title": "CPU",
        "region": "us-west-2",
        "metrics": [row, [{"expression": "2 * cpu", "label": "twice"}]],
        "annotations": {"horizontal": [{"value": 80, "label": "P1", "yAxis": "right"}]},
    }
    [widget] = read("d", _body("metric", properties)).widgets
    assert isinstance(widget, Metrics)
    first, second = widget.lines
    assert first.query["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "DBInstanceIdentifier", "Value": "writer"}]
    assert (first.query["MetricStat"]["Period"], first.query["MetricStat"]["Stat"]) == (60, "Average")
    assert (first.label, first.right, second.label, second.right) == ("CPUUtilization", True, "twice", False)
    assert (second.query["Expression"], widget.marks[0].value, widget.marks[0].right) == ("2 * cpu", 80, True)


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("log", {}, "type 'log'"),
        ("metric", {"view": "pie", "region": "r"}, "view 'pie'"),
        ("metric", {"region": "r", "metrics": [["A", "B"], [".", "C"]]}, "by dots"),
        ("metric", {"region": "r", "start": "2026-01-01"}, "starts at '2026-01-01'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(kind: str, properties: dict[str, Any], said: str) -> None:
    with pytest.raises(LocalCloudError, match=said):
        read("d", _body(kind, properties))


def test_the_time_a_dashboard_shows() -> None:
    assert read("d", {"start": "-PT1H", "widgets": []}).back == timedelta(hours=1)
    assert read("d", {"start": "-P7D", "widgets": []}).back == timedelta(days=7)
    assert read("d", {"widgets": []}).back == timedelta(hours=3)


def test_a_page_draws_each_plot_and_needs_nothing_else(bodies: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    dashboard = read("SpendSmart-Dev-operations", bodies("dev")["SpendSmart-Dev-operations"])
    page = tmp_path / "page.html"
    page.write_text(as_html(_filled(dashboard), others=[dashboard.name, "other"]))
    assert "</script><b>" not in page.read_text(), "labels are escaped where data is"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "make setup-dev installs it"
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}")
    dumped = subprocess.run(
        [chromium, *flags, "--virtual-time-budget=5000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    plots = [widget for widget in dashboard.widgets if isinstance(widget, Metrics)]
    assert dumped.count("<canvas") == len(plots) - 1
    assert dumped.count("no data") == 1
    assert dumped.count('class="ALARM"') == 1


def _body(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"widgets": [{"type": kind, "x": 0, "y": 0, "width": 6, "height": 6, "properties": properties}]}


def _filled(dashboard: Dashboard) -> Filled:
    """Each plot with three values but the last, which has none; the first of all alarms is red."""
    kinds = {
        kind: [n for n, one in enumerate(dashboard.widgets) if isinstance(one, kind)] for kind in (Metrics, AlarmStates)
    }
    assert any(isinstance(one, Text) for one in dashboard.widgets)
    times = tuple(int(_AT.timestamp()) - 60 * ago for ago in (3, 2, 1))
    drawn = {}
    for number in kinds[Metrics]:
        widget = dashboard.widgets[number]
        assert isinstance(widget, Metrics)
        shown = sum(line.shown for line in widget.lines)
        empty = number == kinds[Metrics][-1]
        drawn[number] = Drawn(times=() if empty else times, values=() if empty else ((1.0, None, 3.0),) * shown)
    states = {n: [AlarmState(name=f"alarm-of-{n}", state="OK", reason="</script><b>")] for n in kinds[AlarmStates]}
    states[kinds[AlarmStates][0]] = [AlarmState(name="red", state="ALARM", reason="</script><b>")]
    return Filled(dashboard=dashboard, drawn=drawn, states=states, at=_AT)
