"""Registration, log in and out on the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User

PASSWORD = "correct horse battery"
ANN = {"email": "ann@example.com", "password": PASSWORD}


@pytest.fixture
def browser(db) -> Client:
    return Client()


@pytest.fixture
def ann(make_user) -> User:
    return make_user("ann@example.com", PASSWORD)


def test_who_registers_can_log_in(browser) -> None:
    assert browser.post("/register/", {**ANN, "email": "Ann@Example.com"}).headers["Location"] == "/login/"
    assert browser.post("/login/", ANN).headers["Location"] == "/inbox/"
    assert browser.get("/inbox/").status_code == 200


def test_registering_does_not_tell_who_has_an_account(browser, ann) -> None:
    taken, new = (
        Client().post("/register/", {"email": email, "password": "another horse battery"}, follow=True)
        for email in (ann.email, "new@example.com")
    )
    assert taken.redirect_chain == new.redirect_chain
    said = [[str(message) for message in answer.context["messages"]] for answer in (taken, new)]
    assert said[0] == said[1]
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


@pytest.mark.parametrize("password", ["short", "password1", "ann@example.com", ""])
def test_a_poor_password_is_refused_with_a_reason(browser, password: str) -> None:
    answer = browser.post("/register/", {"email": "ann@example.com", "password": password})
    assert answer.status_code == 400
    assert answer.context["form"].errors["password"]
    assert not User.objects.exists()


def test_wrong_password_and_unknown_address_get_one_answer(browser, ann) -> None:
    answers = [browser.post("/login/", {"email": email, "password": "wrong"}) for email in (ann.email, "no@body.com")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].context["form"].errors == answers[1].context["form"].errors


def test_logging_in_begins_a_new_session(browser, ann) -> None:
    browser.get("/login/")
    session = browser.session
    session["seen"] = True
    session.save()
    before = session.session_key
    browser.cookies["sessionid"] = before
    browser.post("/login/", ANN)
    assert browser.session.session_key != before


def test_guessing_is_slowed_down(browser, ann) -> None:
    answers = [browser.post("/login/", {**ANN, "password": f"guess {number}"}) for number in range(11)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Too many tries" in answers[-1].content.decode()


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/upload/", "/upload/"), ("https://evil.example/", "/inbox/"), ("//evil.example/", "/inbox/"), ("", "/inbox/")],
)
def test_the_login_leads_on_to_our_own_pages_only(browser, ann, wanted: str, reached: str) -> None:
    assert browser.post("/login/", {**ANN, "next": wanted}).headers["Location"] == reached


def test_logging_out_ends_the_session(browser, ann) -> None:
    browser.post("/login/", ANN)
    assert browser.get("/logout/").status_code == 405
    assert browser.get("/inbox/").status_code == 200
    browser.post("/logout/")
    assert browser.get("/inbox/").status_code == 302


def test_expired_sessions_are_cleared_away(browser, ann) -> None:
    from pages.tasks import clear_sessions

    browser.post("/login/", ANN)
    Client().post("/login/", ANN)
    expired = Session.objects.get(session_key=browser.session.session_key)
    Session.objects.filter(pk=expired.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert clear_sessions() == 1
    assert Session.objects.exclude(pk=expired.pk).count() == Session.objects.count() == 1


def test_a_form_without_its_token_is_refused_in_words(ann) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", ANN)
    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()
