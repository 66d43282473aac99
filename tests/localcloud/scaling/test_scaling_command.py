"""`python -m localcloud.scaling`: exit codes, the table, summary.json, the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from localcloud.scaling.__main__ import main


@pytest.fixture
def scaling(assembly: Callable[[str], Path], tmp_path: Path) -> Callable[..., int]:
    def run(*options: str) -> int:
        output = str(tmp_path / "out")
        return main(["--env", "prod", "--assembly", str(assembly("prod")), "--output", output, *options])

    return run


def test_good_policies_end_with_0_and_say_what_was_found(
    scaling: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scaling() == 0
    said = capsys.readouterr().out
    assert re.search(r"web +flash-crowd +2 to 12 .* ok", said)
    assert "FAILED" not in said
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert next(iter(summary)) == "ok"
    assert summary["ok"] is True
    assert len(summary["runs"]) == 8
    flash = next(run for run in summary["runs"] if run["trace"] == "flash-crowd")
    assert {check["name"] for check in flash["checks"]} >= {"flaps", "above 85 %", "after scale-in", "fewest tasks"}
    assert all(check["reason"] for check in flash["checks"])
    assert flash["cost_usd"] == pytest.approx(flash["task_hours"] * flash["task_hour_usd"], rel=0.01)
    assert flash["task_hour_usd"] == pytest.approx(0.03238 + 2 * 0.00356), "1 vCPU and 2 GB on arm64"


def test_the_bad_policy_ends_with_1_and_says_why(
    scaling: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scaling("--policy", "bad", "--trace", "steady") == 1
    said = capsys.readouterr().out
    assert "out at 70 %, in at 68 %, no cooldown" in said
    assert re.search(r"FAILED  web, steady: flaps is \d+ times, at most 0 allowed", said)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["ok"] is False
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<details open>" in page, "what failed is not hidden"


def test_what_cannot_be_worked_out_ends_with_2(scaling: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert scaling("--policy", "no-such") == 2
    assert "there is no policy file" in capsys.readouterr().err


class _Page(HTMLParser):
    """Ids, references to them, and whatever a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "aria-labelledby" or (name == "href" and (value or "").startswith("#")):
                self.references.append((value or "").lstrip("#"))
            elif name in ("src", "href"):
                self.loads.append(value or "")


def test_the_page_stands_alone_and_its_plots_have_names(scaling: Callable[..., int], tmp_path: Path) -> None:
    assert scaling() == 0
    page = _Page()
    page.feed((tmp_path / "out" / "index.html").read_text())
    assert page.loads == []
    assert "script" not in page.tags
    assert len(page.ids) == len(set(page.ids))
    assert set(page.references) <= set(page.ids)
    assert page.tags.count("svg") == 4 * 8
