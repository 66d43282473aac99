"""What becomes of a receipt when OpenAI fails: nothing is lost, nothing is paid twice, and it is read later."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from openai_support import CAFE, ERROR, books_match, good, read
from support import png, receipt, written

from extraction import openai_engine
from localcloud import openai_server as fake
from openai_gateway import breaker, gateway, ledger, limiter
from openai_gateway.models import Call, CallState, Day, Purpose
from receipts import reading, readings, rereading, tasks
from receipts.models import Reading, Receipt
from receipts.states import State
from spendsmart import broker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket", "recognized")]


# ---- What OpenAI does not bill ----


def test_at_openais_limit_everybody_waits_and_nobody_fails(user, openai_server) -> None:
    openai_server.reply = fake.Reply(status=429, body=ERROR, headers={"Retry-After": "20"})
    first, second = receipt(user, body=png()), receipt(user, body=png(colour=3))
    for _ in range(reading.MAX_ATTEMPTS + 1):
        assert read(first).state == read(second).state == State.QUEUED
    assert len(openai_server.requests) == 1  # the second was held back
    assert (second.retry_at - second.state_changed_at).total_seconds() < 30
    assert (first.attempts, second.attempts) == (0, 0)
    assert Call.objects.get().state == CallState.FREE


def test_within_our_limits_receipts_wait_their_turn(user, openai_server, settings) -> None:
    settings.OPENAI_REQUESTS_PER_MINUTE = 1
    openai_server.reply = good()
    assert read(receipt(user, body=png())).state == State.EXTRACTED
    late = read(receipt(user, body=png(colour=3)))
    assert (late.state, late.attempts) == (State.QUEUED, 0)
    assert 0 < (late.retry_at - late.state_changed_at).total_seconds() <= 62


def test_the_message_of_who_waits_is_sent_when_their_time_comes(user) -> None:
    made = receipt(user, retry_at=timezone.now() + timedelta(seconds=5))
    assert tasks.wake() == 0
    Receipt.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert (tasks.wake(), tasks.wake()) == (1, 0)
    made.refresh_from_db()
    assert made.retry_at is None


def test_an_outage_ends_in_our_own_reading_and_a_second_one_later(user, openai_server) -> None:
    openai_server.reply = fake.Reply(status=500, body=ERROR)
    made = receipt(user, body=png())
    states = [read(made).state for _ in range(gateway.TRIES)]
    assert states == [State.QUEUED, State.QUEUED, State.EXTRACTED]
    assert (made.engine, made.fallback, made.total) == ("local", "unavailable", Decimal("17.17"))
    assert made.reread_at > timezone.now()
    assert set(Call.objects.values_list("state", flat=True)) == {CallState.FREE}
    assert Day.objects.get().spent == 0


def test_a_request_that_openai_does_not_take_is_not_repeated(user, openai_server) -> None:
    openai_server.reply = fake.Reply(status=400, body=ERROR)
    made = read(receipt(user, body=png()))
    assert (made.state, made.fallback, made.reread_at) == (State.NEEDS_REVIEW, "refused_request", None)
    assert "OpenAI answered 400" in made.reason
    assert breaker.state() == "closed"


def test_a_wrong_key_stops_all_calls(user, openai_server) -> None:
    openai_server.reply = fake.Reply(status=401, body=ERROR)
    assert read(receipt(user, body=png())).fallback == "unavailable"
    assert read(receipt(user, body=png(colour=3))).fallback == "breaker_open"
    assert len(openai_server.requests) == 1


# ---- What may have been billed ----

LOST = {
    "hang": {"delay_seconds": 9.0},
    "drip": {"drip_seconds": 0.7},
    "cut off": {"cut_after": 100},
    "gateway": {"status": 504},
}


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_not_bought_twice(user, openai_server, fault: str) -> None:
    openai_server.reply = fake.Reply(body=fake.fields(), billed=True, **LOST[fault])
    made = read(receipt(user, body=png()))
    assert (made.state, made.engine, made.fallback, made.reread_at) == (State.NEEDS_REVIEW, "local", "in_doubt", None)
    assert made.total == Decimal("17.17")
    assert "may have been billed" in made.reason
    call = Call.objects.get()
    assert (call.state, call.price) == (CallState.IN_DOUBT, Day.objects.get().spent)
    assert call.price > Decimal("0.002")  # the upper bound
    assert read(receipt(user, body=png())).fallback == "in_doubt"  # the same bytes
    assert len(openai_server.requests) == 1
    assert books_match(openai_server)


def test_a_person_may_have_it_read_afresh(user, openai_server) -> None:
    openai_server.reply = fake.Reply(body=fake.fields(), billed=True, cut_after=100)
    made = read(receipt(user, body=png()))
    openai_server.reply = good()
    rereading.ask(made)
    made.refresh_from_db()
    assert (made.state, made.fallback) == (State.NEEDS_REVIEW, "in_doubt")  # until it is read
    assert rereading.reread(made.id) == State.EXTRACTED
    made.refresh_from_db()
    assert (made.engine, made.fallback, made.reread_at, made.review_reasons) == ("openai", "", None, [])
    assert len(openai_server.bill) == 2
    assert books_match(openai_server)


def test_reading_afresh_over_http(user, api, api_of, make_user, openai_server) -> None:
    openai_server.reply = good()
    made = read(receipt(user, body=png()))
    address = f"/api/v1/receipts/{made.id}/reread/"
    assert api_of(make_user("eve@example.com")).post(address).status_code == 404
    answer = api.post(address)
    assert (answer.status_code, answer.json()["state"], answer.json()["tax_lines"][0]["rate"]) == (
        202,
        "extracted",
        "9",
    )
    assert broker.messages() == 1
    assert rereading.reread(made.id) == State.EXTRACTED
    assert len(openai_server.requests) == 2
    Receipt.objects.update(corrected_at=timezone.now())
    refused = api.post(address)
    assert (refused.status_code, refused.json()["detail"][:4]) == (409, "Only")


def test_what_openai_read_stays_its_reading_while_a_fresh_one_has_to_wait(user, openai_server) -> None:
    openai_server.reply = good()
    made = read(receipt(user, body=png()))
    rereading.ask(made)
    breaker.trip("some call")
    rereading.reread(made.id)
    made.refresh_from_db()
    assert (made.engine, made.fallback) == ("openai", "")
    assert made.reread_at > timezone.now()


def test_a_person_may_not_have_it_read_afresh_without_end(user, openai_server) -> None:
    openai_server.reply = good()
    made = read(receipt(user, body=png()))
    for _ in range(rereading.MOST_A_DAY):
        rereading.ask(made)
        assert rereading.reread(made.id) == State.EXTRACTED
        made.refresh_from_db()
    with pytest.raises(rereading.CannotRereadError, match="often enough"):
        rereading.ask(made)


def test_what_somebody_corrected_or_nobody_read_cannot_be_read_afresh(user, openai_server, settings) -> None:
    made = receipt(user, state=State.QUEUED)
    corrected = receipt(user, state=State.EXTRACTED, total=1, corrected_at=timezone.now())
    for one in (made, corrected):
        with pytest.raises(rereading.CannotRereadError):
            rereading.ask(one)
    settings.EXTRACTION_ENGINE = "local"
    with pytest.raises(rereading.CannotRereadError, match="embedded"):
        rereading.ask(receipt(user, state=State.EXTRACTED, total=1))


def test_a_call_that_is_on_its_way_is_waited_for_and_that_of_a_dead_worker_is_in_doubt(user, openai_server) -> None:
    made = receipt(user, body=png())
    digest = readings.digest_of(png())
    asked = ledger.Request(
        content_sha256=digest, model="gpt-6-luna", purpose=Purpose.READ, input_tokens=9, output_tokens=9,
        receipt_id=made.id, user_id=user.id,
    )  # fmt: skip
    call = ledger.open_call(asked)
    assert read(made).state == State.QUEUED
    Call.objects.update(sent_at=timezone.now() - ledger.NEVER_LONGER * 2)
    assert read(made).fallback == "in_doubt"
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.IN_DOUBT, "worker_died")
    assert openai_server.requests == []


def test_a_task_whose_time_is_up_leaves_its_call_in_doubt(user, openai_server, monkeypatch) -> None:
    def times_up(*_: object, **__: object) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(gateway, "send", times_up)
    made = receipt(user, body=png())
    assert read(made).state == State.QUEUED
    assert Call.objects.get().outcome == "interrupted"
    monkeypatch.setattr(gateway, "send", openai_engine.send)
    assert read(made).fallback == "in_doubt"
    assert openai_server.requests == []


@pytest.mark.parametrize("fault", [SoftTimeLimitExceeded(), ZeroDivisionError()], ids=["time is up", "a bug"])
def test_what_breaks_before_it_is_sent_costs_nothing(user, openai_server, monkeypatch, fault: Exception) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise fault

    made = receipt(user, body=png())
    openai_server.reply = good()
    with monkeypatch.context() as patched:
        patched.setattr(gateway, "request_body", breaks)
        assert read(made).state == State.QUEUED
    assert (Call.objects.get().state, Call.objects.get().outcome) == (CallState.FREE, "withdrawn")
    assert (read(made).engine, len(openai_server.bill)) == ("openai", 1)


def test_a_grant_that_is_lost_at_the_last_moment_is_waited_for_again(
    user, openai_server, monkeypatch, lose_messages
) -> None:
    """The broker's server is emptied after the limiter has said yes, and somebody else fills it from the ledger."""
    openai_server.reply = good()
    made = receipt(user, body=png())
    open_call = ledger.open_call

    def emptied_first(request: ledger.Request) -> Call:
        lose_messages()
        limiter.acquire("somebody", user=None, waiter="somebody", tokens=1)
        return open_call(request)

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "open_call", emptied_first)
        assert read(made).state == State.QUEUED
    assert (Call.objects.get().state, openai_server.requests) == (CallState.FREE, [])
    assert (read(made).engine, made.attempts) == ("openai", 1)


def test_an_answer_is_kept_with_its_bill_or_not_at_all(user, openai_server, monkeypatch) -> None:
    """The worker dies in between: PostgreSQL has both or neither."""
    openai_server.reply = good()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    made = receipt(user, body=png())
    with monkeypatch.context() as patched:
        patched.setattr(readings.Claim, "keep", lambda _self, _found: dies())
        patched.setattr(readings, "page_of", lambda _photo, **_: written(CAFE))
        with pytest.raises(KeyboardInterrupt):
            reading.process(made.id)
    assert Call.objects.get().state == CallState.SENT
    assert not Reading.objects.filter(engine="openai", extraction__isnull=False).exists()


# ---- Budget ----


def test_over_the_budget_the_embedded_engine_reads_and_nothing_is_sent(user, openai_server, settings) -> None:
    settings.OPENAI_DAILY_BUDGET_USD = 0
    made = read(receipt(user, body=png()))
    assert (made.state, made.engine, made.fallback, made.reread_at) == (State.EXTRACTED, "local", "budget", None)
    assert openai_server.requests == []
    assert not Call.objects.exists()


# ---- Breaker ----


def test_while_the_breaker_is_open_receipts_are_read_here_and_by_openai_later(user, openai_server) -> None:
    openai_server.reply = good()
    breaker.trip("x", seconds=60)
    made = read(receipt(user, body=png()))
    corrected = read(receipt(user, body=png(colour=3)))
    assert (made.state, made.engine, made.fallback) == (State.EXTRACTED, "local", "breaker_open")
    assert made.reread_at > timezone.now()
    Receipt.objects.update(reread_at=timezone.now() - timedelta(seconds=1))
    Receipt.objects.filter(id=corrected.id).update(corrected_at=timezone.now(), merchant="Mine")
    assert tasks.sweep()["rereads"] == 0  # it is still open
    breaker.trip("x", seconds=0)
    assert tasks.sweep()["rereads"] == 1
    assert tasks.sweep()["rereads"] == 0  # claimed
    assert openai_server.requests == []
    for one in (made, corrected):
        tasks.reread(str(one.id))
        one.refresh_from_db()
    assert (made.engine, made.fallback, made.reread_at) == ("openai", "", None)
    assert (corrected.merchant, corrected.engine, corrected.reread_at) == ("Mine", "local", None)


def test_a_second_reading_that_fails_leaves_everything_as_it_was(user, openai_server) -> None:
    openai_server.reply = fake.Reply(status=500, body=ERROR)
    breaker.trip("x", seconds=60)
    made = read(receipt(user, body=png()))
    before = {name: getattr(made, name) for name in ("state", "total", "merchant", "text", "fallback")}
    breaker.trip("x", seconds=0)
    for fault in (
        fake.Reply(status=429, body=ERROR, headers={"Retry-After": "1"}),
        fake.Reply(status=500, body=ERROR),
        fake.Reply(body=fake.answer({"type": "refusal", "refusal": "No."}), billed=True),
    ):
        openai_server.reply = fault
        rereading.reread(made.id)
        made.refresh_from_db()
        assert {name: getattr(made, name) for name in before if name != "fallback"} == {
            name: value for name, value in before.items() if name != "fallback"
        }
        assert made.items.count() == 3


def test_failures_open_the_breaker_for_all(user, openai_server) -> None:
    openai_server.reply = fake.Reply(status=503, body=ERROR)
    for number in range(breaker.LEAST_CALLS):
        read(receipt(user, body=png(colour=number)))
    assert read(receipt(user, body=png(colour=99))).fallback == "breaker_open"
    assert len(openai_server.requests) == breaker.LEAST_CALLS


def test_a_worker_that_died_over_a_second_reading_leaves_everything_as_it_was(user, openai_server) -> None:
    breaker.trip("x", seconds=60)
    made = read(receipt(user, body=png()))
    breaker.trip("x", seconds=0)
    asked = ledger.Request(
        content_sha256=made.content_sha256, model="gpt-6-luna", purpose=Purpose.READ, input_tokens=9, output_tokens=9,
        receipt_id=made.id, user_id=user.id,
    )  # fmt: skip
    ledger.open_call(asked)
    Call.objects.update(sent_at=timezone.now() - ledger.NEVER_LONGER * 2)
    rereading.reread(made.id)
    made.refresh_from_db()
    assert (made.state, made.total, made.fallback, made.reread_at) == (
        State.EXTRACTED, Decimal("17.17"), "in_doubt", None
    )  # fmt: skip
    assert openai_server.requests == []
