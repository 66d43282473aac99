"""The answers as a table for people and as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from preflight.account.answer import Answer, Status

WORDS = {Status.PASS: "pass", Status.FAIL: "FAIL", Status.UNCHECKED: "unchecked"}
ORDER = (Status.FAIL, Status.UNCHECKED, Status.PASS)
WIDTH = 118


def counts(answers: Sequence[Answer]) -> dict[str, int]:
    counted = Counter(answer.status for answer in answers)
    return {str(status): counted[status] for status in (Status.PASS, Status.FAIL, Status.UNCHECKED)}


def ok(answers: Sequence[Answer]) -> bool:
    """Whether nothing failed. What could not be checked is told, and does not fail."""
    return all(answer.status is not Status.FAIL for answer in answers)


def as_table(answers: Sequence[Answer]) -> str:
    lines = []
    for status in ORDER:
        for answer in answers:
            if answer.status is not status:
                continue
            lines.append(f"{WORDS[status]:<10} {answer.check:<24} {answer.subject}")
            lines += textwrap.wrap(answer.detail, WIDTH, initial_indent=" " * 11, subsequent_indent=" " * 11)
            if answer.remedy:
                lines += textwrap.wrap(answer.remedy, WIDTH, initial_indent=" " * 11 + "→ ", subsequent_indent=" " * 13)
    figures = counts(answers)
    lines.append("")
    lines.append(f"{figures['pass']} pass, {figures['fail']} fail, {figures['unchecked']} could not be checked")
    return "\n".join(lines)


def as_json(answers: Sequence[Answer]) -> dict[str, Any]:
    """`ok`, the counts, and every answer."""
    return {"ok": ok(answers), "counts": counts(answers), "answers": [answer.as_json() for answer in answers]}
