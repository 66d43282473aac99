"""What rehearsals came to, for people and for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

from localcloud.rollout.judge import judge
from localcloud.rollout.record import Record
from localcloud.rollout.report.page import as_html
from localcloud.rollout.report.plot import as_svg
from localcloud.rollout.report.summary import Judged, as_json
from localcloud.rollout.report.table import as_text
from localcloud.rollout.terminal import line
from tests.localcloud.rollout.records import ALARM, BEGAN, NEW, OLD, SHIFTED, bad, good


def judged(*records: Record) -> Sequence[Judged]:
    return [Judged(record=record, checks=tuple(judge(record))) for record in records]


def test_the_summary_says_ok_only_when_everything_held() -> None:
    assert as_json(judged(good(), bad()), env="dev", rate=15)["ok"] is True
    assert as_json(judged(good(), bad(lost=("one",))), env="dev", rate=15)["ok"] is False
    assert as_json([], env="dev", rate=15)["ok"] is False


def test_the_summary_names_the_failed_release_the_reason_and_the_time_back() -> None:
    (one,) = json.loads(json.dumps(as_json(judged(bad()), env="dev", rate=15)))["rehearsals"]
    assert (one["old_release"], one["new_release"]) == (OLD, NEW)
    assert "spendsmart-dev-rollout-5xx" in one["reason"]
    assert one["seconds_from_alarm_to_back"] == 9.0
    assert one["met_new_version"] == 100
    assert one["failed"] == 16
    assert one["latency_seconds"]["new"] == {"p50": 0.05, "p95": 0.05, "p99": 0.05}


def test_the_table_marks_what_did_not_hold() -> None:
    text = as_text(judged(good(), bad(alarm_at=None)))
    assert "ok good, canary" in text
    assert re.search(r"(?m)^✗  bad-5xx, canary", text)
    assert re.search(r"(?m)^ +✗ back within 60 s of the alarm +no alarm spoke", text)


def test_the_live_view_says_stage_weights_health_load_errors_and_alarms() -> None:
    record = bad()
    snapshot = next(each for each in record.snapshots if each.at == ALARM)
    said = line(snapshot, [each for each in record.answers if each.at < ALARM], since=BEGAN)
    assert said == (
        "    70 s  ROLLBACK PRODUCTION_TRAFFIC_SHIFT  blue  90 % 2/2  green  10 % 2/2   20/s  p50   50 ms  p99   50 ms"
        "  13 failed  ALARM spendsmart-dev-rollout-5xx"
    )


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src", "data") and value:
                self.links.append(value)


def test_the_page_stands_by_itself() -> None:
    page = _Page()
    page.feed(as_html(judged(good(), bad()), env="dev", at=datetime(2026, 11, 28, tzinfo=UTC)))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert page.tags.count("svg") == 2
    assert len(set(page.ids)) == len(page.ids)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)


def test_the_page_escapes_what_others_said() -> None:
    html = as_html(judged(bad(cli_error="<b>no</b>")), env="dev", at=datetime(2026, 11, 28, tzinfo=UTC))
    assert "<b>no</b>" not in html
    assert "&lt;b&gt;no&lt;/b&gt;" in html


def test_the_plot_is_well_formed_and_shows_failures_where_they_were() -> None:
    root = ElementTree.fromstring(as_svg(bad()))  # noqa: S314  (our own)
    failed = [each for each in root.iter() if each.get("class") == "failed"]
    assert len(failed) == 16 + 1  # and the key
    first = min(float(each.get("x", "nan")) for each in failed)
    assert 64 < first < 64 + 840 * (SHIFTED + 5 - BEGAN) / 120
    clean = ElementTree.fromstring(as_svg(good()))  # noqa: S314
    assert len([each for each in clean.iter() if each.get("class") == "failed"]) == 1
