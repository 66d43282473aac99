"""The ledger: written before sending, settled once, never above the day's budget, one bill for each image."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.utils import timezone
from support import receipt

from extraction.openai_answer import Usage
from openai_gateway import ledger
from openai_gateway.models import Call, CallState, Day, Purpose
from openai_gateway.prices import UnknownPriceError, price_of

LUNA, TERRA = "gpt-6-luna", "gpt-6.1-terra"
USAGE = Usage(input=3000, cached=1500, output=200)
DAY = date(2026, 11, 28)


def request(content: str = "a", *, purpose: Purpose = Purpose.READ, model: str = LUNA, user=None) -> ledger.Request:
    return ledger.Request(
        content_sha256=content * 64, model=model, purpose=purpose, input_tokens=8_000, output_tokens=4_000,
        receipt_id=None, user_id=user.id if user else None,
    )  # fmt: skip


def books_balance() -> bool:
    return all(day.spent == ledger.spent_on(day.day) for day in Day.objects.all())


def test_the_price_of_a_call_is_that_of_its_day() -> None:
    # 1,500 plain at 0.10, 1,500 cached at 0.01 and 200 out at 0.50 dollars a million.
    assert price_of(LUNA, day=DAY).of(USAGE) == Decimal("0.000265")
    assert price_of(LUNA, day=DAY, batch=True).of(USAGE) == Decimal("0.0001325")
    assert price_of(f"{TERRA}-2026-10-26", day=DAY).of(USAGE) == Decimal("0.002575")
    written = Usage(input=1000, cached=0, cache_written=1000, output=0)
    assert price_of(LUNA, day=DAY).of(written) == Decimal("0.000125")


@pytest.mark.parametrize(("model", "day"), [("gpt-7", DAY), (LUNA, date(2026, 9, 21)), (f"{LUNA}-pro", DAY)])
def test_no_price_is_guessed(model: str, day: date) -> None:
    with pytest.raises(UnknownPriceError, match=model):
        price_of(model, day=day)


def test_a_call_is_reserved_at_its_upper_bound_and_settled_at_what_it_cost(user) -> None:
    made = receipt(user)
    asked = ledger.Request(
        content_sha256="a" * 64, model=LUNA, purpose=Purpose.READ, input_tokens=8_000, output_tokens=4_000,
        receipt_id=made.id, user_id=user.id,
    )  # fmt: skip
    call = ledger.open_call(asked)
    assert (call.state, call.price) == (CallState.SENT, Decimal("0.003"))  # 8,000 written at 0.125, 4,000 out at 0.50
    assert Day.objects.get().spent == Decimal("0.003")
    assert ledger.settle_billed(call, usage=USAGE, outcome="answered", request_id="req_1") == Decimal("0.000265")
    call.refresh_from_db()
    assert (call.state, call.price, call.request_id) == (CallState.BILLED, Decimal("0.000265"), "req_1")
    assert (call.input_tokens, call.cached_tokens, call.output_tokens) == (3000, 1500, 200)
    today = call.sent_at.astimezone(UTC).date()
    assert ledger.spent_on(today) == ledger.spent_on(today, user_id=user.id) == Decimal("0.000265")
    assert books_balance()


def test_what_cost_nothing_is_given_back_and_may_be_asked_again(db) -> None:
    ledger.settle_free(ledger.open_call(request()), outcome="http_500")
    assert (Day.objects.get().spent, Day.objects.get().readings) == (0, 0)
    ledger.open_call(request())
    assert Call.objects.count() == 2


def test_what_is_in_doubt_goes_on_counting_and_is_not_asked_again(db) -> None:
    call = ledger.open_call(request())
    ledger.settle_in_doubt(call, outcome="timeout")
    assert Day.objects.get().spent == Decimal("0.003")
    with pytest.raises(ledger.AskedBeforeError) as caught:
        ledger.open_call(request())
    assert caught.value.call.state == CallState.IN_DOUBT
    assert (Call.objects.count(), Day.objects.get().spent) == (1, Decimal("0.003"))
    ledger.settle_billed(call, usage=USAGE, outcome="answered")  # the answer turned up after all
    assert Call.objects.get().state == CallState.BILLED
    assert books_balance()


@pytest.mark.parametrize("before", [Purpose.READ, Purpose.BATCH])
@pytest.mark.parametrize("after", [Purpose.READ, Purpose.BATCH])
def test_an_image_that_was_asked_for_is_not_asked_for_by_another_way(db, before: Purpose, after: Purpose) -> None:
    ledger.settle_billed(ledger.open_call(request(purpose=before)), usage=USAGE, outcome="answered")
    with pytest.raises(ledger.AskedBeforeError):
        ledger.open_call(request(purpose=after))


def test_a_person_may_ask_for_another_reading(db) -> None:
    ledger.settle_in_doubt(ledger.open_call(request()), outcome="timeout")
    ledger.supersede("a" * 64)
    ledger.open_call(request())
    ledger.supersede("a" * 64)  # what is on its way is not set aside
    with pytest.raises(ledger.AskedBeforeError):
        ledger.open_call(request())


def test_a_bill_is_not_written_twice(db) -> None:
    call = ledger.open_call(request())
    ledger.settle_billed(call, usage=USAGE, outcome="answered")
    for settle in (ledger.settle_free, ledger.settle_in_doubt):
        settle(call, outcome="late")
    ledger.settle_billed(call, usage=Usage(input=9, cached=0, output=9), outcome="late")
    assert Call.objects.get().outcome == "answered"
    assert books_balance()


def test_over_the_budget_nothing_is_reserved(db, settings) -> None:
    settings.OPENAI_DAILY_BUDGET_USD = 0
    with pytest.raises(ledger.OverBudgetError):
        ledger.open_call(request())
    assert not Call.objects.exists()


def test_escalations_are_a_share_of_the_days_readings(db, settings) -> None:
    settings.OPENAI_ESCALATION_PERCENT = 20
    for number in range(9):
        ledger.open_call(request(str(number)))
    ledger.open_call(request("0", purpose=Purpose.ESCALATION, model=TERRA))
    with pytest.raises(ledger.OverBudgetError):  # two of nine would be more than a fifth
        ledger.open_call(request("1", purpose=Purpose.ESCALATION, model=TERRA))
    assert Day.objects.get().escalations == 1


def test_a_dead_workers_call_is_in_doubt(db) -> None:
    old, young, batch = (
        ledger.open_call(request(content, purpose=purpose))
        for content, purpose in (("a", Purpose.READ), ("b", Purpose.READ), ("c", Purpose.BATCH))
    )
    long_ago = timezone.now() - ledger.NEVER_LONGER - timedelta(seconds=1)
    Call.objects.filter(id__in=[old.id, batch.id]).update(sent_at=long_ago)
    assert ledger.settle_abandoned() == 1
    states = dict(Call.objects.values_list("id", "state"))
    assert states == {old.id: CallState.IN_DOUBT, young.id: CallState.SENT, batch.id: CallState.SENT}
    assert books_balance()


def test_the_bill_outlives_the_receipt_and_the_person(user) -> None:
    made = receipt(user)
    call = ledger.open_call(request(user=user))
    Call.objects.filter(id=call.id).update(receipt=made)
    made.delete()
    user.delete()
    assert (Call.objects.get().user, Call.objects.get().price) == (None, Decimal("0.003"))


@pytest.mark.django_db(transaction=True)
def test_sixteen_workers_together_do_not_overspend(settings) -> None:
    settings.OPENAI_DAILY_BUDGET_USD = 1
    # Each call reserves 0.2 dollars, so that five of them fit.
    dear = ledger.Request(
        content_sha256="", model=TERRA, purpose=Purpose.READ, input_tokens=144_000, output_tokens=4_000,
        receipt_id=None, user_id=None,
    )  # fmt: skip
    refused = []

    def work(number: int) -> None:
        try:
            ledger.open_call(replace(dear, id=uuid4(), content_sha256=f"{number:064}"))
        except ledger.OverBudgetError:
            refused.append(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Call.objects.count(), len(refused)) == (5, 11)
    assert Day.objects.get().spent == 1
    assert books_balance()


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_with_the_same_image_one_may_ask() -> None:
    refused = []

    def work() -> None:
        try:
            ledger.open_call(request())
        except ledger.AskedBeforeError:
            refused.append(1)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Call.objects.count(), len(refused)) == (1, 7)
    assert books_balance()


def test_sums_of_a_day_read_an_index(db) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT user_id, sum(price) FROM openai_gateway_call WHERE day = %s GROUP BY user_id", [DAY]
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "openai_call_day" in plan
