"""AWS's managed policies, whose documents no template holds: those that our templates and CDK's bootstrap attach."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from audit.access.statements import Statement, statements

_FILE = Path(__file__).parent / "data" / "managed_policies.json"


@cache
def managed_statements(arn: str) -> tuple[Statement, ...] | None:
    """The statements of a managed policy's version on file; None of one that is not on file."""
    found = _policies().get(arn)
    return statements(found["document"], source=arn) if found else None


@cache
def _policies() -> dict[str, dict[str, object]]:
    policies: dict[str, dict[str, object]] = json.loads(_FILE.read_text())["policies"]
    return policies
