"""The page in a real browser: on a desktop, on a phone, in both themes, for people with disabilities, and on paper."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.model import Report
from audit.outputs.page import as_html
from tests.app.service.browser import chromium
from tests.audit.conftest import ROOT


@pytest.fixture(scope="module")
def page(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(as_html(report, ROOT))
    return file


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Browser]:
    made = chromium.start(base=page.as_uri(), profile=tmp_path_factory.mktemp("profile"))
    made.set_script_timeout(240)
    made.go("")
    yield made
    made.quit()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [chromium.DESKTOP, chromium.PHONE], ids=["desktop", "phone"])
def test_nothing_stands_in_anybodys_way(browser: chromium.Browser, size: tuple[int, int], dark: bool) -> None:
    browser.shape(size, dark=dark)
    assert browser.violations() == []
    wide = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, "the page itself never scrolls sideways"


def test_it_asks_nobody_and_the_policy_forbids_nothing(browser: chromium.Browser, page: Path) -> None:
    browser.asked()
    browser.complaints()
    browser.go("")
    assert browser.asked() == {page.as_uri()}
    assert browser.complaints() == []


def test_a_link_opens_what_it_leads_to(browser: chromium.Browser) -> None:
    """Details are closed at first; the browser opens those around the place that a link names."""
    browser.shape(chromium.DESKTOP)
    link = browser.one('#failing ~ article a[href^="#r-"]')
    place = link.get_attribute("href").partition("#")[2]
    assert not browser.one(f"#{place} dl").is_displayed()
    browser.execute_script("arguments[0].click()", link)
    browser.until(lambda here: here.execute_script("return location.hash") == f"#{place}")
    browser.until(lambda here: here.one(f"#{place} dl").is_displayed())


def test_it_prints(browser: chromium.Browser) -> None:
    printed = base64.b64decode(browser.print_page())
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") > 3
