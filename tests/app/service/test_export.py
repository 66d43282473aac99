"""One's receipts as a file that a spreadsheet opens and does not run."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from support import read_receipt, receipt

from receipts import export
from receipts.models import Receipt
from receipts.states import State

URL = "/api/v1/receipts/export/"
# Committed for real: the reader is another connection, which sees no open transaction.
pytestmark = [
    pytest.mark.usefixtures("bucket"),
    pytest.mark.django_db(databases=["default", "reader"], transaction=True),
]


def content(api, **query) -> bytes:
    answer = api.get(URL, query)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def rows(api, **query) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(api, **query).decode(), newline="")))


def test_one_row_a_receipt_newest_first(api, user) -> None:
    read_receipt(user, merchant="Lidl", tax="1.60", file_name="a.jpg")
    read_receipt(user, merchant='Tom\'s "Bar", Inc\r\nDowntown', total="-3.00", currency="USD")
    found = rows(api)
    assert [row["merchant"] for row in found] == ['Tom\'s "Bar", Inc\r\nDowntown', "Lidl"]
    assert (found[0]["total"], found[0]["tax"], found[0]["currency"]) == ("-3.00", "", "USD")
    assert (found[1]["total"], found[1]["tax"], found[1]["file_name"]) == ("10.00", "1.60", "a.jpg")
    assert found[1]["purchased_on"] == "2026-03-05"


def test_one_row_a_line(api, user) -> None:
    one = read_receipt(user, merchant="Lidl")
    one.items.create(position=1, description="Milk", quantity="2", price="2.00")
    one.items.create(position=0, description="Bread", price="3.00")
    read_receipt(user, merchant="Without lines")
    found = rows(api, rows="items")
    assert [(row["receipt_id"], row["receipt_merchant"], row["description"], row["price"]) for row in found] == [
        (str(one.id), "Lidl", "Bread", "3.00"),
        (str(one.id), "Lidl", "Milk", "2.00"),
    ]


def test_the_columns_stay_what_they_are(api) -> None:
    """Scripts rely on these: add at the end, change nothing."""
    assert content(api).decode() == (
        "id,created_at,state,purchased_on,merchant,printed_merchant,address,category,payment,currency,subtotal,tax,tip,"
        "total,engine,corrected_at,duplicate,duplicate_of_id,bulk_upload_id,file_name\r\n"
    )
    assert content(api, rows="items").decode() == (
        "receipt_id,receipt_purchased_on,receipt_merchant,receipt_category,receipt_currency,receipt_total,position,"
        "description,quantity,unit_price,price\r\n"
    )


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\uff1d"], ids=ascii)
def test_no_text_is_a_formula(api, user, begin: str) -> None:
    text = f'{begin}HYPERLINK("http://evil.example")'
    made = read_receipt(user, merchant=text, address=text, category=begin, file_name=text, total="-1.00")
    made.items.create(position=0, description=text, price="-1.00")
    (row,) = rows(api)
    assert row["merchant"] == row["address"] == row["file_name"] == f"'{text}"
    assert (row["category"], row["total"]) == (f"'{begin}", "-1.00")
    (line,) = rows(api, rows="items")
    assert (line["description"], line["price"]) == (f"'{text}", "-1.00")


def test_a_byte_order_mark_is_there_for_who_asks(api) -> None:
    assert content(api, bom="true").startswith(b"\xef\xbb\xbfid,")
    assert content(api).startswith(b"id,")


def test_the_filters_are_those_of_the_list(api, user) -> None:
    read_receipt(user, merchant="Lidl", purchased_on="2026-03-05")
    read_receipt(user, merchant="Aldi", purchased_on="2026-04-05")
    receipt(user, state=State.FAILED)
    assert [row["merchant"] for row in rows(api, since="2026-04-01")] == ["Aldi"]
    assert [row["merchant"] for row in rows(api, merchant="lid")] == ["Lidl"]
    assert len(rows(api, state=["failed", "extracted"])) == 3


@pytest.mark.parametrize(
    "query", [{"state": "lost"}, {"rows": "cells"}, {"bom": "perhaps"}, {"since": "soon"}], ids=str
)
def test_a_wrong_question_is_refused_as_json(api, query: dict) -> None:
    answer = api.get(URL, query, HTTP_ACCEPT="text/csv")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["text/csv", "text/html,*/*;q=0.8", "application/json", "image/png"])
def test_whatever_the_client_accepts_it_is_a_file_to_keep(api, accept: str) -> None:
    answer = api.get(URL, HTTP_ACCEPT=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("layout", list(export.Layout), ids=str)
def test_every_receipt_is_in_it_once_over_many_pages(api, user, monkeypatch, layout: export.Layout) -> None:
    monkeypatch.setattr(export, "PAGE", 3)
    made = [read_receipt(user, merchant=f"Shop {number}") for number in range(9)]
    for one in made:
        one.items.create(position=0, description="Milk")
    Receipt.objects.filter(id__in=[one.id for one in made[2:8]]).update(created_at=timezone.now())  # of one moment
    found = rows(api, rows=layout)
    ids = [row["id" if layout is export.Layout.RECEIPTS else "receipt_id"] for row in found]
    assert sorted(ids) == sorted(str(one.id) for one in made)


def test_a_page_is_one_query_on_the_replica_and_none_holds_a_cursor(user, monkeypatch) -> None:
    monkeypatch.setattr(export, "PAGE", 3)
    for _ in range(7):
        read_receipt(user)
    with CaptureQueriesContext(connections["reader"]) as asked:
        list(export.pages(Receipt.objects.filter(user=user), user_id=user.id, layout=export.Layout.RECEIPTS))
    queries = [query["sql"] for query in asked.captured_queries if "receipts_receipt" in query["sql"]]
    assert len(queries) == 3
    assert not [sql for sql in queries if "DECLARE" in sql]


def test_the_file_has_nothing_of_anothers(api_of, make_user, user) -> None:
    read_receipt(user).items.create(position=0, description="Milk")
    stranger = api_of(make_user("stranger@example.com"))
    assert rows(stranger) == rows(stranger, rows="items") == []
