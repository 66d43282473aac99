"""Receipts are found by any word on them, by its beginning, and nearly so when the reader slipped."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from support import read_receipt, receipt

from receipts.models import Receipt, SearchDocument
from receipts.search import search
from receipts.states import State

URL = "/api/v1/receipts/search/"
# Committed for real: the reader is another connection, which sees no open transaction.
pytestmark = [
    pytest.mark.usefixtures("bucket"),
    pytest.mark.django_db(databases=["default", "reader"], transaction=True),
]


def found(api, query: str, **more) -> list[str]:
    answer = api.get(URL, {"q": query, **more})
    assert answer.status_code == 200, answer.content
    return [hit["receipt"]["merchant"] for hit in answer.json()["results"]]


@pytest.fixture
def bakery(user) -> Receipt:
    made = read_receipt(
        user,
        merchant="Bäckerei Müller",
        address="Hauptstraße 12, 10115 Berlin",
        text="BÄCKEREI MÜLLER\nwww.baecker-mueller.de\n2 x ROGGENBROT/DINKEL\nSumme EUR 12,50\nVielen Dank",
    )
    made.items.create(position=0, description="Roggenbrot Dinkel", price="12.50")
    return made


@pytest.mark.parametrize(
    "query",
    [
        "Bäckerei", "backerei", "BÄCKEREI müller", "Müller bäck", "hauptstrasse", "10115", "rogg", "dinkel",
        "summe 12,50", "12.50", "baecker", "mueller.de", "'Müller'", "Müller & !|:*()<->", "dank vielen",
    ],
)  # fmt: skip
def test_a_receipt_is_found_by_words_of_it_and_their_beginnings(api, bakery, query: str) -> None:
    assert found(api, query) == ["Bäckerei Müller"]


@pytest.mark.parametrize("query", ["Aldi", "Bäckerei Aldi", "ckaxy", "13,50", "...", "''", "🧾"])
def test_what_is_not_on_it_does_not_find_it(api, bakery, query: str) -> None:
    assert found(api, query) == []


def test_words_of_several_scripts_are_words(api, user) -> None:
    for merchant in ("Пятёрочка", "スーパー", "Café Türkçe", "مطعم"):
        read_receipt(user, merchant=merchant)
    for query, merchant in (
        ("Пятё", "Пятёрочка"),
        ("スーパー", "スーパー"),
        ("turkce", "Café Türkçe"),
        ("مطعم", "مطعم"),
    ):
        assert found(api, query) == [merchant]


def test_the_merchant_goes_before_the_lines_and_they_before_the_rest(api, user) -> None:
    read_receipt(user, merchant="Text", text="lots of words and one of them is linden")
    read_receipt(user, merchant="Line").items.create(position=0, description="Linden honey")
    read_receipt(user, merchant="Linden")
    assert found(api, "linden") == ["Linden", "Line", "Text"]


@pytest.mark.parametrize(("query", "merchant"), [("Bakerei", "Bäckerei Müller"), ("Rogenbrot", "Bäckerei Müller")])
def test_where_nothing_has_the_words_names_that_are_alike_are_found(api, bakery, query: str, merchant: str) -> None:
    read = api.get(URL, {"q": query}).json()
    assert [hit["receipt"]["merchant"] for hit in read["results"]] == [merchant]
    assert read["alike"] is True


def test_the_snippet_says_where_the_words_stand_in_plain_pieces(api, user) -> None:
    read_receipt(user, merchant="X", text="<script>alert(1)</script> one two Roggenbrot \ue000three\ue001 four")
    (hit,) = api.get(URL, {"q": "roggen"}).json()["results"]
    assert [part["text"] for part in hit["snippet"] if part["match"]] == ["Roggenbrot"]
    assert "".join(part["text"] for part in hit["snippet"]).endswith("Roggenbrot three four")


def test_a_correction_is_found_and_what_it_replaced_only_where_it_is_printed(api, bakery) -> None:
    answer = api.patch(
        f"/api/v1/receipts/{bakery.id}/",
        {"merchant": "Lindner", "items": [{"description": "Croissants"}]},
        format="json",
    )
    assert answer.status_code == 200
    assert found(api, "lindner croissant") == ["Lindner"]
    assert found(api, "muller") == ["Lindner"]  # it is printed there
    bakery.refresh_from_db()
    bakery.items.all().delete()
    assert found(api, "croissant") == []


def test_all_the_ways_to_write_a_receipt_keep_it_searchable(api, user) -> None:
    one = receipt(user, state=State.QUEUED)
    assert not SearchDocument.objects.exists()  # nothing was read
    Receipt.objects.filter(id=one.id).update(merchant="Updated", state=State.NEEDS_REVIEW)
    Receipt.objects.bulk_create([Receipt(user=user, content_type="image/png", size=1, merchant="Created")])
    assert found(api, "updated") == ["Updated"]
    assert found(api, "created") == ["Created"]
    one.items.create(position=0, description="Milk")
    one.items.update(description="Cheese")
    assert (found(api, "milk"), found(api, "cheese")) == ([], ["Updated"])


def test_a_deleted_receipt_leaves_nothing_behind(api, bakery) -> None:
    assert api.delete(f"/api/v1/receipts/{bakery.id}/").status_code == 204
    assert not SearchDocument.objects.exists()


def test_nobody_finds_anothers_receipts(api_of, make_user, bakery) -> None:
    stranger = api_of(make_user("stranger@example.com"))
    assert found(stranger, "Müller") == []
    assert found(stranger, "Bakerei") == []


def test_further_ones_are_asked_for_by_offset(api, user) -> None:
    for number in range(5):
        read_receipt(user, merchant=f"Lidl {number}")
    first = api.get(URL, {"q": "lidl", "limit": 3}).json()
    assert (len(first["results"]), first["more"], first["ranked"]) == (3, True, True)
    last = api.get(URL, {"q": "lidl", "limit": 3, "offset": 3}).json()
    assert (len(last["results"]), last["more"]) == (2, False)
    assert len({hit["receipt"]["id"] for hit in first["results"] + last["results"]}) == 5


def test_of_a_very_common_word_the_newest_come_first(api, user, monkeypatch) -> None:
    monkeypatch.setattr("receipts.search.RANKED", 2)
    for number in range(4):
        read_receipt(user, merchant=f"Lidl {number}")
    answer = api.get(URL, {"q": "lidl"}).json()
    assert [hit["receipt"]["merchant"] for hit in answer["results"]] == ["Lidl 3", "Lidl 2", "Lidl 1", "Lidl 0"]
    assert answer["ranked"] is False


@pytest.mark.parametrize(
    "query",
    ["\x00", "a\x00b", "q" * 10_000, "", " ", "\\", "\\'", "'; DROP TABLE receipts_receipt; --", "%", "%s", "%(user)s",
     "a:* & b", "((((", "<->", "!!!", "a" * 200, "a " * 100, "1" * 200, "1." * 100, "\ue000\ue001", "\ud800x",
     "œ" * 200],
    ids=lambda query: ascii(query)[:30],
)  # fmt: skip
def test_a_hostile_query_does_no_harm(api, bakery, query: str) -> None:
    answer = api.get(URL, {"q": query.encode("utf-8", "surrogatepass")})
    assert answer.status_code in {200, 400}
    assert Receipt.objects.filter(id=bakery.id).exists()


@pytest.mark.parametrize("more", [{"limit": 0}, {"limit": 51}, {"offset": -1}, {"offset": 10**30}, {"limit": "x"}])
def test_a_page_that_cannot_be_is_refused(api, more: dict) -> None:
    assert api.get(URL, {"q": "x", **more}).status_code == 400


def test_a_search_takes_the_same_number_of_queries(api, user) -> None:
    for number in range(20):
        read_receipt(user, merchant=f"Lidl {number}").items.create(position=0, description="Milk")
    with CaptureQueriesContext(connections["reader"]) as asked:
        assert len(found(api, "lidl")) == 20
    # The count, the page, the snippets; the receipts, their lines.
    assert len([query for query in asked.captured_queries if "receipts_" in query["sql"]]) == 5


def test_no_query_reads_a_whole_table(user) -> None:
    row = {"user": user, "content_type": "image/png", "size": 1, "state": State.EXTRACTED, "total": 1}
    Receipt.objects.bulk_create(Receipt(merchant=f"Lidl {number}", text="thank you", **row) for number in range(3000))
    with connections["default"].cursor() as cursor:
        cursor.execute("ANALYZE receipts_receipt, receipts_searchdocument")
    plans: list[str] = []

    def explain(execute, sql, params, many, context):
        if "FROM receipts_" in sql:
            execute(f"EXPLAIN {sql}", params, many, context)
            plans.append("\n".join(row for (row,) in context["cursor"].fetchall()))
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(explain):
        for query in ("thank", "2999", "th", "lidla", "tank lidla"):
            search(user.id, query, limit=20)
    assert len(plans) == 14  # the count, the page, and where there are any the snippets
    assert not [plan for plan in plans if "Seq Scan" in plan]
