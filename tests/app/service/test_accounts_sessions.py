"""One's sessions: seen, ended one by one or all at once, and ended by a new password."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tasks as accounts_tasks
from accounts import tokens
from accounts.jwt import RefreshToken
from accounts.models import TokenFamily
from accounts.tasks import clear_sessions

OLD, NEW = "correct horse battery", "staple battery horse"
AUTH = "/api/v1/auth"


@pytest.fixture(autouse=True)
def _quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", OLD)


def client_of(pair: tokens.Pair) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return client


def log_in(password: str = OLD, user_agent: str = "Firefox") -> tokens.Pair:
    answer = APIClient().post(
        f"{AUTH}/login/",
        {"email": "ann@example.com", "password": password},
        format="json",
        HTTP_USER_AGENT=user_agent,
    )
    assert answer.status_code == 200, answer.json()
    return tokens.Pair(**answer.json())


def alive(pair: tokens.Pair) -> bool:
    return client_of(pair).get(f"{AUTH}/me/").status_code == 200


def test_the_list_says_where_one_is_logged_in(ann) -> None:
    log_in(user_agent="Phone")
    here = log_in(user_agent="Laptop")
    found = client_of(here).get(f"{AUTH}/sessions/").json()["results"]
    assert [(each["user_agent"], each["current"]) for each in found] == [("Laptop", True), ("Phone", False)]
    assert found[0]["last_used_at"] is None
    again = tokens.exchange(here.refresh, user_agent="Laptop, updated\x00\u202e")
    (first, _) = client_of(again).get(f"{AUTH}/sessions/").json()["results"]
    assert first["user_agent"] == "Laptop, updated"
    assert first["last_used_at"]


def test_ended_sessions_are_not_listed(ann) -> None:
    here, there = log_in(), log_in()
    tokens.end(there.refresh)
    assert len(client_of(here).get(f"{AUTH}/sessions/").json()["results"]) == 1


def test_one_session_is_ended(ann) -> None:
    here, there = log_in(), log_in()
    found = client_of(here).get(f"{AUTH}/sessions/").json()["results"]
    (other,) = (each["id"] for each in found if not each["current"])
    assert client_of(here).delete(f"{AUTH}/sessions/{other}/").status_code == 204
    assert client_of(here).delete(f"{AUTH}/sessions/{other}/").status_code == 404
    assert (alive(here), alive(there)) == (True, False)


def test_logging_out_everywhere_ends_all_sessions_and_those_of_the_pages(ann, make_user) -> None:
    here, there = log_in(), log_in()
    stranger = tokens.begin(make_user("bob@example.com"))
    ann.is_staff = ann.is_superuser = True
    ann.save()
    pages = Client()
    pages.force_login(ann)
    assert pages.get("/admin/").status_code == 200
    assert client_of(here).post(f"{AUTH}/logout-everywhere/").status_code == 204
    assert (alive(here), alive(there), alive(stranger)) == (False, False, True)
    assert pages.get("/admin/").status_code == 302
    assert set(TokenFamily.objects.filter(user=ann).values_list("ended_because", flat=True)) == {"everywhere"}


def test_a_new_password_ends_the_other_sessions(ann) -> None:
    here, there = log_in(), log_in()
    change = {"old_password": OLD, "new_password": NEW}
    assert client_of(here).post(f"{AUTH}/password/", change, format="json").status_code == 204
    assert (alive(here), alive(there)) == (True, False)
    assert tokens.exchange(here.refresh)
    assert alive(log_in(NEW))
    refused = APIClient().post(f"{AUTH}/login/", {"email": ann.email, "password": OLD}, format="json")
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("not the password", NEW, "old_password"),
        (OLD, OLD, "new_password"),
        (OLD, "short", "new_password"),
        (OLD, "password123", "new_password"),
        (OLD, "ann@example.com", "new_password"),
    ],
)
def test_a_password_change_that_is_refused_changes_nothing(ann, old: str, new: str, fault: str) -> None:
    here, there = log_in(), log_in()
    answer = client_of(here).post(f"{AUTH}/password/", {"old_password": old, "new_password": new}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == [fault]
    assert alive(there)
    assert alive(log_in(OLD))


def test_a_stolen_access_token_does_not_guess_the_password(ann) -> None:
    here = client_of(log_in())
    guesses = [
        here.post(f"{AUTH}/password/", {"old_password": f"guess {n}", "new_password": NEW}, format="json").status_code
        for n in range(20)
    ]
    assert 429 in guesses


def test_a_password_set_in_the_admin_ends_the_users_sessions(ann, make_user) -> None:
    pair = log_in()
    root = make_user("root@example.com")
    root.is_staff = root.is_superuser = True
    root.save()
    pages = Client()
    pages.force_login(root)
    form = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert pages.post(f"/admin/accounts/user/{ann.id}/password/", form).status_code == 302
    assert not alive(pair)
    assert alive(log_in(NEW))


def test_expired_sessions_are_cleared_away_and_no_others(ann) -> None:
    expired, ended, good = (tokens.begin(ann) for _ in range(3))
    tokens.end(ended.refresh)
    family = RefreshToken(expired.refresh)["family"]
    TokenFamily.objects.filter(id=family).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert clear_sessions() == 1
    assert clear_sessions() == 0
    assert TokenFamily.objects.count() == 2
    assert client_of(good).get(f"{AUTH}/sessions/").status_code == 200
    assert client_of(expired).get(f"{AUTH}/sessions/").status_code == 401


def test_so_many_sessions_are_cleared_away_at_once(ann, monkeypatch) -> None:
    monkeypatch.setattr(accounts_tasks, "AT_ONCE", 2)
    for _ in range(3):
        tokens.begin(ann)
    TokenFamily.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert [clear_sessions() for _ in range(3)] == [2, 1, 0]
