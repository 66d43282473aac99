"""One person's way through the pages, as they would go it."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import DESKTOP, PASSWORD, PHONE, Browser
from receipt_images import CAFE_MY, DINER_US, draw, encode
from selenium.webdriver import ActionChains

from receipts.models import Receipt
from receipts.states import State

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


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_from_registration_to_the_spending_chart(browser: Browser, pictures: list[str], size: tuple[int, int]) -> None:
    browser.shape(size)
    browser.go("/")
    browser.one("main a[href='/register/']").click()
    browser.write("#id_email", "ann@example.com")
    browser.write("#id_password", PASSWORD)
    browser.one("main button").click()
    browser.until(lambda browser: browser.path == "/login/")
    browser.log_in("ann@example.com")
    assert "No receipts yet" in browser.one("main").text

    browser.one("nav a[href='/upload/']").click()
    browser.one("#files").send_keys("\n".join(pictures))
    browser.until(lambda browser: browser.one("#overall-words").text == "2 of 2 read")
    assert [badge.text for badge in browser.all("#list .badge")] == ["Done", "Please check"]
    doubtful = Receipt.objects.get(state=State.NEEDS_REVIEW)

    browser.one("nav a[href='/inbox/']").click()
    browser.until(lambda browser: browser.all(".receipt-row img.thumb"))
    browser.one("nav a[href='?show=review']").click()
    browser.one(".receipt-row .name").click()
    assert browser.path == f"/inbox/{doubtful.id}/"
    assert "The date was not found." in browser.one(".field-purchased_on").text

    total = browser.one(".box[data-field=total]")
    assert browser.one("#id_total").get_attribute("value") == "31.18"
    browser.one("#id_total").send_keys("")  # goes there
    assert "lit" in total.get_attribute("class")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", total)
    ActionChains(browser).move_to_element(browser.one(".box[data-field=merchant]")).perform()
    assert "lit" in browser.one(".field-merchant").get_attribute("class")

    # A date's field is filled in a local order of parts by typing; what matters here is its value.
    browser.execute_script("document.getElementById('id_purchased_on').value = '2026-03-04'")
    browser.execute_script("document.getElementById('fields').requestSubmit()")
    browser.until(lambda browser: browser.path == "/inbox/")
    assert "Saved: HARBOR STREET DINER." in browser.one(".messages").text
    doubtful.refresh_from_db()
    assert (doubtful.state, str(doubtful.purchased_on)) == (State.EXTRACTED, "2026-03-04")

    browser.one("nav a[href='/spending/']").click()
    browser.go("/spending/?since=2018-01-01")
    assert {"Spent in USD\n31.18 USD", "Spent in MYR\n23.25 MYR"} <= {head.text for head in browser.all(".totals h2")}
    columns = browser.all("section[aria-labelledby=total-USD] .chart g")
    assert [column.find_element("css selector", "title").get_attribute("textContent") for column in columns] == [
        "March 2026: 31.18\u00a0USD"
    ]

    browser.one(".logout button").click()
    browser.until(lambda browser: browser.path == "/")
    browser.go("/inbox/")
    assert browser.path == "/login/"
