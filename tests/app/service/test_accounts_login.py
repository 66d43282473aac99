"""Guessing is slowed down, and a stranger who guesses does not keep the owner out."""

from __future__ import annotations

import pytest
from django.core import signing
from rest_framework.test import APIClient

from accounts import login

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"


class Clock:
    now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(login, "time", made)
    return made


@pytest.fixture(autouse=True)
def _quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(make_user):
    return make_user(EMAIL, PASSWORD)


@pytest.fixture(autouse=True)
def _no_other_limit(monkeypatch) -> None:
    from accounts.throttles import AccountThrottle

    monkeypatch.setitem(AccountThrottle.THROTTLE_RATES, "account", "1000/min")


def attempt(password: str, *, client: APIClient | None = None, address: str = "10.0.0.1"):
    data = {"email": EMAIL, "password": password}
    return (client or APIClient()).post("/api/v1/auth/login/", data, format="json", REMOTE_ADDR=address)


def exhaust(clock: Clock, *, address: str = "10.0.0.1", tries: int = login.FREE_TRIES) -> None:
    for _ in range(tries):
        clock.now += login.LONGEST_WAIT
        assert attempt("wrong", address=address).status_code == 401


def test_each_failure_beyond_a_few_doubles_the_wait_up_to_a_minute(ann, clock) -> None:
    exhaust(clock)
    waits = []
    for _ in range(9):
        refused = attempt("wrong")
        assert refused.status_code == 429
        waits.append(int(refused["Retry-After"]))
        clock.now += waits[-1]
        assert attempt("wrong").status_code == 401
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_right_password_is_not_even_looked_at_while_waiting_and_counts_after(ann, clock) -> None:
    exhaust(clock)
    assert attempt(PASSWORD).status_code == 429
    clock.now += 1
    assert attempt(PASSWORD).status_code == 200
    # All is forgiven.
    assert [attempt("wrong").status_code for _ in range(login.FREE_TRIES)] == [401] * login.FREE_TRIES


def test_a_stranger_elsewhere_does_not_slow_the_owner_down(ann, clock) -> None:
    exhaust(clock, address="203.0.113.9", tries=12)
    assert attempt("wrong", address="203.0.113.9").status_code == 429
    assert attempt(PASSWORD, address="10.0.0.1").status_code == 200


def test_a_stranger_behind_the_same_address_does_not_slow_a_known_browser_down(ann, clock) -> None:
    browser = APIClient()
    assert attempt(PASSWORD, client=browser).status_code == 200
    exhaust(clock, tries=12)
    assert attempt("wrong").status_code == 429
    assert attempt(PASSWORD, client=browser).status_code == 200
    assert attempt(PASSWORD).status_code == 429


def test_the_limit_of_an_account_is_not_for_a_known_browser(ann, clock, monkeypatch) -> None:
    from accounts.throttles import AccountThrottle

    browser = APIClient()
    assert attempt(PASSWORD, client=browser).status_code == 200
    monkeypatch.setitem(AccountThrottle.THROTTLE_RATES, "account", "3/min")
    codes = [attempt("wrong", address=f"10.0.1.{n}").status_code for n in range(5)]
    assert codes[-1] == 429
    assert attempt(PASSWORD, client=browser).status_code == 200


def test_a_known_browser_that_guesses_is_slowed_down_too(ann, clock) -> None:
    browser = APIClient()
    assert attempt(PASSWORD, client=browser).status_code == 200
    codes = [attempt("wrong", client=browser).status_code for _ in range(login.FREE_TRIES + 1)]
    assert codes == [401] * login.FREE_TRIES + [429]


@pytest.mark.parametrize(
    "forged",
    ["nonsense", signing.dumps({"account": "x", "device": "y"}, key="k" * 40)],
    ids=["nonsense", "another key's"],
)
def test_a_forged_device_cookie_is_worth_nothing(ann, clock, forged: str) -> None:
    exhaust(clock)
    browser = APIClient()
    browser.cookies[login.DEVICE_COOKIE] = forged
    assert attempt(PASSWORD, client=browser).status_code == 429


def test_a_device_cookie_of_another_account_is_worth_nothing(ann, make_user, clock) -> None:
    make_user("bob@example.com", PASSWORD)
    browser = APIClient()
    data = {"email": "bob@example.com", "password": PASSWORD}
    cookie = browser.post("/api/v1/auth/login/", data, format="json").cookies[login.DEVICE_COOKIE]
    assert cookie["httponly"]
    exhaust(clock)
    assert attempt(PASSWORD, client=browser).status_code == 429


def test_without_the_cache_nobody_waits(ann, stop_server) -> None:
    stop_server("cache")
    assert [attempt("wrong").status_code for _ in range(7)] == [401] * 7
    assert attempt(PASSWORD).status_code == 200
