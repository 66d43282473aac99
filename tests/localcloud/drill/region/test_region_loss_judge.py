"""The judgment on the loss of a region: what is gone, for how long nobody was served, and what was promised."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from localcloud.drill.region import judge
from localcloud.drill.region.judge import Clients, Kept, Outcome, Promises
from localcloud.ledger.check import Billed
from localcloud.ledger.entries import Entry
from localcloud.ledger.stored import Call, Row
from localcloud.rollout.load.answers import Answer

LATEST, LOSS = 100.0, 160.0
PROMISES = [
    Entry(kind="receipt", receipt=name, user="a@example.com", asked=at - 0.5, at=at, key=f"receipts/{name}", sha256="")
    for name, at in (("covered", 50.0), ("kept-too", 110.0), ("gone", 130.0), ("last", 150.0), ("new", 300.0))
]
KEYS = [entry.key for entry in PROMISES]


def _rows(names: Collection[str], **fields: str) -> dict[str, Row]:
    return {
        name: Row(id=name, user="a@example.com", state="extracted", sha256="", corrected=False, fields=fields)
        for name in names
    }


def _kept(
    names: Collection[str], *, objects: Collection[str] = KEYS, more: Collection[Entry] = (), **given: Any
) -> Kept:
    rows = given.pop("rows", _rows(names))
    return judge.kept(
        [*PROMISES, *more],
        loss=LOSS,
        latest=LATEST,
        rows=rows,
        objects=objects,
        calls=given.pop("calls", ()),
        bill=given.pop("bill", ()),
        doubtful=(),
    )


def test_what_is_gone_is_measured_from_the_newest_promise_with_all_before_it_kept() -> None:
    found = _kept(["covered", "kept-too", "last", "new"])
    assert (found.promised, found.covered, found.afterwards) == (4, 1, 1)
    assert (list(found.lost), list(found.gone)) == ([], ["gone"])
    assert (found.database, found.images) == (LOSS - 110.0, LOSS - 150.0)
    assert _kept([entry.receipt for entry in PROMISES]).database == LOSS - 150.0
    assert found.proves
    assert found.findings.ok


def test_an_image_that_was_not_copied_in_time_counts_as_lost_from_there_on() -> None:
    everyone = [entry.receipt for entry in PROMISES]
    found = _kept(everyone, objects=[key for key in KEYS if not key.endswith("gone")])
    assert (found.database, found.images) == (LOSS - 150.0, LOSS - 110.0)


def test_a_receipt_of_before_the_backups_end_may_not_be_missing() -> None:
    assert list(_kept(["kept-too", "last", "new"]).lost) == ["covered"]


def test_what_the_second_region_took_must_be_there() -> None:
    found = _kept(["covered", "kept-too"])
    assert list(found.findings.lost) == ["new"]


def test_a_correction_of_the_lost_minutes_hides_an_earlier_one() -> None:
    made = [
        Entry(kind="correction", receipt="covered", user="a@example.com", asked=at, at=at, fields={"merchant": shop})
        for at, shop in ((90.0, "First"), (120.0, "Second"))
    ]
    for shop in ("First", "Second"):
        rows = _rows(["covered", "new"], merchant=shop)
        assert _kept([], rows=rows, more=made).findings.ok
    wrong = _kept([], rows=_rows(["covered", "new"], merchant="Neither"), more=made[:1])
    assert list(wrong.findings.uncorrected) == ["covered"]


def test_calls_of_the_lost_minutes_are_counted() -> None:
    bill = [Billed(call="one", model="small", picture="7"), Billed(call="two", model="small", picture="7")]
    known = Call(id="two", receipt="covered", sha256="", purpose="extract", state="billed", superseded=False)
    found = _kept(["covered", "new"], bill=bill, calls=[known])
    assert (list(found.billed_again), found.unknown_bills) == (["7"], 1)


def test_nothing_is_proven_where_nothing_was_promised_in_the_lost_minutes_or_afterwards() -> None:
    found = _kept(["covered", "new"])
    assert not replace(found, covered=found.promised).proves
    assert not replace(found, covered=0).proves
    assert not replace(found, afterwards=0).proves


def _answer(at: float, action: str, *, good: bool = True, status: int = 200) -> Answer:
    return Answer(at=at, action=action, status=status, good=good, seconds=0.5)


def test_the_first_good_answer_is_one_that_takes_a_login_and_was_asked_for_after_the_loss() -> None:
    found = judge.clients(
        [
            _answer(LOSS - 0.2, "list"),
            _answer(LOSS + 5, "list", good=False, status=0),
            _answer(LOSS + 60, "page"),
            _answer(LOSS + 70, "list"),
            _answer(LOSS + 80, "poll", good=False, status=404),
            _answer(LOSS + 90, "complete", status=202),
        ],
        LOSS,
    )
    assert found == Clients(answered=70.5, wrote=90.5, refused=1, failed=[("poll 404", 1)])
    assert judge.clients([_answer(LOSS - 1, "list")], LOSS).answered is None


def _outcome(**given: Any) -> Outcome:
    usual: dict[str, Any] = {
        "promises": Promises(rto=600.0, database_rpo=60.0, images_rpo=60.0),
        "clients": Clients(answered=100.0, wrote=110.0, refused=9, failed=[]),
        "kept": _kept(["covered", "kept-too", "new"]),
        "whole": 200.0,
        "asked": 8,
        "refused": 8,
        "alive": 0,
        "served": [],
        "logged_in": True,
    }
    return Outcome(**{**usual, **given})


def test_within_what_is_promised_nothing_is_wrong() -> None:
    assert _outcome().wrong() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"promises": Promises(rto=150.0, database_rpo=60.0, images_rpo=60.0)}, "until the second region was whole"),
        ({"promises": Promises(rto=600.0, database_rpo=49.0, images_rpo=60.0)}, "of the database's writes are gone"),
        ({"promises": Promises(rto=600.0, database_rpo=60.0, images_rpo=9.0)}, "of images are gone"),
        ({"whole": None}, "never until the second region was whole"),
        ({"clients": Clients(answered=None, wrote=110.0, refused=9, failed=[])}, "never until the first good answer"),
        ({"clients": Clients(answered=100.0, wrote=None, refused=9, failed=[])}, "never until the first good write"),
        ({"kept": replace(_kept(["covered", "new"]), afterwards=0)}, "nothing is proven"),
        ({"kept": _kept(["kept-too", "new"])}, "receipts of before the backup's end are lost"),
        ({"kept": _kept(["covered", "kept-too"])}, "receipts lost"),
        ({"kept": _kept([entry.receipt for entry in PROMISES])}, "was not found out"),
        ({"refused": 7}, "can still serve"),
        ({"logged_in": False}, "are not any more"),
        ({"alive": 1}, "can still serve"),
        ({"served": ["the bucket"]}, "can still serve"),
        ({"asked": 0, "refused": 0}, "can still serve"),
    ],
)
def test_each_thing_that_does_not_hold_is_said(given: dict[str, Any], said: str) -> None:
    assert any(said in sentence for sentence in _outcome(**given).wrong())
