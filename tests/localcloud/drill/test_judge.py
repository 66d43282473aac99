"""What must hold of a drill, one fault at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.drill.alarms import report
from localcloud.drill.alarms.fault import Fault, Together
from localcloud.drill.alarms.judge import Finding, Verdict, judge
from localcloud.drill.alarms.record import Attempt, Record
from localcloud.drill.report.table import as_markdown, as_text
from tests.localcloud.drill.records import BEGAN, OUTAGE, alarm, change, message, outage


@pytest.fixture
def runbooks(tmp_path: Path) -> Path:
    (tmp_path / "database-outage.md").write_text("")
    return tmp_path


def _verdict(record: Record, runbooks: Path, *, complete: bool = False) -> Verdict:
    return judge(record, runbooks=runbooks, complete=complete)


def _of(verdict: Verdict, title: str) -> Finding:
    [finding] = [one for one in verdict.findings if one.alarm.title == title]
    return finding


def _without(record: Record, title: str, state: str) -> Record:
    kept = tuple(c for c in record.changes if (c.alarm, c.state) != (title, state))
    return replace(record, changes=kept)


def test_a_drill_in_which_everything_held(runbooks: Path) -> None:
    verdict = _verdict(outage(), runbooks)
    assert verdict.ok
    finding = _of(verdict, "database-outage")
    assert (finding.fires, finding.told, finding.clears) == (121.0, 3.0, 61.0)
    assert [page.once for page in verdict.pages] == [True]
    assert verdict.pages[0].red == ("database-outage", "database-unreachable", "web-errors")


def test_an_alarm_that_does_not_fire_or_clear(runbooks: Path) -> None:
    silent = _verdict(_without(outage(), "database-unreachable", "ALARM"), runbooks)
    assert _of(silent, "database-unreachable").wrong == ("did not fire",)
    assert not silent.ok
    stuck = _verdict(_without(outage(), "database-unreachable", "OK"), runbooks)
    assert _of(stuck, "database-unreachable").wrong == ("did not clear",)


def test_a_fault_that_could_not_be_made(runbooks: Path) -> None:
    failed = Attempt(fault=OUTAGE, begun=BEGAN, mended=BEGAN + 200, error="no such process")
    verdict = _verdict(outage(attempts=(failed,)), runbooks)
    assert all("no such process" in finding.wrong for finding in verdict.findings)


def test_messages_that_nobody_got_or_the_wrong_people(runbooks: Path) -> None:
    red, over = outage().messages
    wrong = _of(_verdict(outage(messages=()), runbooks), "database-outage").wrong
    assert wrong == ("nobody was told",)
    wrong = _of(_verdict(outage(messages=(red,)), runbooks), "database-outage").wrong
    assert wrong == ("nobody was told that it is over",)
    other = (replace(red, topic="P1"), over)
    wrong = _of(_verdict(outage(messages=other), runbooks), "database-outage").wrong
    assert wrong == ("is P0, and was told as P0 to the readers of P1",)
    repeated = (red, replace(red, at=red.at + 1), over)
    verdict = _verdict(outage(messages=repeated), runbooks)
    assert _of(verdict, "database-outage").wrong == ("2 messages for 1 times red",)
    assert not verdict.pages[0].once


def test_a_message_that_does_not_say_what_it_must(runbooks: Path) -> None:
    red, over = outage().messages
    bare = replace(red, text=red.text.replace("dashboard", "graph").replace("database-outage.md", "other.md"))
    wrong = _of(_verdict(outage(messages=(bare, over)), runbooks), "database-outage").wrong
    assert wrong == ("its message has no dashboard", "its message has another runbook")


def test_a_runbook_that_is_not_there(tmp_path: Path) -> None:
    wrong = _of(_verdict(outage(), tmp_path), "database-unreachable").wrong
    assert wrong == ("there is no runbook database-outage.md",)


def test_a_part_of_a_composite_alarm_is_silent(runbooks: Path) -> None:
    record = outage(messages=(*outage().messages, message("database-unreachable", "ALARM", at=130)))
    wrong = _of(_verdict(record, runbooks), "database-unreachable").wrong
    assert wrong == ("spoke, though a composite alarm speaks for it",)


def test_two_pages_for_one_cause(runbooks: Path) -> None:
    record = outage(messages=(*outage().messages, message("web-errors", "ALARM", at=190)))
    verdict = _verdict(record, runbooks)
    assert verdict.pages[0].messages == ("database-outage", "web-errors")
    assert not verdict.ok


def test_what_turns_red_though_nothing_explains_it_is_a_false_alarm(runbooks: Path) -> None:
    record = outage(changes=(*outage().changes, change("cache-cpu", "ALARM", at=150)))
    verdict = _verdict(record, runbooks)
    assert [(one.alarm, one.beside) for one in verdict.false_alarms] == [("cache-cpu", ("database-gone",))]
    assert not verdict.ok
    late = outage(changes=(*outage().changes, change("web-errors", "ALARM", at=421)), ended=BEGAN + 500)
    assert [one.beside for one in _verdict(late, runbooks).false_alarms] == [()]


def test_an_alarm_without_a_fault_is_named_when_all_are_to_be_drilled(runbooks: Path) -> None:
    verdict = _verdict(outage(), runbooks, complete=True)
    assert verdict.undrilled == ("cache-cpu", "web-errors")
    assert not verdict.ok


def test_alarms_that_scale_must_do_so_and_may_be_red_in_calm_times(runbooks: Path) -> None:
    policy = {"AlarmActions": ["arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:1:resource/ecs/x"]}
    up, low = "scaling-web-cpu-upper", "scaling-web-idle-lower"
    alarms = {title: alarm(title, facts={}, record=policy) for title in (up, low)}
    fault = Fault(name="busy", says="", how="real", fires=(up,), clears=(low,), breakage=Together([]))
    changes = (
        change(up, "ALARM", at=10), change(low, "OK", at=12), change(up, "OK", at=80), change(low, "ALARM", at=130),
    )  # fmt: skip
    record = outage(
        alarms=alarms,
        attempts=(Attempt(fault=fault, begun=BEGAN, mended=BEGAN + 70, ended=BEGAN + 130),),
        changes=changes,
        messages=(),
    )
    assert _of(_verdict(record, runbooks), up).wrong == ("its scaling policy was not carried out",)
    verdict = _verdict(replace(record, acted=frozenset({up})), runbooks)
    assert verdict.ok
    assert (_of(verdict, low).clears, _of(verdict, low).fires) == (12.0, 60.0)
    stays = tuple(c for c in changes if c.alarm != low)
    assert _of(_verdict(replace(record, changes=stays), runbooks), low).wrong == ("was not over meanwhile",)


def test_a_fed_metric_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        Fault(name="x", says="", how="fed", fires=(), breakage=Together([]))


def test_the_report_says_what_held_and_what_did_not(runbooks: Path) -> None:
    good, bad = outage(), _without(outage(), "database-unreachable", "ALARM")
    summary = report.as_json(good, _verdict(good, runbooks))
    assert json.loads(json.dumps(summary))["ok"] is True
    assert summary["alarms"][1]["seconds_to_red"] == 121.0
    verdict = _verdict(bad, runbooks)
    assert report.as_json(bad, verdict)["ok"] is False
    alarms, pages = report.tables(bad, verdict)
    assert "✗ database-unreachable  P0" in as_text(alarms)
    assert "| the writer is killed | database-outage, web-errors | database-outage |" in as_markdown(pages)
