"""What a pull request is told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from previews.comment import Access, Comment, Failure, marker, render
from previews.life import Preview
from tests.previews.given import NOW, TERMS, preview

ACCESS = Access(
    link="https://pr-42.preview.example.com/?access=t0ken",
    user="demo@example.com",
    token_command="make preview-token NAME=pr-42",
    password_command="make preview-password",
)
FAILURE = Failure(
    what="its migration failed", said="django.db.utils.ProgrammingError: boom", remedy="Mend it.", commit="fedcba98765"
)


def _said(**more: Any) -> str:
    given: dict[str, Any] = {
        "preview": preview(),
        "daily_usd": 0.48,
        "access": ACCESS,
        "logs_command": "aws logs tail x",
    }
    return render(Comment(name="pr-42", terms=TERMS, now=NOW, **{**given, **more}))


def test_all_that_people_need_is_said() -> None:
    said = _said()
    assert said.startswith(marker("pr-42"))
    for expected in (
        "### Preview `pr-42`: ready",
        "[https://pr-42.preview.example.com](https://pr-42.preview.example.com/?access=t0ken)",
        "`0123456789` of `feature/receipts`",
        "`demo@example.com`, password: `make preview-password`",
        "2026-12-01 07:00 UTC, in 3 days (a push counts 3 days anew; the label `keep` makes it 14 days)",
        "USD 0.10 so far, USD 0.48 a day",
        "`aws logs tail x`",
        "`make preview NAME=pr-42 RESET=1`",
        "`ada`",
    ):
        assert expected in said, said
    assert "It ends" not in said
    assert "t0ken" not in _said(access=Access(**{**vars(ACCESS), "link": ""}))


def test_the_end_is_announced() -> None:
    assert "**It ends in 2 hours.** Push again" in _said(preview=preview(age=70))
    assert "It ends" not in _said(preview=preview(age=70, kept=True))


def test_a_push_that_failed_leaves_the_version_before() -> None:
    said = _said(failure=FAILURE)
    assert "### Preview `pr-42`: ready, last push failed" in said
    assert "**The push of `fedcba9876` failed: its migration failed.** The version before (`0123456789`)" in said
    assert "django.db.utils.ProgrammingError: boom" in said
    assert "[https://pr-42" in said


def test_a_first_push_that_failed_leaves_nothing() -> None:
    said = _said(preview=None, failure=FAILURE)
    assert "### Preview `pr-42`: failed" in said
    assert "Nothing is left of it." in said
    assert "| |" not in said


@pytest.mark.parametrize("left", [None, preview()])
def test_an_ended_one_says_why(left: Preview | None) -> None:
    said = _said(preview=left, ended="the pull request was merged")
    assert "### Preview `pr-42`: ended (the pull request was merged)" in said
    assert "http" not in said


@pytest.mark.parametrize("said", ["```\n</details> [x](y)", "````", "no fence"])
def test_what_a_tool_said_stays_in_its_box(said: str) -> None:
    rendered = _said(failure=Failure(what="it failed", said=said, remedy=""))
    fence = re.search(r"^(`{3,})$", rendered, flags=re.M)
    assert fence
    assert fence[1] not in said
    assert rendered.count(f"\n{fence[1]}\n") == 2


def test_a_long_answer_is_cut_to_its_end() -> None:
    rendered = _said(failure=Failure(what="it failed", said="x" * 100_000 + "the end", remedy=""))
    assert len(rendered) < 10_000
    assert "the end" in rendered


def test_a_branch_cannot_break_the_table() -> None:
    odd = preview(Tags=[{"Key": "PreviewBranch", "Value": "a`b|c\nd"}])
    row = next(line for line in _said(preview=odd).splitlines() if line.startswith("| Commit"))
    assert row.count("|") - row.count("\\|") == 3
    assert "`` a`b\\|c d ``" in row
