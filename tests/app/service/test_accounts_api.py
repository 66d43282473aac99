from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.throttles import AddressThrottle

LOGIN = {"email": "ann@example.com", "password": "correct horse battery"}


@pytest.fixture
def registered(make_user):
    return make_user(**LOGIN)


def post(path: str, data: dict[str, str], **extra: str):
    return APIClient().post(f"/api/v1/auth/{path}/", data, format="json", **extra)


def test_register_log_in_and_ask_who_i_am(db) -> None:
    assert post("register", LOGIN).status_code == 201
    pair = post("login", LOGIN).json()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.get("/api/v1/auth/me/").json()["email"] == "ann@example.com"
    assert post("refresh", {"refresh": pair["refresh"]}).status_code == 200


def test_addresses_are_the_same_in_any_case(db) -> None:
    assert post("register", LOGIN | {"email": "Ann@Example.com"}).status_code == 201
    assert post("login", LOGIN).status_code == 200
    assert post("register", LOGIN).status_code == 201
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "12345678", "password", "ann@example.com"])
def test_a_weak_password_is_refused_with_a_reason(db, password: str) -> None:
    answer = post("register", LOGIN | {"password": password})
    assert answer.status_code == 400
    assert answer.json()["password"]


def test_a_wrong_password_and_an_unknown_address_look_the_same(registered) -> None:
    wrong = post("login", LOGIN | {"password": "wrong password"})
    unknown = post("login", LOGIN | {"email": "nobody@example.com"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_logins_are_slowed_down(registered) -> None:
    wrong = LOGIN | {"password": "wrong password"}
    codes = [post("login", wrong, REMOTE_ADDR=f"10.9.8.{n}").status_code for n in range(12)]
    # From however many addresses, but only for this account.
    assert codes == [401] * 10 + [429] * 2
    assert post("login", LOGIN | {"email": "nobody@example.com"}).status_code == 401


def test_one_address_is_slowed_down_whatever_accounts_it_tries(db, monkeypatch) -> None:
    monkeypatch.setitem(AddressThrottle.THROTTLE_RATES, "address", "3/min")
    codes = [post("register", {"email": f"{n}@example.com", "password": "1"}).status_code for n in range(5)]
    assert codes == [400] * 3 + [429] * 2


def test_a_deactivated_user_is_out_at_once(registered) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {post('login', LOGIN).json()['access']}")
    assert client.get("/api/v1/auth/me/").status_code == 200
    registered.is_active = False
    registered.save()
    assert client.get("/api/v1/auth/me/").status_code == 401
    assert post("login", LOGIN).status_code == 401


def test_after_logging_out_the_refresh_token_is_worth_nothing(registered) -> None:
    refresh = {"refresh": post("login", LOGIN).json()["refresh"]}
    assert post("logout", refresh).status_code == 204
    assert post("refresh", refresh).status_code == 401
    assert post("logout", {"refresh": "nonsense"}).status_code == 401


@pytest.mark.parametrize("path", ["auth/me/", "receipts/", "analytics/month/"])
def test_nothing_is_shown_without_a_token(db, path: str) -> None:
    assert APIClient().get(f"/api/v1/{path}").status_code == 401


def test_a_refresh_token_is_no_access_token(registered) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {post('login', LOGIN).json()['refresh']}")
    assert client.get("/api/v1/auth/me/").status_code == 401
