"""Who tries passwords, addresses and answers to learn who has an account, or to get into one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth import hashers
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.throttles import AddressThrottle

ANN = {"email": "ann@example.com", "password": "correct horse battery"}


def post(path: str, data: dict[str, str], **extra: str):
    return APIClient().post(f"/api/v1/auth/{path}/", data, format="json", **extra)


@pytest.fixture
def ann(make_user) -> User:
    return make_user(**ANN)


@pytest.fixture
def hashed(monkeypatch) -> Iterator[list[str]]:
    """Every password that was hashed: what makes up the time of an answer."""
    done: list[str] = []
    encode = hashers.PBKDF2PasswordHasher.encode

    def counted(self, password, *arguments):
        done.append(password)
        return encode(self, password, *arguments)

    monkeypatch.setattr(hashers.PBKDF2PasswordHasher, "encode", counted)
    return done


def test_the_api_does_not_tell_at_registration_who_has_an_account(ann, hashed) -> None:
    given = {"password": "another horse battery"}
    taken = post("register", {**given, "email": "Ann@example.com"})
    new = post("register", {**given, "email": "bob@example.com"})
    assert (taken.status_code, taken.json()) == (201, {"email": "ann@example.com"})
    assert (new.status_code, new.json()) == (201, {"email": "bob@example.com"})
    assert len(hashed) == 2
    ann.refresh_from_db()
    assert ann.check_password(ANN["password"])


@pytest.mark.parametrize("login", [{**ANN, "password": "wrong horse"}, {**ANN, "email": "nobody@example.com"}])
def test_a_failed_login_takes_one_hash_whoever_it_is_for(ann, hashed, login) -> None:
    assert post("login", login).status_code == 401
    assert len(hashed) == 1


def test_a_deactivated_account_is_refused_as_an_unknown_one(ann, hashed) -> None:
    User.objects.update(is_active=False)
    refused, unknown = post("login", ANN), post("login", {**ANN, "email": "nobody@example.com"})
    assert (refused.status_code, refused.json()) == (unknown.status_code, unknown.json())
    assert len(hashed) == 2


def test_stuffed_credentials_are_slowed_down_by_the_address_that_the_load_balancer_saw(ann, monkeypatch) -> None:
    """Whoever writes addresses of others into X-Forwarded-For is counted all the same."""
    monkeypatch.setitem(AddressThrottle.THROTTLE_RATES, "address", "5/min")
    codes = [
        post(
            "login",
            {"email": f"person{number}@example.com", "password": "leaked password"},
            HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 203.0.113.7",
        ).status_code
        for number in range(8)
    ]
    assert codes == [401] * 5 + [429] * 3
    # Somebody else at that moment does not notice.
    assert post("login", ANN, HTTP_X_FORWARDED_FOR="203.0.113.8").status_code == 200


def test_registrations_are_counted_by_account_as_well(db) -> None:
    codes = [post("register", ANN, REMOTE_ADDR=f"10.9.8.{number}").status_code for number in range(11)]
    assert codes == [201] * 10 + [429]


def test_there_is_no_password_reset_to_be_tricked(browser_paths) -> None:
    assert not [path for path in browser_paths if "reset" in path or "forgot" in path]


@pytest.fixture
def browser_paths() -> list[str]:
    from django.urls import get_resolver

    return [str(pattern.pattern) for pattern in get_resolver().url_patterns] + [
        str(inner.pattern) for pattern in get_resolver().url_patterns for inner in getattr(pattern, "url_patterns", ())
    ]


def test_a_registration_that_asks_for_more_gets_no_more(db) -> None:
    post("register", {**ANN, "is_staff": "true", "is_superuser": "true", "id": "1"})
    made = User.objects.get()
    assert (made.is_staff, made.is_superuser) == (False, False)
    assert Client().post("/register/", {**ANN, "email": "eve@example.com", "is_staff": "on"}).status_code == 302
    assert not User.objects.filter(is_staff=True).exists()
