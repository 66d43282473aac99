"""The pages for people: all they need comes from us, and they say so to the browser."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User

PAGES = ["/", "/api/docs/", "/admin/login/"]


@pytest.fixture
def browser(db) -> Client:
    return Client()


@pytest.mark.parametrize("page", PAGES)
def test_every_script_style_and_picture_is_ours_and_there(browser, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 200
    for address in re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', answer.content.decode()):
        assert address.startswith("/"), address
        assert browser.get(address).status_code == 200, address


@pytest.mark.parametrize("page", PAGES)
def test_the_browser_is_told_to_take_nothing_else(browser, page: str) -> None:
    answer = browser.get(page)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script>|<script type=.text/javascript.>", answer.content.decode())
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_landing_page_leads_to_api_schema_and_admin(browser) -> None:
    page = browser.get("/").content.decode()
    for address in ("/api/docs/", "/api/schema/", "/admin/"):
        assert f'href="{address}"' in page


def test_the_schema_describes_every_call_without_a_warning(capsys) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn")
    schema = capsys.readouterr().out
    for path in ("auth/refresh/", "receipts/{id}/complete/", "analytics/merchant/"):
        assert f"/api/v1/{path}" in schema


def test_staff_can_add_a_user_and_see_receipts(browser) -> None:
    browser.force_login(User.objects.create_superuser("root@example.com", "correct horse battery"))
    new = {"email": "New@Example.com", "usable_password": "true", "password1": "staple 42", "password2": "staple 42"}
    assert browser.post("/admin/accounts/user/add/", new).status_code == 302
    assert User.objects.get(email="new@example.com").check_password("staple 42")
    for page in ("accounts/user/", "accounts/tokenfamily/", "receipts/receipt/", "receipts/reading/"):
        assert browser.get(f"/admin/{page}").status_code == 200


def test_other_users_have_no_business_in_the_admin(browser, user) -> None:
    browser.force_login(user)
    assert browser.get("/admin/accounts/user/").status_code == 302
