"""The limiter and the breaker on a real Valkey, as the application's own user: shared, fair, and not forgetful."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from openai_gateway import breaker, ledger, limiter
from openai_gateway.models import Call, Purpose
from spendsmart import broker

pytestmark = pytest.mark.django_db
WINDOW = limiter.WINDOW.total_seconds()


@pytest.fixture(autouse=True)
def limits(settings) -> None:
    settings.OPENAI_REQUESTS_PER_MINUTE, settings.OPENAI_TOKENS_PER_MINUTE = 10, 100_000


def pass_time(seconds: float) -> None:
    """Everything that is remembered happened so much earlier: no test waits, however slow the machine."""
    server, span = broker.client(), round(seconds * 1000)
    for key in list(server.scan_iter("{openai}:*")):
        kind = server.type(key)
        if kind == b"zset":
            for member in server.zrange(key, 0, -1):
                server.zincrby(key, -span, member)
        elif kind == b"hash":
            for field in (b"hold", b"open_until", b"probe_until"):
                if server.hexists(key, field):
                    server.hincrby(key, field, -span)


def acquire(name: str, *, user: int = 1, tokens: int = 1_000) -> float:
    return limiter.acquire(name, user=user, waiter=name, tokens=tokens)


def granted(names: list[str], **how: int) -> int:
    return sum(acquire(name, **how) == 0 for name in names)


def test_no_more_requests_than_configured_go_and_the_next_is_told_when_to_come_back() -> None:
    assert granted([f"a{n}" for n in range(10)]) == 10
    wait = acquire("late")
    assert 0 < wait <= WINDOW
    pass_time(wait)
    assert acquire("late") == 0


def test_tokens_are_reserved_at_their_bound_and_given_back_when_fewer_were_used() -> None:
    assert granted([f"a{n}" for n in range(4)], tokens=30_000) == 3
    limiter.correct("a0", tokens=21_000)
    assert acquire("a3", tokens=30_000) > 0  # 81,000 of 100,000 are taken
    limiter.correct("a1", tokens=19_000)
    assert acquire("a3", tokens=30_000) == 0


def test_a_call_larger_than_the_limit_goes_alone() -> None:
    assert acquire("huge", tokens=500_000) == 0
    assert acquire("small", tokens=1) > 0


def test_a_call_that_was_not_sent_leaves_its_place_to_another() -> None:
    granted([f"a{n}" for n in range(10)])
    limiter.forget("a3")
    limiter.forget("a3")
    assert granted(["b", "c"]) == 1


def test_those_who_wait_are_told_different_times(settings) -> None:
    settings.OPENAI_REQUESTS_PER_MINUTE = 2
    assert granted(["a", "b"]) == 2
    waits = [acquire(f"w{n}") for n in range(6)]
    assert [round(wait / WINDOW) for wait in waits] == [1, 1, 2, 2, 3, 3]  # two go in each window


def test_somebody_with_many_receipts_does_not_starve_somebody_with_one() -> None:
    assert granted([f"a{n}" for n in range(30)], user=1) == 10
    assert acquire("b", user=2) <= WINDOW  # not behind the twenty that wait already: those take two windows
    pass_time(WINDOW + 1)
    assert granted([f"a{n}" for n in range(10, 30)], user=1) == 9  # one place is kept free
    assert acquire("b", user=2) == 0


def test_nothing_is_kept_free_for_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "PATIENCE", timedelta(0))
    granted([f"a{n}" for n in range(10)], user=1)
    acquire("b", user=2)
    pass_time(WINDOW + 1)
    assert granted([f"a{n}" for n in range(10, 30)], user=1) == 10


def test_three_users_share_evenly_whatever_they_ask_for(settings) -> None:
    settings.OPENAI_REQUESTS_PER_MINUTE = 30
    granted([f"0-{n}" for n in range(30)], user=0)  # somebody else had this window
    asked = [f"{user}-{n}" for user, many in ((1, 100), (2, 20), (3, 100)) for n in range(many)]
    for name in asked:
        acquire(name, user=int(name[0]))
    pass_time(WINDOW + 1)
    # The greedy one comes first, and asks for everything at once.
    assert granted([name for name in asked if name[0] == "1"], user=1) == 10
    assert granted([name for name in asked if name[0] == "2"], user=2) == 10
    assert granted([name for name in asked if name[0] == "3"], user=3) == 10


def test_a_pause_that_openai_asks_for_holds_everybody() -> None:
    limiter.hold(300)
    assert 290 <= acquire("a", user=1) <= 320
    assert acquire("b", user=2) > 290
    limiter.hold(1)  # a shorter one does not end it
    assert acquire("a", user=1) > 280
    pass_time(300)
    assert acquire("a", user=1) == 0


@pytest.mark.parametrize(
    ("headers", "held"),
    [
        ({"remaining-requests": "0", "limit-requests": "600", "reset-requests": "30s"}, (0.05, 0.1)),
        ({"remaining-requests": "0", "limit-requests": "6", "reset-requests": "150ms"}, (0.1, 0.15)),
        ({"remaining-tokens": "0", "limit-tokens": "600000", "reset-tokens": "1m0s"}, (0.3, 0.4)),
        ({"remaining-requests": "5", "limit-requests": "6", "reset-requests": "1s"}, (0, 0)),
        ({"remaining-requests": "none", "limit-requests": "6", "reset-requests": "1s"}, (0, 0)),
        ({}, (0, 0)),
    ],
)
def test_openais_own_account_of_its_limits_is_heeded(
    headers: dict[str, str], held: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    holds: list[float] = []
    monkeypatch.setattr(limiter, "hold", holds.append)
    limiter.heed({f"x-ratelimit-{name}": value for name, value in headers.items()}, tokens=4_000)
    assert held[0] <= sum(holds) <= held[1]


@pytest.mark.parametrize(("span", "seconds"), [("20ms", 0.02), ("1s", 1), ("6m0s", 360), ("1h2m3.5s", 3723.5)])
def test_spans_of_time(span: str, seconds: float) -> None:
    assert limiter.seconds_of(span) == pytest.approx(seconds)


def test_an_emptied_server_learns_from_the_ledger_what_the_last_minute_took(lose_messages) -> None:
    for number in range(12):
        request = ledger.Request(
            content_sha256=f"{number:064}", model="gpt-6-luna", purpose=Purpose.READ, input_tokens=1_000,
            output_tokens=1_000, receipt_id=None, user_id=None,
        )  # fmt: skip
        call = ledger.open_call(request)
        if number < 4:  # two of them were never sent, two were refused: those count
            ledger.settle_free(call, outcome="withdrawn" if number < 2 else "http_500")
    Call.objects.filter(content_sha256=f"{11:064}").update(sent_at=timezone.now() - timedelta(minutes=2))
    lose_messages()
    assert granted(["a", "b"]) == 1


def test_a_grant_that_was_lost_before_it_was_in_the_ledger_is_not_used(lose_messages) -> None:
    assert acquire("a") == 0
    assert limiter.stamp("a")
    lose_messages()
    assert not limiter.stamp("a")
    assert acquire("b") == 0
    assert not limiter.stamp("a")


@pytest.mark.django_db(transaction=True)
def test_in_no_window_do_sixteen_workers_send_more_than_allowed(settings, monkeypatch) -> None:
    monkeypatch.setattr(limiter, "WINDOW", timedelta(seconds=1))
    settings.OPENAI_REQUESTS_PER_MINUTE = 20
    sent: list[float] = []
    until = time.monotonic() + 4

    def work(number: int) -> None:
        try:
            while time.monotonic() < until:
                name = f"{number}-{time.monotonic_ns()}"
                if limiter.acquire(name, user=number % 3, waiter=str(number), tokens=10) == 0:
                    time.sleep(number / 400)  # the ledger is written meanwhile
                    began = time.monotonic()
                    if limiter.stamp(name):
                        sent.append(began)
                time.sleep(0.01)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.sort()
    assert max(bisect_right(sent, at + 0.99) - first for first, at in enumerate(sent)) <= 20
    assert len(sent) > 20


# ---- Breaker ----


def ended(failed: int, *, of: int, seconds: float = 1.0, prefix: str = "c") -> breaker.State:
    for number in range(of):
        state = breaker.record(f"{prefix}{number}", failed=number < failed, seconds=seconds)
    return state


@pytest.mark.parametrize(
    ("failed", "of", "seconds", "state"),
    [(9, 9, 1.0, "closed"), (4, 10, 1.0, "closed"), (5, 10, 1.0, "open"), (0, 10, breaker.SLOW_SECONDS, "open")],
    ids=["too few to tell", "most are well", "half fail", "all slow"],
)
def test_what_opens_the_breaker(failed: int, of: int, seconds: float, state: str) -> None:
    ended(failed, of=of, seconds=seconds)
    assert breaker.state() == state
    assert (breaker.allow("next") == 0) is (state == "closed")


def test_at_half_open_exactly_one_of_sixteen_tries() -> None:
    ended(10, of=10)
    pass_time(breaker.PAUSE_SECONDS)
    assert breaker.state() == "half_open"
    may: list[str] = []

    def work(name: str) -> None:
        if breaker.allow(name) == 0:
            may.append(name)

    threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(may) == 1
    assert breaker.record(may[0], failed=False, seconds=1.0) == "closed"
    assert breaker.allow("anybody") == 0


def test_one_that_tries_and_fails_opens_it_for_longer() -> None:
    ended(10, of=10)
    pass_time(breaker.PAUSE_SECONDS)
    assert breaker.allow("probe") == 0
    assert breaker.record("probe", failed=True, seconds=1.0) == "open"
    assert breaker.PAUSE_SECONDS < breaker.allow("next") <= 2 * breaker.PAUSE_SECONDS
    pass_time(2 * breaker.PAUSE_SECONDS)
    assert breaker.allow("probe 2") == 0
    breaker.record("probe 2", failed=False, seconds=breaker.SLOW_SECONDS)  # well, but slow
    assert breaker.allow("next") > 2 * breaker.PAUSE_SECONDS


def test_one_that_dies_while_it_tries_is_replaced_after_its_lease() -> None:
    ended(10, of=10)
    pass_time(breaker.PAUSE_SECONDS)
    assert breaker.allow("dies") == 0
    assert breaker.allow("next") > 0
    pass_time(breaker.PROBE_SECONDS)
    assert breaker.allow("next") == 0
    breaker.record("dies", failed=False, seconds=1.0)  # it was only slow to say so: the other one counts
    assert breaker.state() == "half_open"


def test_one_that_could_not_be_sent_lets_another_try() -> None:
    ended(10, of=10)
    pass_time(breaker.PAUSE_SECONDS)
    assert breaker.allow("a") == 0
    breaker.forget("b")  # not the one that tries
    assert breaker.allow("b") > 0
    breaker.forget("a")
    assert breaker.allow("b") == 0


def test_what_was_sent_before_it_opened_does_not_close_it() -> None:
    ended(10, of=10)
    assert breaker.record("early", failed=False, seconds=1.0) == "open"


def test_a_wrong_key_opens_it_at_once() -> None:
    breaker.trip("a")
    assert breaker.state() == "open"
    assert breaker.allow("b") > 500
