"""The review page: what was read beside its picture, put right by a person."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from support import png, read_receipt, receipt

from pages.boxes import boxes_of
from pages.words import FALLBACKS, doubts_by_field, notices
from receipts.models import Duplicate, LineItem, Receipt, RememberedCorrection
from receipts.states import State

pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def member(user) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def doubtful(user) -> Receipt:
    made = receipt(
        user,
        state=State.NEEDS_REVIEW,
        body=png(),
        merchant="LIDL DIENSTL",
        printed_merchant="LIDL DIENSTL",
        currency="EUR",
        total="14.20",
        category="groceries",
        review_reasons=["The items do not add up to the total."],
    )
    made.items.create(position=0, description="Milk", quantity="2.000", unit_price="1.15", price="2.30")
    made.items.create(position=1, description="Wine", price="10.00", box=[0.1, 0.5, 0.9, 0.6])
    return Receipt.objects.get()


def sent(client: Client, made: Receipt, **changes: Any) -> Any:
    """Send the form as a browser would, with some fields changed."""
    page = client.get(f"/inbox/{made.id}/")
    form, lines = page.context["form"], page.context["lines"]
    values = {field.html_name: field.value() for field in [*form, *lines.management_form]}
    values |= {field.html_name: field.value() for line in lines for field in line if field.name != "DELETE"}
    values["remember"] = "on"
    values = {name: value for name, value in (values | changes).items() if value is not None}
    return client.post(f"/inbox/{made.id}/", values)


def test_confirming_settles_the_review_and_changes_nothing(member, doubtful) -> None:
    assert sent(member, doubtful).headers["Location"] == "/inbox/"
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.merchant, str(doubtful.total)) == (State.EXTRACTED, "LIDL DIENSTL", "14.20")
    assert doubtful.corrected_at
    assert str(doubtful.items.first().unit_price) == "1.15"
    assert not RememberedCorrection.objects.exists()


def test_a_correction_is_stored_and_remembered(member, doubtful) -> None:
    sent(member, doubtful, merchant="Lidl", total="12.30", purchased_on="2026-03-05", currency="usd")
    doubtful.refresh_from_db()
    assert (doubtful.merchant, str(doubtful.total), doubtful.currency) == ("Lidl", "12.30", "USD")
    assert RememberedCorrection.objects.get().merchant == "Lidl"


def test_it_is_not_remembered_when_nobody_wants_that(member, doubtful) -> None:
    sent(member, doubtful, merchant="Lidl", remember=None)
    assert not RememberedCorrection.objects.exists()


def test_lines_are_changed_dropped_and_added(member, doubtful) -> None:
    changes = {"items-0-DELETE": "on", "items-1-price": "9.50", "items-2-description": "Bread", "items-2-price": "4.70"}
    sent(member, doubtful, **changes)
    assert [f"{line.description} {line.price}" for line in LineItem.objects.all()] == ["Wine 9.50", "Bread 4.70"]
    assert LineItem.objects.get(description="Wine").box == [0.1, 0.5, 0.9, 0.6]


@pytest.mark.parametrize(
    "changes", [{"total": ""}, {"total": "much"}, {"purchased_on": "2999-01-01"}, {"currency": "E"}, {"merchant": ""}]
)
def test_nonsense_is_told_beside_its_field_and_changes_nothing(member, doubtful, changes: dict[str, str]) -> None:
    answer = sent(member, doubtful, **changes)
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == set(changes)
    doubtful.refresh_from_db()
    assert doubtful.state == State.NEEDS_REVIEW


def test_doubts_and_errors_are_told_to_who_hears_the_page(member, doubtful) -> None:
    Receipt.objects.filter(id=doubtful.id).update(review_reasons=["The total is uncertain."])
    page = sent(member, doubtful, total="much").content.decode()
    described = re.search(r'<input[^>]*name="total"[^>]*aria-describedby="([^"]+)"', page)
    assert described and all(f'id="{name}"' in page for name in described[1].split())


def test_a_wrong_line_is_told_and_changes_nothing(member, doubtful) -> None:
    assert sent(member, doubtful, **{"items-0-price": "cheap"}).status_code == 400
    assert LineItem.objects.filter(price="2.30").exists()


def test_the_next_one_to_check_comes_next(member, user, doubtful) -> None:
    following = receipt(user, state=State.NEEDS_REVIEW, total="1.00")
    assert sent(member, doubtful).headers["Location"] == f"/inbox/{following.id}/"


def test_what_does_not_add_up_is_said_in_figures_beside_the_items(doubtful) -> None:
    said = doubts_by_field(doubtful, list(doubtful.items.all()))
    assert said == {"items": ["The items do not add up to the total.", "The items make 12.30, the total is 14.20."]}


def test_a_doubt_stands_beside_the_field_that_it_speaks_of_first(user) -> None:
    reasons = ["The date was not found.", "Subtotal, tax and tip do not add up to the total.", "Somebody should look."]
    made = read_receipt(user, review_reasons=reasons)
    said = doubts_by_field(made, [])
    assert {name: sentences[0] for name, sentences in said.items()} == {
        "purchased_on": reasons[0], "subtotal": reasons[1], "": reasons[2]
    }  # fmt: skip


def test_boxes_lie_where_their_fractions_say(user) -> None:
    made = Receipt(width=200, height=100, boxes={"total": [0.5, 0.25, 0.75, 0.5], "tax": [0.9, 0, 0.1, 1], "tip": "x"})
    box = boxes_of(made, [], doubtful=["total"])
    assert [(b.field, b.doubt, b.x, b.y, b.width, b.height) for b in box] == [("total", True, 100, 25, 50, 25)]


def test_without_the_pictures_size_there_are_no_boxes(user) -> None:
    assert boxes_of(Receipt(boxes={"total": [0, 0, 1, 1]}), [], doubtful=[]) == []


@pytest.mark.parametrize("reason", [*FALLBACKS, "something new"])
def test_a_fallback_is_explained(reason: str) -> None:
    assert "simpler" in notices(Receipt(fallback=reason))[0]


def test_the_better_reader_can_be_asked_again_and_what_stands_against_it_is_told(member, user) -> None:
    made = read_receipt(user, fallback="budget")
    assert b"Ask the better reader now" in member.get(f"/inbox/{made.id}/").content
    page = member.post(f"/inbox/{made.id}/reread/", follow=True)
    assert b"Receipts are read by the embedded engine" in page.content  # here, no other is configured


def test_every_reason_of_the_gateway_has_its_words() -> None:
    from typing import get_args

    from openai_gateway.gateway import Reason

    assert set(get_args(Reason)) == set(FALLBACKS)


def test_a_failed_one_can_be_read_again(member, user) -> None:
    made = receipt(user, state=State.FAILED, body=png(), attempts=6)
    assert b"Read it once more" in member.get(f"/inbox/{made.id}/").content
    member.post(f"/inbox/{made.id}/retry/")
    assert Receipt.objects.get().state == State.QUEUED


@pytest.mark.parametrize(("decision", "stored"), [("same", Duplicate.CONFIRMED), ("both", Duplicate.DISMISSED)])
def test_a_suspected_duplicate_is_shown_beside_the_other_and_decided(member, user, decision: str, stored) -> None:
    first = read_receipt(user, merchant="The first one")
    second = read_receipt(user, duplicate_of=first, duplicate=Duplicate.SUSPECTED)
    page = member.get(f"/inbox/{second.id}/")
    assert page.context["twin"] == first
    member.post(f"/inbox/{second.id}/decide/", {"decision": decision})
    second.refresh_from_db()
    assert second.duplicate == stored


def test_deleting_takes_receipt_and_pictures(member, doubtful) -> None:
    assert member.post(f"/inbox/{doubtful.id}/delete/").headers["Location"] == "/inbox/"
    assert not Receipt.objects.exists()


def test_a_receipt_under_way_has_nothing_to_correct(member, user) -> None:
    made = receipt(user, state=State.QUEUED, body=png())
    answer = member.post(f"/inbox/{made.id}/", {"merchant": "X", "total": "1.00"})
    assert answer.status_code == 200
    made.refresh_from_db()
    assert (made.state, made.merchant) == (State.QUEUED, "")


def test_what_was_read_is_shown_as_text_whatever_it_says(member, user) -> None:
    made = read_receipt(user, merchant="<script>alert(1)</script>", text="</pre><img src=x onerror=alert(1)>")
    page = member.get(f"/inbox/{made.id}/").content.decode()
    assert "<script>alert" not in page and "<img src=x" not in page


@pytest.mark.parametrize("lines", [1, 30])
def test_the_page_takes_the_same_number_of_queries_however_long_the_receipt(
    member, doubtful, lines: int, django_assert_num_queries
) -> None:
    for position in range(2, 2 + lines):
        doubtful.items.create(position=position, description="Milk", price="1.00")
    with django_assert_num_queries(7):  # session, user, receipt, lines, and its place in the queue: before, after, left
        member.get(f"/inbox/{doubtful.id}/")
