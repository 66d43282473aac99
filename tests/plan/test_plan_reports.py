"""Reports for people and programs, of sound and of hostile names."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from plan.earlier import empty_like
from plan.outcome import Outcome
from plan.report.gantt import as_svg
from plan.report.markdown import as_markdown
from plan.report.page import as_html
from plan.report.summary import as_json
from plan.report.terminal import as_text
from preflight.loading import load
from tests.plan.assemblies import assembly, outcome, resource

HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m\u202e](http://evil)"


class Page(HTMLParser):
    """Tags that are open, and every attribute that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "wbr", "br", "rect", "line"):
            self.open.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "data", "action", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag


@pytest.fixture
def first_deploy(prod: Path) -> Outcome:
    after = load(prod)
    return outcome(empty_like(after), after)


@pytest.fixture
def hostile() -> Outcome:
    before = assembly(One={HOSTILE: resource("AWS::S3::Bucket", BucketName=HOSTILE)})
    return outcome(before, assembly(One={"B": resource("AWS::SNS::Topic", DisplayName=HOSTILE)}))


def test_the_page_loads_nothing_and_closes_what_it_opens(first_deploy: Outcome) -> None:
    page = Page()
    page.feed(as_html(first_deploy))
    assert page.open == []
    assert all(link.startswith("#") for link in page.loads)
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert "url(" not in as_html(first_deploy)


def test_the_page_can_be_read_aloud(first_deploy: Outcome) -> None:
    page = as_html(first_deploy)
    assert '<html lang="en">' in page
    assert page.count("<h1>") == 1
    assert page.count("<table>") == page.count("<caption>")
    assert '<th scope="col">' in page
    assert re.search(r'<svg[^>]*role="img"[^>]*aria-labelledby="gantt-title"', page)


def test_names_of_other_people_stay_text(hostile: Outcome) -> None:
    page = as_html(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in as_markdown(hostile)
    for text in (page, as_markdown(hostile), as_text(hostile)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert json.loads(json.dumps(as_json(hostile)))["ok"] is False


def test_a_table_of_markdown_keeps_its_columns(hostile: Outcome) -> None:
    tables = [part.splitlines() for part in as_markdown(hostile).split("\n\n") if part.startswith("|")]
    assert len(tables) >= 3
    for rows in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_the_drawing_is_an_image_of_its_own(first_deploy: Outcome) -> None:
    drawing = ElementTree.fromstring(as_svg(first_deploy.schedule))  # noqa: S314  (we made it)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in as_svg(first_deploy.schedule)


def test_the_comment_fits_into_a_pull_request(first_deploy: Outcome) -> None:
    assert len(as_markdown(first_deploy)) < 65_536


def test_nothing_changes_and_it_says_so(prod: Path) -> None:
    found = outcome(load(prod), load(prod))
    assert "Nothing changes in prod" in as_text(found)
    assert "Nothing changes in prod" in as_markdown(found)
    assert as_json(found)["nothing_changes"] is True


def test_estimates_are_called_so_and_have_sources(first_deploy: Outcome) -> None:
    for text in (as_text(first_deploy), as_markdown(first_deploy), as_html(first_deploy)):
        assert "estimate" in text
    summary = as_json(first_deploy)
    assert all(line["source"] and line["date"] for line in summary["cost"]["lines"])
    assert all(step["source"] for step in summary["time"]["steps"])


def test_the_keys_of_the_summary_are_documented(first_deploy: Outcome) -> None:
    documented = (Path(__file__).resolve().parents[2] / "docs" / "plan.md").read_text()
    summary = as_json(first_deploy)
    assert next(iter(summary)) == "ok"
    assert [key for key in [*summary, *summary["cost"], *summary["time"]] if f"`{key}`" not in documented] == []
