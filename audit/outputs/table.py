"""Findings as CSV, one row each, for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Any

from audit.model import Report

COLUMNS = (
    "key", "state", "severity", "tool", "rule", "detail", "resource", "type", "stack", "logical_id", "region", "line",
    "property", "message", "controls", "reason", "owner", "reference", "decided", "expires",
)  # fmt: skip

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets take a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection."""


def as_csv(report: Report) -> str:
    """RFC 4180, UTF-8."""
    resources = {one.path: one for one in report.resources}
    controls = {rule.id: " ".join(rule.controls) for rule in report.rules}
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for one in report.findings:
        row = (
            one.key, one.state, one.severity, one.tool, one.rule, one.detail, one.path,
            *_of(resources.get(one.path), "type", "stack", "logical_id", "region", "line"),
            one.at, one.message, controls.get(one.rule, ""),
            *_of(one.acknowledgement, "reason", "owner", "reference", "since", "expires"),
        )  # fmt: skip
        rows.writerow([_cell(str(value)) for value in row])
    return written.getvalue()


def _of(value: Any, *names: str) -> list[Any]:
    """These attributes, empty where there is none."""
    return [getattr(value, name, None) or "" for name in names]


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
