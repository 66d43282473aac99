"""A drill that went well passes; each thing that must hold fails it when it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localcloud.drill.faults import plot, report
from localcloud.drill.faults.fault import Bounds, Fault, Scene
from localcloud.drill.faults.judge import figures, gap, judged, wrong
from localcloud.drill.faults.record import Attempt, Record
from localcloud.ledger.check import Findings
from localcloud.rollout.load.answers import Answer


class Nothing:
    def make(self, scene: Scene) -> None: ...

    def mend(self, scene: Scene) -> None: ...


BOUNDS = Bounds(failed_percent=1.0, recovery=10.0, writes_back=35.0, reads_gone=5.0)
FAULT = Fault(name="part-killed", says="a part dies", how="SIGKILL", breakage=Nothing(), bounds=BOUNDS)
KEPT = Findings(promised=10, corrections=3, billed=4)


def answer(at: float, action: str = "list", *, good: bool = True) -> Answer:
    return Answer(at=at, action=action, status=200 if good else 503, good=good, seconds=0.1)


def attempt(*bad: Answer, without_reads: tuple[float, float] = (0.0, 0.0), **changes: Any) -> Attempt:
    """A fault made at second 100, in two minutes of ten requests a second."""
    usual = [answer(90 + number / 10, "correct" if number % 10 == 5 else "list") for number in range(1200)]
    kept = [one for one in usual if one.action == "correct" or not without_reads[0] < one.at < without_reads[1]]
    made = Attempt(
        fault=FAULT, began=90, made=100, mended=100, ended=210, answers=(*kept, *bad), noticed=101.0, whole=108.0
    )
    return replace(made, **changes)


def record(*attempts: Attempt, findings: Findings = KEPT) -> Record:
    answers = [one for each in attempts for one in each.answers]
    return Record(env="dev", seed=1, began=90, ended=210, attempts=attempts, answers=answers, findings=findings)


def test_nothing_wrong_is_nothing_wrong() -> None:
    assert wrong(attempt()) == []
    assert judged(record(attempt())) == {}
    assert report.as_json([record(attempt())], [])["ok"] is True


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (attempt(*(answer(101.0, good=False) for _ in range(30))), "% of requests failed"),
        (attempt(answer(111.0, good=False)), "until the last failed request"),
        (attempt(answer(136.0, "correct", good=False)), "until writes were back"),
        (attempt(without_reads=(102.0, 108.0)), "without a good read"),
        (attempt(answers=()), "there was no load"),
        (attempt(error="it could not be made: no"), "could not be made"),
        (attempt(findings=replace(KEPT, lost=["r1"])), "receipts lost"),
    ],
)
def test_each_bound_that_is_passed_is_told(bad: Attempt, told: str) -> None:
    assert any(told in sentence for sentence in wrong(bad)), wrong(bad)
    assert not report.as_json([record(bad)], [])["ok"]


@pytest.mark.parametrize(
    "kind", ["lost", "unread", "strange", "objectless", "uncorrected", "billed_twice", "unwritten"]
)
def test_books_that_do_not_balance_fail_the_drill(kind: str) -> None:
    ended = record(attempt(), findings=replace(KEPT, **{kind: ["x"]}))
    assert list(judged(ended)) == ["in the end"]
    assert not report.as_json([ended], [])["ok"]


def test_a_drill_without_a_receipt_proves_nothing() -> None:
    assert judged(record(attempt(), findings=replace(KEPT, promised=0)))


def test_an_interrupted_drill_or_none_is_not_ok() -> None:
    assert not report.as_json([replace(record(attempt()), interrupted=True)], [])["ok"]
    assert not report.as_json([], [])["ok"]


def test_where_nothing_else_can_serve_time_counts_from_the_mending() -> None:
    held = replace(FAULT, bounds=replace(BOUNDS, failed_percent=None, since="mended"))
    late = attempt(answer(125.0, "correct", good=False), fault=held, mended=120.0)
    assert figures(late).recovered == pytest.approx(5.0)
    assert figures(late).writes_back == pytest.approx(5.5, abs=1.0)
    assert wrong(late) == []


def test_the_first_sign_is_the_platforms_or_a_clients() -> None:
    assert figures(attempt()).detected == pytest.approx(1.0)
    assert figures(attempt(answer(100.2, good=False))).detected == pytest.approx(0.3)
    assert figures(attempt(noticed=None)).detected is None


def test_a_gap_is_between_good_reads_or_to_an_end() -> None:
    assert gap([answer(1.0), answer(2.0, good=False), answer(6.0)], 0.0, 7.0) == pytest.approx(5.0)
    assert gap([], 0.0, 7.0) == 7.0


def test_a_fault_is_made_or_says_why_not() -> None:
    with pytest.raises(ValueError, match="reason"):
        Fault(name="x", says="x", how="x")
    with pytest.raises(ValueError, match="reason"):
        Fault(name="x", says="x", how="x", breakage=Nothing(), why_not="x")


def test_tables_and_picture_show_what_was_seen() -> None:
    seen = record(attempt(answer(111.0, good=False)))
    undrilled = Fault(name="dns", says="no name is found", how="–", why_not="no name is looked up here")
    faults, end, rest = report.tables([seen], [undrilled])
    assert not faults.rows[0].ok
    assert "until the last failed request" in faults.rows[0].cells[-1]
    assert (end.rows[0].cells[1], rest.rows[0].cells[2]) == ("10", "no name is looked up here")
    assert 'class="failed"' in plot.as_svg(seen)
