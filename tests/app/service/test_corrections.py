"""A person's correction is stored over what was read, lines and all, and says what still does not add up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from support import read_receipt, receipt

from receipts import corrections
from receipts.models import Receipt
from receipts.states import State

URL = "/api/v1/receipts/"
pytestmark = pytest.mark.usefixtures("bucket")


def correct(api, made: Receipt, **changes):
    return api.patch(f"{URL}{made.id}/", changes, format="json")


def test_lines_are_replaced_as_a_whole_and_keep_their_places_on_the_picture(api, user) -> None:
    made = read_receipt(user, total="5.00")
    made.items.create(position=0, description="Milk", price="1.00", box=[0.1, 0.2, 0.3, 0.4])
    made.items.create(position=1, description="Breed", price="4.00", box=[0.1, 0.5, 0.3, 0.6])
    lines = [{"description": "Bread", "price": "4.00"}, {"description": "Milk", "quantity": "2", "price": "1.00"}]
    answer = correct(api, made, items=lines, payment="cash")
    assert answer.status_code == 200
    assert [(line["description"], line["quantity"], line["box"]) for line in answer.json()["items"]] == [
        ("Bread", "1.000", None),
        ("Milk", "2.000", [0.1, 0.2, 0.3, 0.4]),
    ]
    assert answer.json()["payment"] == "cash"
    assert answer.json()["warnings"] == []


def test_an_empty_list_takes_all_lines_away_and_none_leaves_them(api, user) -> None:
    made = read_receipt(user, total="1.00")
    made.items.create(position=0, description="Milk", price="1.00")
    assert len(correct(api, made, tip="0.00").json()["items"]) == 1
    assert correct(api, made, items=[]).json()["items"] == []


def test_what_does_not_add_up_is_a_warning_and_stored(api, user) -> None:
    made = read_receipt(user)
    answer = correct(
        api, made, subtotal="8.00", tax="1.00", total="12.00", items=[{"description": "Tea", "price": "3"}]
    )
    assert answer.status_code == 200
    assert answer.json()["warnings"] == [
        "Subtotal, tax and tip do not add up to the total.",
        "The items do not add up to the total.",
    ]
    assert Receipt.objects.get().total == 12


@pytest.mark.parametrize(
    "change",
    [
        {"total": "99999999999"},
        {"total": "1.001"},
        {"total": None},
        {"total": "NaN"},
        {"purchased_on": (timezone.now() + timedelta(days=3)).date().isoformat()},
        {"purchased_on": "2026-02-30"},
        {"currency": "EURO"},
        {"currency": "ÄÖÜ"},
        {"payment": "p" * 17},
        {"merchant": "a\x00b"},
        {"items": [{"price": "1.00"}]},
        {"items": [{"description": "x", "price": "1e40"}]},
        {"items": [{"description": "x"}] * 301},
        {"items": None},
        {"items": {"description": "x"}},
        {"remember": "perhaps"},
    ],
    ids=lambda change: str(change)[:40],
)
def test_what_cannot_be_is_refused_and_changes_nothing(api, user, change: dict) -> None:
    made = read_receipt(user)
    assert correct(api, made, **change).status_code == 400
    kept = Receipt.objects.get()
    assert (kept.updated_at, kept.corrected_at) == (made.updated_at, None)


def test_how_sure_the_reader_was_is_forgotten_where_a_person_was_surer(api, user) -> None:
    made = read_receipt(user, confidence={"total": 0.4, "merchant": 0.9})
    assert correct(api, made, total="11.00").json()["confidence"] == {"merchant": 0.9}


def test_the_moment_of_a_correction_is_kept(api, user) -> None:
    made = receipt(user, state=State.NEEDS_REVIEW, total="1.00")
    assert correct(api, made, total="2.00").json()["corrected_at"] is not None


def test_nobody_corrects_what_was_read_afresh_meanwhile(user) -> None:
    seen = read_receipt(user)
    Receipt.objects.update(state=State.NEEDS_REVIEW, total=None, updated_at=timezone.now())
    seen.state = State.NEEDS_REVIEW
    with pytest.raises(corrections.CannotCorrectError, match="changed meanwhile"):
        corrections.correct(seen, changes={})
    assert Receipt.objects.get().state == State.NEEDS_REVIEW
