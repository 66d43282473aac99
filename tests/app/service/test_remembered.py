"""Corrected once, right from then on: for the same shop, and for the one who corrected it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal

import pytest
from support import png, read_receipt, receipt, written

from extraction import Extraction
from receipts import reading, readings, remembered
from receipts.models import Receipt, RememberedCorrection
from receipts.states import State

URL = "/api/v1/remembered/"
RECEIPTS = "/api/v1/receipts/"
pytestmark = pytest.mark.usefixtures("bucket")


@pytest.fixture
def read_as(monkeypatch) -> Iterator:
    """Reads a receipt of a user's on which the reader finds just this merchant."""
    shade = iter(range(255))

    def read(user, merchant: str | None, category: str = "other") -> Receipt:
        found = Extraction(engine="local", merchant=merchant, category=category, total=Decimal(1))
        monkeypatch.setattr(readings, "recognize", lambda _photo: written([("Total", "1.00")]))
        monkeypatch.setattr(reading, "read_page", lambda _page: found)
        made = receipt(user, body=png(colour=next(shade)))
        reading.process(made.id)
        return Receipt.objects.get(id=made.id)

    return read


def correct(api, made: Receipt, **changes):
    answer = api.patch(f"{RECEIPTS}{made.id}/", changes, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def test_the_next_receipt_of_a_corrected_shop_comes_out_right_by_itself(api, user, read_as, make_user) -> None:
    first = read_as(user, "LlDL GmbH & Co. KG")
    correct(api, first, merchant="Lidl", category="groceries")
    second = read_as(user, "LIDL GMBH & CO KG")
    assert (second.merchant, second.category) == ("Lidl", "groceries")
    assert second.printed_merchant == "LIDL GMBH & CO KG"
    assert second.state == State.EXTRACTED
    theirs = read_as(make_user("other@example.com"), "LIDL GMBH & CO KG")
    assert (theirs.merchant, theirs.category) == ("LIDL GMBH & CO KG", "other")


def test_the_reading_itself_is_kept_as_it_was(api, user, read_as, make_user) -> None:
    """The same image of another person's is answered from the stored reading: not with what one taught us."""
    correct(api, read_as(user, "Aldi Sued"), merchant="Aldi")
    body = png(colour=77)
    for person in (user, make_user("other@example.com")):
        reading.process(receipt(person, body=body).id)
    assert set(Receipt.objects.filter(printed_merchant="Aldi Sued").values_list("merchant", flat=True)) == {
        "Aldi",
        "Aldi Sued",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bäckerei Müller GmbH", "BACKEREI MULLER"),
        ("McDonald's", "MCDONALDS"),
        ("99 SPEED MART S/B", "99 Speed Mart Sdn. Bhd."),
        ("H & M", "H&M"),
        ("Marks and Spencer plc", "Marks & Spencer"),
        ("REWE Markt 4711", "Rewe Markt"),
        ("L|DL", "Lidl"),
        ("Meier e.K.", "MEIER EK"),
        ("5uper M4RKET 0ase", "Super M4rket Oase"),
        ("UNIHAKKA INTERNATIONAL SDN BHD", "UNIHAKKA INTERNATIONL SDN BHD"),
        ("Rnetzgerei Huber", "Metzgerei Huber"),
    ],
)
def test_one_name_printed_in_two_ways(user, one: str, other: str) -> None:
    RememberedCorrection.objects.create(user=user, printed=remembered.key(one), merchant="Right")
    assert remembered.apply(user.id, Extraction(engine="e", merchant=other)).merchant == "Right"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Aldi Nord", "Aldi Süd"),
        ("Rewe Markt", "Real Markt"),
        ("Shell", "Shelf"),
        ("Hotel Adler", "Hotel Anker"),
        ("Cafe Rosa", "Cafe Rose"),
        ("AG", "KG"),
        ("7-Eleven", "Eleven"),
        ("Lidl", "Lidl Street Cafe"),
    ],
)
def test_two_shops_stay_two(user, one: str, other: str) -> None:
    RememberedCorrection.objects.create(user=user, printed=remembered.key(one), merchant="Wrong")
    assert remembered.apply(user.id, Extraction(engine="e", merchant=other)).merchant == other


@pytest.mark.parametrize("name", ["", "---", "\x00", "🧾", None])
def test_a_name_without_letters_is_nobodys(user, name: str | None) -> None:
    RememberedCorrection.objects.create(user=user, printed="", merchant="Wrong")
    assert remembered.apply(user.id, Extraction(engine="e", merchant=name)).merchant == name


def test_the_name_that_was_corrected_itself_goes_before_one_that_is_alike(api, user, read_as) -> None:
    correct(api, read_as(user, "Backhaus Sommer"), merchant="Sommer's")
    correct(api, read_as(user, "Backhaus Sommor"), merchant="Another one")
    assert read_as(user, "Backhaus Sommer").merchant == "Sommer's"
    assert read_as(user, "Backhaus Sommor").merchant == "Another one"


def test_a_category_alone_is_remembered_and_a_merchant_alone_leaves_the_category_as_read(api, user, read_as) -> None:
    correct(api, read_as(user, "Backhaus"), category="breakfast")
    assert read_as(user, "Backhaus").category == "breakfast"
    correct(api, read_as(user, "Kiosk"), merchant="Kiosk am Eck")
    assert read_as(user, "Kiosk", category="drinks").category == "drinks"


def test_a_correction_that_shall_not_be_remembered_is_not(api, user, read_as) -> None:
    assert correct(api, read_as(user, "Thank you"), merchant="Lidl", remember=False)["remembered"] is None
    assert read_as(user, "Thank you").merchant == "Thank you"


@pytest.mark.parametrize("changes", [{"total": "2.00"}, {"merchant": "Lidl"}, {"merchant": ""}], ids=str)
def test_what_says_nothing_new_of_the_shop_is_not_remembered(api, user, changes: dict) -> None:
    correct(api, read_receipt(user, printed_merchant="Lidl"), **changes)
    assert not RememberedCorrection.objects.exists()


def test_earlier_receipts_are_counted_and_put_right_when_asked_but_none_that_a_person_corrected(
    api, user, read_as, make_user
) -> None:
    earlier = [read_as(user, name) for name in ("LIDL GmbH", "Lidl", "LlDL")]
    by_hand = read_as(user, "LIDL")
    correct(api, by_hand, merchant="My Lidl", remember=False)
    others = [read_as(user, "Aldi"), read_as(make_user("other@example.com"), "LIDL")]
    offered = correct(api, read_as(user, "LIDL"), merchant="Lidl", category="groceries")["remembered"]
    assert offered["earlier"] == 3
    assert {one.merchant for one in Receipt.objects.filter(id__in=[one.id for one in earlier])} != {"Lidl"}
    assert api.post(f"{URL}{offered['id']}/apply/").json() == {"changed": 3}
    put_right = Receipt.objects.filter(id__in=[one.id for one in earlier])
    assert {(one.merchant, one.category, one.corrected_at) for one in put_right} == {("Lidl", "groceries", None)}
    assert Receipt.objects.get(id=by_hand.id).merchant == "My Lidl"
    assert [Receipt.objects.get(id=one.id).merchant for one in others] == ["Aldi", "LIDL"]
    assert api.post(f"{URL}{offered['id']}/apply/").json() == {"changed": 0}


def test_what_was_remembered_can_be_seen_and_forgotten(api, user, read_as) -> None:
    correct(api, read_as(user, "LIDL GmbH"), merchant="Lidl")
    (one,) = api.get(URL).json()["results"]
    assert (one["printed"], one["merchant"], one["category"]) == ("lidl", "Lidl", "")
    assert api.delete(f"{URL}{one['id']}/").status_code == 204
    assert read_as(user, "LIDL GmbH").merchant == "LIDL GmbH"
    assert api.get(f"{URL}99999999999999999999/").status_code == 404


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("delete", ""), ("post", "apply/")])
def test_anothers_memory_does_not_exist(api_of, make_user, user, method: str, path: str) -> None:
    theirs = RememberedCorrection.objects.create(user=user, printed="lidl", merchant="Lidl")
    stranger = api_of(make_user("stranger@example.com"))
    assert getattr(stranger, method)(f"{URL}{theirs.id}/{path}").status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert RememberedCorrection.objects.exists()


@pytest.mark.parametrize("position", ["%00", "%FF", "%ED%A0%80", "x" * 5000, "&o=99999999999999", "&r=1"])
def test_a_cursor_that_we_did_not_make_does_no_harm(api, user, position: str) -> None:
    RememberedCorrection.objects.create(user=user, printed="lidl", merchant="Lidl")
    cursor = b64encode(f"p={position}".encode()).decode()
    assert api.get(URL, {"cursor": cursor}).status_code in {200, 404}
