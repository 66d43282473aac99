"""All findings about security together."""

from __future__ import annotations

from plan.changes import Comparison
from plan.security.finding import Direction, Finding
from plan.security.permissions import permission_findings
from plan.security.ports import port_findings
from plan.security.settings import setting_findings


def security_findings(comparison: Comparison) -> list[Finding]:
    """Everything about security that a change does, what gets wider first."""
    found = [
        *port_findings(comparison.before, comparison.after, comparison.prefix),
        *permission_findings(comparison.before, comparison.after, comparison.prefix),
        *setting_findings(comparison),
    ]
    return sorted(found, key=lambda one: (one.direction is Direction.NARROWER, one.path, one.text))
