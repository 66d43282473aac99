"""`make previews`."""

from __future__ import annotations

from previews.table import as_text
from tests.previews.given import NOW, TERMS, preview


def test_each_preview_has_a_line() -> None:
    each = [
        preview("late", age=80),
        preview("kept", age=50, kept=True),
        preview("new", age=0.5, StackStatus="UPDATE_ROLLBACK_COMPLETE"),
    ]
    lines = as_text(each, terms=TERMS, daily_usd={"late": 0.48, "kept": None}, now=NOW).splitlines()
    assert [line.split()[0] for line in lines] == ["name", "late", "new", "kept"]
    late, new, kept = lines[1:]
    assert late.split()[1:8] == ["ready", "3", "d", "ada", "now", "0.48", "1.60"]
    assert "ready, last push failed  30 min" in new
    assert kept.split()[5:11] == ["in", "11", "d", "(kept)", "-", "-"]
    assert "feature/receipts  https://kept.preview.example.com" in kept
