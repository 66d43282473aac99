"""The pages are for everybody: with any sight, on any screen, with keys alone, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from chromium import DESKTOP, PASSWORD, PHONE, Browser
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from accounts import tokens
from analytics.budgets import alert
from analytics.models import Budget
from analytics.months import today
from receipts.models import BulkUpload, Duplicate, Receipt, RememberedCorrection
from receipts.states import State

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "reader"])
FRONT = ["/", "/login/", "/register/"]
INNER = ["/inbox/", "/inbox/?show=failed", "/inbox/?q=club", "/inbox/?since=2026-02-02&until=2026-01-01", "/upload/"]
INNER += ["/spending/", "/settings/", "/settings/leave/"]


@pytest.fixture
def full(ann: Any, pictured: Callable[..., Receipt]) -> list[str]:
    """An account with some of everything; the addresses of its receipts."""
    doubtful = pictured()
    twin = pictured(duplicate=Duplicate.SUSPECTED, duplicate_of=doubtful)
    for weeks in range(4):
        day = today() - timedelta(weeks=weeks)
        pictured(state=State.EXTRACTED, purchased_on=day, review_reasons=[], fallback="budget")
    failed = pictured(state=State.FAILED, attempts=6, reason="Reading it failed again and again.")
    waiting = pictured(state=State.QUEUED, bulk_upload=BulkUpload.objects.create(user=ann))
    Budget.objects.create(user=ann, category="restaurants", currency="USD", monthly_amount=30)
    alert([ann.id])
    RememberedCorrection.objects.create(user=ann, printed="harbor", merchant="Harbor Street Diner")
    tokens.begin(ann, user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0")
    return [f"/inbox/{receipt.id}/" for receipt in (doubtful, twin, failed, waiting)]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_has_a_fault_for_people_with_disabilities(
    browser: Browser, full: list[str], size: tuple[int, int], dark: bool
) -> None:
    browser.shape(size, dark=dark)
    found = {page: faults(browser, page, size) for page in FRONT}
    browser.log_in("ann@example.com")
    found |= {page: faults(browser, page, size) for page in [*INNER, *full]}
    assert {page: told for page, told in found.items() if told} == {}
    complaints = [said for said in browser.complaints() if "status of 400" not in said]
    assert complaints == []


def faults(browser: Browser, page: str, size: tuple[int, int]) -> list[str]:
    browser.go(page)
    # What is folded away is looked at, too.
    browser.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    told = browser.violations()
    width = browser.execute_script("return document.documentElement.scrollWidth")
    return [*told, *([f"{width} pixels wide"] if width > size[0] else [])]


def test_the_error_pages_have_none_either(browser: Browser) -> None:
    browser.go("/nowhere/")
    assert browser.violations() == []
    assert "There is nothing here" in browser.one("main").text
    assert len(browser.complaints()) == 1  # the browser's own note of the status


def test_keys_alone_are_enough(browser: Browser, pictured: Callable[..., Receipt]) -> None:
    doubtful = pictured()
    browser.go("/login/")

    def press(*keys: str) -> None:
        ActionChains(browser).send_keys(*keys).perform()

    def tab_to(selector: str) -> None:
        wanted = browser.one(selector)
        for _ in range(40):
            if browser.switch_to.active_element == wanted:
                return
            press(Keys.TAB)
        raise AssertionError(f"{selector} is not reached")

    press(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    press(Keys.ENTER)
    tab_to("#id_email")
    press("ann@example.com", Keys.TAB, PASSWORD, Keys.ENTER)
    browser.until(lambda browser: browser.path == "/inbox/")
    tab_to(".receipt-row .name")
    press(Keys.ENTER)
    browser.until(lambda browser: browser.all("svg.picture"))

    tab_to("svg.picture")
    picture = browser.one("svg.picture")
    whole = picture.get_dom_attribute("viewBox")
    press("+", "+", Keys.ARROW_DOWN)
    assert picture.get_dom_attribute("viewBox") != whole
    press("0")
    assert picture.get_dom_attribute("viewBox") == whole

    ActionChains(browser).key_down(Keys.ALT).send_keys("j").key_up(Keys.ALT).perform()
    assert browser.switch_to.active_element.get_attribute("id") == "id_purchased_on"
    press("03042026")  # in the order of parts that the browser's language, American English, has
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    browser.until(lambda browser: browser.path == "/inbox/")
    doubtful.refresh_from_db()
    assert (doubtful.state, str(doubtful.purchased_on)) == (State.EXTRACTED, "2026-03-04")


def test_without_javascript_all_but_uploading_works(browser: Browser, pictured: Callable[..., Receipt]) -> None:
    doubtful = pictured()
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.log_in("ann@example.com")
    browser.one(".receipt-row .name").click()
    assert browser.all("svg.picture .box")
    assert not browser.one(".viewer-tools").is_displayed()
    browser.write("#id_merchant", "The Diner")
    browser.one("#confirm").click()
    browser.until(lambda browser: browser.path == "/inbox/")
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.merchant) == (State.EXTRACTED, "The Diner")
    browser.go("/upload/")
    assert "please allow JavaScript" in browser.one("main").text
    browser.go("/spending/?since=&until=")
    assert "31.18" in browser.one("main").text


def test_a_phone_is_offered_its_camera(browser: Browser, ann: Any) -> None:
    browser.shape(PHONE)
    browser.log_in("ann@example.com")
    browser.go("/upload/")
    camera = browser.one("#camera")
    assert camera.get_dom_attribute("capture") == "environment"
    assert camera.get_dom_attribute("accept") == "image/jpeg,image/png,image/webp"
    assert browser.one("label[for=camera]").is_displayed()
