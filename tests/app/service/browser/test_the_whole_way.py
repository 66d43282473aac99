"""One person's way through the pages, as they would go it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chromium import PASSWORD, Browser
from receipt_images import CAFE_MY, DINER_US, draw, encode

from receipts.models import Receipt

pytestmark = [
    pytest.mark.usefixtures("uploads", "reader"),
    pytest.mark.django_db(transaction=True, databases=["default", "reader"]),
]
# Without its date: that must be asked for.
DOUBTFUL = tuple(row for row in DINER_US if "/" not in row[0])


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    made = []
    for name, rows in (("cafe.jpg", CAFE_MY), ("diner.jpg", DOUBTFUL)):
        path = tmp_path / name
        path.write_bytes(encode(draw(rows), "JPEG", quality=85))
        made.append(str(path))
    return made


def register(browser: Browser, email: str) -> None:
    browser.go("/register/")
    browser.write("#id_email", email)
    browser.write("#id_password", PASSWORD)
    browser.one("main button").click()
    browser.until(lambda browser: browser.path == "/login/")
    browser.log_in(email)


def test_from_registration_to_the_spending_chart(browser: Browser, pictures: list[str], tmp_path: Any) -> None:
    register(browser, "ann@example.com")
    assert browser.path == "/inbox/"

    browser.go("/upload/")
    browser.one("#files").send_keys("\n".join(pictures))
    browser.until(lambda browser: browser.one("#overall-words").text == "2 of 2 read")
    assert {receipt.state for receipt in Receipt.objects.all()} == {"extracted", "needs_review"}
