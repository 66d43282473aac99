"""What the tests of OpenAI's gateway share: a receipt's text, the server's answers, and whether the books match."""

from __future__ import annotations

from typing import Any

from localcloud import openai_server as fake
from openai_gateway import ledger
from openai_gateway.models import Call, CallState, Day
from receipts import reading
from receipts.models import Receipt

CAFE = (
    ("Corner Bean Coffee", ""), ("12 Harbor Street", ""), ("Date: 03/14/2026 09:12", ""),
    ("Flat White", "$9.00"), ("Almond Croissant", "$4.25"), ("Sparkling Water", "$2.50"),
    ("Subtotal", "$15.75"), ("Sales Tax 9%", "$1.42"), ("Total", "$17.17"), ("VISA", "$17.17"),
)  # fmt: skip
ERROR = b'{"error": {"message": "no", "code": "x"}}'


def good(**changes: Any) -> fake.Reply:
    return fake.Reply(body=fake.fields(**changes), billed=True)


def read(made: Receipt) -> Receipt:
    reading.process(made.id)
    made.refresh_from_db()
    return made


def books_match(server: fake.OpenAIServer) -> bool:
    """Everything the server bills is in the ledger: as billed, or in doubt where we never saw the answer."""
    costly = {str(call.id): call for call in Call.objects.exclude(state=CallState.FREE)}
    assert all(day.spent == ledger.spent_on(day.day) for day in Day.objects.all())
    seen = {name for name, call in costly.items() if call.state == CallState.BILLED}
    return seen <= server.bill.keys() <= costly.keys() and all(
        costly[name].input_tokens == server.bill[name]["input_tokens"]
        and costly[name].output_tokens == server.bill[name]["output_tokens"]
        and costly[name].request_id == server.bill[name]["request_id"]
        for name in seen
    )
