"""The judgment on what was restored: what is missing, and what should not be there yet."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from localcloud.drill.recovery.judge import at_moment, newest_kept
from localcloud.ledger.entries import Entry
from localcloud.ledger.stored import Row

PROMISES = [
    Entry(kind="receipt", receipt=name, user="a@example.com", asked=at - 0.5, at=at)
    for name, at in (("first", 10.0), ("second", 20.0), ("at-the-time", 30.2), ("later", 40.0))
]


def _rows(names: Collection[str], state: str = "queued") -> dict[str, Row]:
    return {
        name: Row(id=name, user="a@example.com", state=state, sha256="", corrected=False, fields={}) for name in names
    }


def test_all_before_and_none_after_is_well_and_what_was_under_way_may_be_there_or_not() -> None:
    for under_way in ([], ["at-the-time"]):
        found = at_moment(PROMISES, _rows(["first", "second", *under_way]), 30.0)
        assert found.ok
        assert (found.promised, found.afterwards) == (2, 1)


@pytest.mark.parametrize(
    ("rows", "lost", "early"),
    [
        (_rows(["first"]), ["second"], []),
        (_rows(["first", "second", "later"]), [], ["later"]),
        (_rows(["first"]) | _rows(["second"], state="awaiting_upload"), ["second"], []),
    ],
)
def test_what_is_missing_and_what_came_too_early_is_said(
    rows: dict[str, Row], lost: list[str], early: list[str]
) -> None:
    found = at_moment(PROMISES, rows, 30.0)
    assert not found.ok
    assert (list(found.lost), list(found.early)) == (lost, early)


def test_nothing_is_proven_without_promises_on_both_sides() -> None:
    assert not at_moment(PROMISES, _rows(["first", "second", "at-the-time", "later"]), 50.0).ok
    assert not at_moment(PROMISES, {}, 5.0).ok


def test_promises_are_kept_up_to_the_first_that_is_not() -> None:
    assert newest_kept(PROMISES, _rows(["first", "second", "later"])) == 20.0
    assert newest_kept(PROMISES, _rows(["first"]) | _rows(["second"], state="awaiting_upload")) == 10.0
    assert newest_kept(PROMISES, {}) == 0.0
