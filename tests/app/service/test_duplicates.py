"""The same receipt twice is offered as a duplicate; another one of the same shop is not, and nobody else's ever is."""

from __future__ import annotations

import random
from datetime import date

import pytest
from django.db import connection
from support import png, read_receipt, receipt, written

from receipts import duplicates, pictures
from receipts.models import Receipt
from receipts.states import State

URL = "/api/v1/receipts/"
TEXT = (
    "LIDL\nWarburger Straße 130\nBananen 0,99 A\nBulgur 1,78 A\nApfelsaft 1,19 B\n"
    "Summe 3,96\nzu zahlen 10,00\n3182 295069/02\n05.03.26 09:58"
)
FINGERPRINT = f"{0b1010 << 252:064x}"
pytestmark = pytest.mark.django_db


def differing(bits: int) -> str:
    return f"{int(FINGERPRINT, 16) ^ ((1 << bits) - 1):064x}"


def second(user, **fields) -> Receipt:
    return receipt(user, state=State.EXTRACTING, fingerprint=FINGERPRINT, **fields)


def test_a_picture_that_looks_alike_with_the_same_figures_is_found(user) -> None:
    first = read_receipt(user, text=TEXT, fingerprint=differing(duplicates.ALIKE), purchased_on=None)
    assert duplicates.find(second(user), page_text=TEXT) == first


def test_looks_alone_prove_nothing(user) -> None:
    read_receipt(user, text=TEXT, fingerprint=FINGERPRINT)
    for other in ("", TEXT.replace("09:58", "10:58"), TEXT.replace("295069/02", "295070/02"), "LIDL 05.03.26"):
        assert duplicates.find(second(user), page_text=other) is None


def test_a_second_photograph_is_found_by_its_day(user) -> None:
    first = read_receipt(user, text=TEXT, fingerprint=differing(128), purchased_on=date(2026, 3, 5))
    assert duplicates.find(second(user), page_text=TEXT.replace("Bulgur 1,78 A\n", "")) == first


def test_a_picture_too_different_of_another_day_is_no_candidate(user) -> None:
    read_receipt(user, text=TEXT, fingerprint=differing(duplicates.ALIKE + 1), purchased_on=date(2026, 3, 4))
    assert duplicates.find(second(user), page_text=TEXT) is None


def test_a_corrected_day_that_is_not_printed_speaks_against_it(user) -> None:
    read_receipt(user, text=TEXT, fingerprint=FINGERPRINT, purchased_on=date(2026, 3, 4))
    assert duplicates.find(second(user), page_text=TEXT) is None


def test_the_same_bytes_need_no_text(user) -> None:
    first = read_receipt(user, content_sha256="a" * 64)
    assert duplicates.find(second(user), page_text="", content_sha256="a" * 64) == first


def test_anothers_receipt_is_never_found(user, make_user) -> None:
    read_receipt(make_user("other@example.com"), text=TEXT, fingerprint=FINGERPRINT, content_sha256="a" * 64)
    assert duplicates.find(second(user), page_text=TEXT, content_sha256="a" * 64) is None


@pytest.mark.parametrize("state", [State.FAILED, State.QUEUED, State.NEEDS_REVIEW])
def test_only_what_was_read_is_an_original(user, state: State) -> None:
    first = receipt(user, state=state, text=TEXT, fingerprint=FINGERPRINT)
    expected = first if state == State.NEEDS_REVIEW else None
    assert duplicates.find(second(user), page_text=TEXT) == expected


def test_a_third_picture_is_a_duplicate_of_the_first(user) -> None:
    first = read_receipt(user, text=TEXT, fingerprint=FINGERPRINT)
    read_receipt(user, text=TEXT, fingerprint=FINGERPRINT, duplicate_of=first, duplicate="suspected")
    assert duplicates.find(second(user), page_text=TEXT) == first


def test_an_original_is_no_duplicate_of_its_duplicate(user) -> None:
    first = read_receipt(user, text=TEXT, fingerprint=FINGERPRINT)
    read_receipt(user, text=TEXT, fingerprint=FINGERPRINT, duplicate_of=first, duplicate="dismissed")
    assert duplicates.find(first, page_text=TEXT) is None


def test_a_decision_is_not_overruled(user) -> None:
    first = read_receipt(user)
    assert duplicates.columns(receipt(user), None) == {}
    assert duplicates.columns(receipt(user), first) == {"duplicate_of": first, "duplicate": "suspected"}
    assert duplicates.columns(receipt(user, duplicate="dismissed"), first) == {}


@pytest.mark.usefixtures("bucket")
def test_reading_the_same_receipt_again_offers_it(api, user) -> None:
    from test_reading import DEMO

    from receipts import reading

    for _ in range(2):
        assert reading.process(receipt(user, body=DEMO.read_bytes()).id) in {State.EXTRACTED, State.NEEDS_REVIEW}
    first, again = Receipt.objects.order_by("created_at")
    assert (first.duplicate, again.duplicate, again.duplicate_of) == ("", "suspected", first)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(("number", "requests"), [("40211", 1), ("40212", 2)], ids=["the same", "another"])
def test_a_second_picture_is_not_paid_for_and_another_receipt_is(
    user, openai_server, monkeypatch, number: str, requests: int
) -> None:
    """Two photographs of receipts that look the same; the second has the first one's number, or its own."""
    from test_openai_gateway import CAFE, good

    from receipts import reading, readings

    openai_server.reply = good()
    found = []
    for picture, printed_number in enumerate(("40211", number)):
        rows = (*CAFE, (f"Receipt {printed_number}", ""))
        monkeypatch.setattr(readings, "recognize", lambda _photo, rows=rows: written(rows))
        made = receipt(user, body=png(colour=200 + picture))
        assert reading.process(made.id) == State.EXTRACTED
        made.refresh_from_db()
        found.append(made)
    first, again = found
    assert len(openai_server.requests) == requests
    assert (again.engine, again.total, again.merchant) == ("openai", first.total, first.merchant)
    assert again.duplicate_of == (first if requests == 1 else None)
    assert again.boxes.keys() == first.boxes.keys() != set()


@pytest.mark.usefixtures("bucket")
def test_a_second_picture_that_is_to_be_read_afresh_is_asked_for_itself(api, user, openai_server, monkeypatch) -> None:
    from test_openai_gateway import CAFE, good

    from receipts import reading, readings, tasks

    monkeypatch.setattr(readings, "recognize", lambda _photo: written((*CAFE, ("Receipt 40211", ""))))
    openai_server.reply = good()
    for picture in range(2):
        reading.process(receipt(user, body=png(colour=200 + picture)).id)
    again = Receipt.objects.get(duplicate="suspected")
    assert len(openai_server.requests) == 1
    sent: dict = {}
    monkeypatch.setattr(tasks.reread, "apply_async", lambda _, keywords=None, **__: sent.update(keywords or {}))
    assert api.post(f"{URL}{again.id}/reread/").status_code == 202
    tasks.reread(str(again.id), **sent)
    assert len(openai_server.requests) == 2


@pytest.mark.parametrize("decision", ["confirmed", "dismissed"])
def test_the_person_decides_and_may_think_again(api, user, decision: str) -> None:
    first = read_receipt(user)
    made = read_receipt(user, duplicate_of=first, duplicate="suspected")
    answer = api.put(f"{URL}{made.id}/duplicate/", {"decision": decision}, format="json")
    assert (answer.status_code, answer.json()) == (200, {"duplicate": decision, "duplicate_of": str(first.id)})
    other = {"confirmed": "dismissed", "dismissed": "confirmed"}[decision]
    assert api.put(f"{URL}{made.id}/duplicate/", {"decision": other}, format="json").status_code == 200
    made.refresh_from_db()
    assert made.duplicate == other


def test_what_nobody_suspects_cannot_be_decided(api, user) -> None:
    made = read_receipt(user)
    assert api.put(f"{URL}{made.id}/duplicate/", {"decision": "confirmed"}, format="json").status_code == 409
    for nonsense in ({}, {"decision": "suspected"}, {"decision": 1}, []):
        assert api.put(f"{URL}{made.id}/duplicate/", nonsense, format="json").status_code == 400


def test_anothers_duplicate_does_not_exist(api_of, make_user, user) -> None:
    made = read_receipt(user, duplicate_of=read_receipt(user), duplicate="suspected")
    stranger = api_of(make_user("stranger@example.com"))
    assert stranger.put(f"{URL}{made.id}/duplicate/", {"decision": "confirmed"}, format="json").status_code == 404


@pytest.mark.usefixtures("bucket")
def test_a_duplicate_whose_original_is_deleted_counts_again(user) -> None:
    first = read_receipt(user)
    made = read_receipt(user, duplicate_of=first, duplicate="confirmed")
    pictures.delete(first)
    made.refresh_from_db()
    assert (made.duplicate, made.duplicate_of) == ("", None)


def test_the_search_does_not_scan_the_table(user, make_user) -> None:
    """Of a table that holds the receipts of others, above all."""
    chance = random.Random(1)  # noqa: S311 - repeatable
    owners = [user, *(make_user(f"other{number}@example.com") for number in range(19))]
    many = [
        Receipt(user=owners[number % 20], size=1, fingerprint=f"{chance.getrandbits(256):064x}")
        for number in range(8000)
    ]
    Receipt.objects.bulk_create(many)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE receipts_receipt")
        values = {"user": user.id, "receipt": many[0].id, "fingerprint": FINGERPRINT, "bits": 64, "most": 8}
        cursor.execute(f"EXPLAIN {duplicates._NEAREST}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index" in plan and "Seq Scan" not in plan, plan
