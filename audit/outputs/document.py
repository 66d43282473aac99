"""The report as one JSON document, which holds everything that the other files show (docs/audit.md names its keys)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from audit.controls import by_framework
from audit.model import Finding, Report, State


def as_json(report: Report) -> dict[str, Any]:
    """Plain JSON, in an order that depends on the input alone."""
    return {
        "ok": report.ok,
        "complete": report.complete,
        "environment": report.environment,
        "made_at": stamp(report.made_at),
        "commit": report.commit,
        "uncommitted": report.uncommitted,
        "accounts": report.accounts,
        "regions": report.regions,
        "versions": report.versions,
        "counts": counts(report),
        "faults": report.faults,
        "tools": [plain(asdict(one)) for one in report.tools],
        "controls": {
            framework: [
                {"id": one.id, "state": one.state, "checked": one.checked, "rules": [rule.id for rule in one.rules]}
                for one in controls
            ]
            for framework, controls in by_framework(report.rules).items()
        },
        "rules": [plain(asdict(one)) for one in report.rules],
        "findings": [{"key": one.key, **plain(asdict(one))} for one in report.findings],
        "stores": [plain(asdict(one)) for one in report.stores],
        "recovery": [plain(asdict(one)) for one in report.recovery],
        "access": report.access,
        "network": {key: value for key, value in report.network.items() if key != "picture"},
        "difference": plain(asdict(report.difference)) if report.difference else None,
        "resources": [
            {key: value for key, value in plain(asdict(one)).items() if key != "body"} for one in report.resources
        ],
    }


def counts(report: Report) -> dict[str, int]:
    """The figures that matter at one glance."""
    statements = [statement.state for store in report.stores for statement in store.statements]
    return {
        "resources": len(report.resources),
        "findings_failed": len(report.failed),
        "findings_acknowledged": len(report.acknowledged),
        "acknowledgements": len({acknowledgement_of(one) for one in report.acknowledged}),
        "tools_failed": sum(one.state is State.FAILED for one in report.tools),
        "tools_not_run": sum(one.state is State.NOT_RUN for one in report.tools),
        "stores": len(report.stores),
        "statements_failed": sum(state is State.FAILED for state in statements),
    }


def acknowledgement_of(finding: Finding) -> tuple[str, str]:
    """What makes two acknowledgements the same decision at the same place."""
    return (finding.path, finding.acknowledgement.reason if finding.acknowledgement else "")


def stamp(moment: datetime) -> str:
    """UTC to the second, as in 2026-11-28T10:00:00Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Any) -> Any:
    """Dates as texts, whatever they are inside of."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return stamp(value)
    return value.isoformat() if isinstance(value, date) else value
