"""Promises are on disk, and each way of breaking one is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.ledger import check, entries
from localcloud.ledger.check import Billed
from localcloud.ledger.entries import Entry, Ledger
from localcloud.ledger.stored import Call, Row

FIRST = Entry(kind="receipt", receipt="r1", user="ada", asked=10.0, at=11.0, key="k1", sha256="aa")
SECOND = Entry(kind="receipt", receipt="r2", user="bob", asked=20.0, at=22.0, key="k2", sha256="bb")
CORRECTION = Entry(kind="correction", receipt="r1", user="ada", asked=30.0, at=31.0, fields={"merchant": "Bean"})
BOOK = (FIRST, SECOND, CORRECTION)


def row(of: Entry, **changes: object) -> Row:
    made = Row(id=of.receipt, user=of.user, state="extracted", sha256=of.sha256, corrected=False, fields={})
    return replace(made, **changes)  # type: ignore[arg-type]


ROWS = {"r1": row(FIRST, fields={"merchant": "Bean"}), "r2": row(SECOND)}
OBJECTS = {"k1", "k2"}
CALL = Call(id="c1", receipt="r1", sha256="aa", purpose="read", state="billed", superseded=False)
PAID = Billed(call="c1", model="m", picture="p")


def found(**changes: object) -> check.Findings:
    given: dict[str, object] = {"rows": ROWS, "objects": OBJECTS, "calls": [CALL], "bill": [PAID]}
    return check.reconcile(BOOK, **(given | changes))  # type: ignore[arg-type]


def test_what_was_added_is_read_back_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "new" / "ledger.jsonl")
    for entry in BOOK:
        ledger.add(entry)
    ledger.close()
    with ledger.path.open("a") as file:
        file.write('{"kind": "rec')
    assert entries.read(ledger.path) == list(BOOK)


def test_kept_promises_are_fine() -> None:
    assert found().ok
    assert found().said() == []
    assert (found().promised, found().corrections, found().billed) == (2, 1, 1)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("lost", {"rows": {"r1": ROWS["r1"]}}),
        ("unread", {"rows": {**ROWS, "r2": row(SECOND, state="queued")}}),
        ("unread", {"rows": {**ROWS, "r2": row(SECOND, state="failed")}}),
        ("strange", {"rows": {**ROWS, "r2": row(SECOND, sha256="cc")}}),
        ("objectless", {"objects": {"k1"}}),
        ("uncorrected", {"rows": {**ROWS, "r1": row(FIRST, fields={"merchant": "Corner Bean"})}}),
        ("billed_twice", {"calls": [CALL, replace(CALL, id="c2")], "bill": [PAID, replace(PAID, call="c2")]}),
        ("unwritten", {"calls": []}),
        ("unwritten", {"calls": [replace(CALL, state="free")]}),
    ],
)
def test_each_broken_promise_is_found(kind: str, changes: dict[str, object]) -> None:
    findings = found(**changes)
    assert getattr(findings, kind)
    assert not findings.ok
    assert findings.said()


def test_what_was_done_on_purpose_is_not_held_against_anybody() -> None:
    changed = {**ROWS, "r2": row(SECOND, sha256="cc", state="failed")}
    assert found(rows=changed, objects={"k1"}, replaced={"r2"}).ok
    unread = {**ROWS, "r2": row(SECOND, state="failed")}
    assert found(rows=unread, unreadable={"r2"}).ok
    assert not found(rows={"r1": ROWS["r1"]}, unreadable={"r2"}).ok
    again = {**ROWS, "r1": row(FIRST, fields={"merchant": "Corner Bean"})}
    assert found(rows=again, doubtful={"r1"}).ok
    asked = [replace(CALL, superseded=True), replace(CALL, id="c2")]
    assert found(calls=asked, bill=[PAID, replace(PAID, call="c2")]).ok
    assert found(bill=[PAID, replace(PAID, call="c2", model="stronger")], calls=[CALL, replace(CALL, id="c2")]).ok


def test_a_moment_parts_what_must_be_there_from_what_must_not() -> None:
    assert entries.until(BOOK, 21.0) == [FIRST]
    assert entries.after(BOOK, 21.0) == [CORRECTION]
    assert check.lost(entries.until(BOOK, 25.0), {"r1"}) == ["r2"]
