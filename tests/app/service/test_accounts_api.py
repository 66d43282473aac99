from __future__ import annotations

import pytest
from rest_framework.test import APIClient

LOGIN = {"email": "ann@example.com", "password": "correct horse battery"}


def post(path: str, data: dict[str, str]):
    return APIClient().post(f"/api/v1/auth/{path}/", data, format="json")


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
    assert post("register", LOGIN).status_code == 400


@pytest.mark.parametrize("password", ["short", "12345678", "password", "ann@example.com"])
def test_a_weak_password_is_refused_with_a_reason(db, password: str) -> None:
    answer = post("register", LOGIN | {"password": password})
    assert answer.status_code == 400
    assert answer.json()["password"]


def test_a_wrong_password_and_an_unknown_address_look_the_same(user) -> None:
    wrong = post("login", LOGIN | {"password": "wrong password"})
    unknown = post("login", LOGIN | {"email": "nobody@example.com"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_logins_are_slowed_down(user) -> None:
    codes = {post("login", LOGIN | {"password": "wrong password"}).status_code for _ in range(25)}
    assert codes == {401, 429}


@pytest.mark.parametrize("path", ["auth/me/", "receipts/", "analytics/month/"])
def test_nothing_is_shown_without_a_token(db, path: str) -> None:
    assert APIClient().get(f"/api/v1/{path}").status_code == 401


def test_a_refresh_token_is_no_access_token(user) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {post('login', LOGIN).json()['refresh']}")
    assert client.get("/api/v1/auth/me/").status_code == 401
