"""Chromium without a window, driven by Selenium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 60
PHONE, DESKTOP = (390, 844), (1280, 900)
PASSWORD = "correct horse battery"
AXE = Path(__file__).resolve().parents[4] / "node_modules" / "axe-core" / "axe.min.js"
# As root there is no sandbox to be had; the rest keeps Chromium from calling home.
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


class Browser(Chrome):
    """Selenium's Chrome with the words that these tests use, and a record of all that it asked for."""

    base: str = ""

    def go(self, path: str) -> None:
        self.get(self.base + path)

    @property
    def path(self) -> str:
        return urlsplit(self.current_url).path

    def one(self, selector: str) -> Any:
        return self.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[Browser], Any]) -> Any:
        return WebDriverWait(self, PATIENCE, poll_frequency=0.1).until(condition)

    def write(self, selector: str, text: str) -> None:
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def shape(self, size: tuple[int, int], *, dark: bool = False) -> None:
        width, height = size
        self.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": width < 600})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def log_in(self, email: str, password: str = PASSWORD) -> None:
        self.go("/login/")
        self.write("#id_email", email)
        self.write("#id_password", password)
        self.one("main button").click()
        self.until(lambda browser: browser.path != "/login/")

    def complaints(self) -> list[str]:
        """What the console holds since it was asked last: errors, warnings, violations of the policy.

        Not that Chromium leaves a page without asking, which nobody had touched while it was sending.
        """
        said = [entry["message"] for entry in self.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}]
        return [message for message in said if "Blocked attempt to show a 'beforeunload'" not in message]

    def asked(self) -> set[str]:
        """Addresses that were asked for since it was asked last."""
        messages = (json.loads(entry["message"])["message"] for entry in self.get_log("performance"))
        return {
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        }

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page for people with disabilities."""
        self.execute_script(AXE.read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = self.execute_async_script(
            "const done = arguments[1]; axe.run(document, { runOnly: arguments[0] }).then(({ violations }) =>"
            " done(violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((n) => n.html).join(' ')}`)))",
            tags,
        )
        return list(found)


def start(*, base: str, profile: Path) -> Browser:
    """A browser with a new, empty profile."""
    options = ChromeOptions()
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or "chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = Browser(options=options, service=Service(shutil.which("chromedriver")))
    made.base = base
    made.shape(DESKTOP)
    return made
