"""The pages for people: whose they are, what the browser may do with them, and what they weigh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from support import png, read_receipt, receipt

from accounts import tokens
from accounts.models import TokenFamily, User
from analytics.models import Budget, BudgetAlert
from pages.urls import urlpatterns
from receipts.models import Receipt, RememberedCorrection
from receipts.states import State

FRONT = ["/", "/login/", "/register/"]
THEIRS = ["/api/docs/", "/admin/login/"]
"""Pages that others wrote, with their looser policy."""
OPEN = {"landing", "login", "register", "logout"}
PAGE_BYTES = 60_000
"""The most that a first visit loads beside the page itself, uncompressed: two seconds at 240 kbit/s."""


@pytest.fixture
def browser(db) -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def member(user) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def belongings(user, bucket) -> dict[str, Any]:
    """One of everything that a page's address can name, by the parameter's name."""
    tokens.begin(user)
    budget = Budget.objects.create(user=user, category="groceries", currency="EUR", monthly_amount=100)
    alert = {"month": date(2026, 3, 1), "level": 80, "spent": 80, "monthly_amount": 100}
    memory = RememberedCorrection.objects.create(user=user, printed="lidl", merchant="Lidl")
    return {
        "receipt_id": receipt(user, state=State.NEEDS_REVIEW, body=png(), total="1.00").id,
        "session_id": TokenFamily.objects.get().id,
        "budget_id": budget.id,
        "alert_id": BudgetAlert.objects.create(user=user, budget=budget, **alert).id,
        "memory_id": memory.id,
    }


def addresses(belongings: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Every page's name and address, and whether that names something that belongs to somebody."""
    for pattern in urlpatterns:
        parameters = {name: belongings[name] for name in pattern.pattern.converters}
        yield pattern.name, reverse(f"pages:{pattern.name}", kwargs=parameters), bool(parameters)


@pytest.mark.parametrize("page", [*FRONT, *THEIRS])
def test_every_script_style_and_picture_is_ours_and_there(browser, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    for address in re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', answer.content.decode()):
        assert address.startswith("/"), address
        assert browser.get(address).status_code == 200, address


@pytest.mark.parametrize("page", FRONT)
def test_our_pages_hold_nothing_inline_and_say_so(browser, page: str) -> None:
    answer = browser.get(page)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", answer.content.decode())


@pytest.mark.parametrize("page", THEIRS)
def test_the_other_pages_may_still_load_from_nobody_else(browser, page: str) -> None:
    assert browser.get(page).headers["Content-Security-Policy"].startswith("default-src 'self'; ")


@pytest.mark.parametrize("page", [*FRONT, *THEIRS])
def test_no_page_may_be_framed_or_sniffed(browser, page: str) -> None:
    headers = browser.get(page).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_uploads_may_go_to_the_bucket_and_pictures_come_from_it(member, user, bucket) -> None:
    policy = member.get("/upload/").headers["Content-Security-Policy"]
    assert re.search(r"connect-src 'self' http://127\.0\.0\.1:\d+;", policy)
    made = receipt(user, state=State.NEEDS_REVIEW, body=png())
    policy = member.get(f"/inbox/{made.id}/").headers["Content-Security-Policy"]
    assert re.search(r"img-src 'self' http://127\.0\.0\.1:\d+;", policy)


def test_the_landing_page_leads_to_api_schema_and_admin(browser) -> None:
    page = browser.get("/").content.decode()
    for address in ("/api/docs/", "/api/schema/", "/admin/"):
        assert f'href="{address}"' in page


def test_all_scripts_and_styles_together_are_light(browser) -> None:
    folder = Path(finders.find("pages/style.css")).parent
    files = [path for path in folder.iterdir() if path.suffix in {".js", ".css"}]
    assert len(files) > 2
    assert sum(path.stat().st_size for path in files) < PAGE_BYTES


def test_whoever_is_not_logged_in_is_sent_to_the_login(db, belongings) -> None:
    client = Client()
    for name, address, _ in addresses(belongings):
        if name in OPEN:
            continue
        answers = [client.get(address), client.post(address)]
        assert any(answer.status_code == 302 for answer in answers), name
        wanted = f"/login/?next={address}"
        assert all(answer.headers["Location"] == wanted for answer in answers if answer.status_code != 405), name


def test_anothers_objects_do_not_exist(make_user, belongings) -> None:
    stranger = Client()
    stranger.force_login(make_user("stranger@example.com"))
    owned = [(name, address) for name, address, names in addresses(belongings) if names]
    assert len(owned) > 8
    for name, address in owned:
        answers = {stranger.get(address).status_code, stranger.post(address).status_code}
        assert answers <= {404, 405} and 404 in answers, name
    receipt_id = str(belongings["receipt_id"])
    assert receipt_id not in stranger.get("/inbox/").content.decode()
    assert stranger.get("/inbox/progress/", {"id": receipt_id}).json() == {"receipts": []}
    assert Receipt.objects.get().state == State.NEEDS_REVIEW
    assert TokenFamily.objects.get().ended_at is None
    assert BudgetAlert.objects.get().dismissed_at is None


@pytest.mark.parametrize("receipts", [1, 20])
def test_the_inbox_takes_the_same_number_of_queries_however_full_it_is(
    member, user, receipts: int, django_assert_num_queries
) -> None:
    for _ in range(receipts):
        read_receipt(user)
    with django_assert_num_queries(5):  # session, user, receipts, how many are to be checked, bulk uploads
        member.get("/inbox/")


def test_the_schema_describes_every_call_without_a_warning(capsys) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    schema = capsys.readouterr().out
    for path in ("auth/refresh/", "receipts/{id}/complete/", "analytics/merchant/"):
        assert f"/api/v1/{path}" in schema


def test_staff_can_add_a_user_and_see_receipts(db) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root@example.com", "correct horse battery"))
    new = {
        "email": "New@Example.com",
        "usable_password": "true",
        "password1": "battery staple 42",
        "password2": "battery staple 42",
    }
    assert browser.post("/admin/accounts/user/add/", new).status_code == 302
    assert User.objects.get(email="new@example.com").check_password("battery staple 42")
    for page in ("accounts/user/", "accounts/tokenfamily/", "receipts/receipt/", "receipts/reading/"):
        assert browser.get(f"/admin/{page}").status_code == 200


def test_other_users_have_no_business_in_the_admin(member) -> None:
    assert member.get("/admin/accounts/user/").status_code == 302
