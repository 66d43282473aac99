"""Refresh tokens: one login is a family, and only its newest token is good."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient

from accounts import tokens
from accounts.jwt import RefreshToken
from accounts.models import TokenFamily


def test_a_refresh_token_is_exchanged_for_the_next_pair(user) -> None:
    first = tokens.begin(user)
    second = tokens.exchange(first.refresh)
    assert second.refresh != first.refresh
    tokens.exchange(second.refresh)


def test_a_replayed_token_ends_its_family_and_all_its_descendants(user) -> None:
    first = tokens.begin(user)
    second = tokens.exchange(first.refresh)
    with pytest.raises(AuthenticationFailed, match="used before"):
        tokens.exchange(first.refresh)
    with pytest.raises(AuthenticationFailed, match="ended"):
        tokens.exchange(second.refresh)
    assert TokenFamily.objects.get().ended_because == "replay"


def test_another_login_of_the_same_user_is_another_family(user) -> None:
    stolen, other = tokens.begin(user), tokens.begin(user)
    tokens.exchange(stolen.refresh)
    with pytest.raises(AuthenticationFailed):
        tokens.exchange(stolen.refresh)
    tokens.exchange(other.refresh)


def test_logging_out_ends_the_family(user) -> None:
    pair = tokens.begin(user)
    tokens.end(pair.refresh)
    with pytest.raises(AuthenticationFailed, match="ended"):
        tokens.exchange(pair.refresh)


def test_an_expired_a_forged_and_an_access_token_are_refused(user) -> None:
    expired = RefreshToken.for_user(user)
    expired["family"] = str(uuid4())
    expired.set_exp(lifetime=-timedelta(seconds=1))
    pair = tokens.begin(user)
    head, body, _ = pair.refresh.split(".")
    for text in (str(expired), f"{head}.{body}.forged", pair.access, "nonsense"):
        with pytest.raises(AuthenticationFailed, match="not valid"):
            tokens.exchange(text)


def test_a_user_who_was_deactivated_gets_no_new_token(user) -> None:
    pair = tokens.begin(user)
    user.is_active = False
    user.save()
    with pytest.raises(AuthenticationFailed):
        tokens.exchange(pair.refresh)


def test_an_access_token_of_an_ended_family_is_worth_nothing(user) -> None:
    pair = tokens.begin(user)
    assert me(pair) == 200
    tokens.end(pair.refresh)
    assert me(pair) == 401


def test_a_replay_makes_the_access_tokens_of_all_descendants_worthless(user) -> None:
    first = tokens.begin(user)
    second = tokens.exchange(first.refresh)
    third = tokens.exchange(second.refresh)
    with pytest.raises(AuthenticationFailed, match="used before"):
        tokens.exchange(first.refresh)
    assert [me(pair) for pair in (first, second, third)] == [401, 401, 401]


def test_who_asked_before_the_exchange_was_done_is_refused_and_ends_nothing(user) -> None:
    first = tokens.begin(user)
    second = tokens.exchange(first.refresh)
    # As if the exchange had been done a moment from now: the next request then came before its end.
    TokenFamily.objects.update(last_used_at=timezone.now() + timedelta(minutes=1))
    with pytest.raises(AuthenticationFailed, match="another request"):
        tokens.exchange(first.refresh)
    third = tokens.exchange(second.refresh)
    TokenFamily.objects.update(last_used_at=timezone.now() + timedelta(minutes=1))
    # Two exchanges ago is no coincidence.
    with pytest.raises(AuthenticationFailed, match="used before"):
        tokens.exchange(first.refresh)
    assert me(third) == 401


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_exchanges_at_once_exactly_one_wins(make_user) -> None:
    pair = tokens.begin(make_user())
    won: list[tokens.Pair] = []
    lost: list[str] = []
    together = threading.Barrier(16)
    family = TokenFamily.objects.select_for_update().filter(current_jti=RefreshToken(pair.refresh)["jti"])

    def exchange() -> None:
        together.wait()
        try:
            won.append(tokens.exchange(pair.refresh))
        except AuthenticationFailed as error:
            lost.append(error.get_codes())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=exchange) for _ in range(16)]
    with transaction.atomic():
        # All of them wait for the row before the first gets it, however busy the machine is.
        assert family.get()
        for thread in threads:
            thread.start()
        wait_until(lambda: waiting_for_locks() == 16)
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lost == ["token_in_use"] * 15
    # The one who won stays logged in, until one of the others comes back later.
    assert me(won[0]) == 200
    with pytest.raises(AuthenticationFailed, match="used before"):
        tokens.exchange(pair.refresh)
    assert me(won[0]) == 401


def me(pair: tokens.Pair) -> int:
    return APIClient().get("/api/v1/auth/me/", HTTP_AUTHORIZATION=f"Bearer {pair.access}").status_code


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return int(cursor.fetchone()[0])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
