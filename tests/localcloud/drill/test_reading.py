"""Alarms' names, messages as they come out of a queue, and reports on disk."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from localcloud.drill.inbox import read
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import Row, Table, as_markdown, as_text
from localcloud.drill.titles import title_of

TOPICS = {"arn:p0": "P0"}
AT = "2026-11-28T10:00:00.500Z"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("SpendSmart-Prod-web-errors", "web-errors"),
        ("SpendSmart-Dev-database-reader-1-lags", "database-reader-1-lags"),
        ("spendsmart-prod-rollout-latency-ratio", "rollout-latency-ratio"),
        ("SpendSmart-Prod-Service-WebServiceTaskCountTargetCpuUpperAlarm93112DDA-ABC", "scaling-web-cpu-upper"),
        ("WorkerServiceTaskCountTargetIdleLowerAlarm0812422B", "scaling-worker-idle-lower"),
        ("somebody-elses", "somebody-elses"),
    ],
)
def test_an_alarms_title(name: str, title: str) -> None:
    assert title_of(name) == title


def test_a_message_about_an_alarm() -> None:
    text = "P0 ALARM: web-outage (SpendSmart-Prod)\nPeople cannot use SpendSmart."
    found = read(json.dumps({"TopicArn": "arn:p0", "Subject": "x", "Message": text, "Timestamp": AT}), topics=TOPICS)
    assert found.at == 1_795_860_000.5
    assert (found.topic, found.severity, found.state, found.alarm) == ("P0", "P0", "ALARM", "web-outage")


def test_a_message_about_anything_else() -> None:
    found = read(json.dumps({"TopicArn": "arn:p0", "Message": '{"a": 1}', "Timestamp": AT}), topics=TOPICS)
    assert (found.severity, found.state, found.alarm) == ("", "", "")


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_on_disk(tmp_path: Path) -> None:
    rows = (Row(cells=("a|b", "<1>")), Row(cells=("c", "2"), ok=False))
    table = Table(title="Things", columns=("what", "how"), rows=rows)
    look = Look(guide="docs/things.md")
    page = files.write(tmp_path / "x", title="A drill", tables=[table], summary={"ok": False}, look=look)
    parser = _Parser()
    parser.feed(page.read_text())
    assert parser.open == []
    assert "not ok" in page.read_text()
    assert "What the columns mean: docs/things.md" in page.read_text()
    assert "&lt;1&gt;" in page.read_text()
    assert json.loads((tmp_path / "x" / "summary.json").read_text()) == {"ok": False}
    assert as_markdown(table).splitlines()[2] == "| a\\|b | <1> |"
    assert as_text(table).splitlines()[-1] == "✗ c     2"
