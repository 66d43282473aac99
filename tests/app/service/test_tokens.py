"""Refresh tokens: one login is a family, and only its newest token is good."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import RefreshToken

from accounts import tokens
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


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_exchanges_at_once_exactly_one_wins(make_user) -> None:
    pair = tokens.begin(make_user())
    won: list[tokens.Pair] = []
    together = threading.Barrier(16)

    def exchange() -> None:
        together.wait()
        try:
            won.append(tokens.exchange(pair.refresh))
        except AuthenticationFailed:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=exchange) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    # Fifteen replays: we cannot tell who is the thief, so nobody stays logged in.
    assert TokenFamily.objects.get().ended_because == "replay"
