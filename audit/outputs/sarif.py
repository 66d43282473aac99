"""Findings as SARIF 2.1.0, one run for each tool, so that a code host shows them at the line that made the resource.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from audit.model import Finding, Report, ResourceEntry, Rule, State
from audit.outputs.document import stamp

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "fatal": "error", "warning": "warning", "info": "note", "note": "note"}


def as_sarif(report: Report) -> dict[str, Any]:
    """A run for each tool that was asked: one without findings has an empty list, one that was not run none at all."""
    by_tool: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_tool.setdefault(finding.tool, []).append(finding)
    tools = {one.name: one for one in report.tools}
    names = [*tools, *(name for name in by_tool if name not in tools)]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            _run(report, name, tools[name].version if name in tools else "", by_tool.get(name, []))
            for name in names
            if name in by_tool or tools[name].state is not State.NOT_RUN
        ],
    }


def _run(report: Report, name: str, version: str, findings: Iterable[Finding]) -> dict[str, Any]:
    resources = {one.path: one for one in report.resources}
    found = list(findings)
    known = {rule.id: rule for rule in report.rules}
    ids = sorted({one.rule for one in found})
    titles = {one.rule: one.message for one in reversed(found)}
    driver: dict[str, Any] = {"name": name, "rules": [_rule(id, known.get(id), titles[id]) for id in ids]}  # noqa: A001
    if version:
        driver["version"] = version
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"audit/{report.environment}/{name}"},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": stamp(report.made_at)}],
        "results": [_result(one, ids.index(one.rule), resources.get(one.path)) for one in found],
    }


def _rule(identifier: str, rule: Rule | None, title: str) -> dict[str, Any]:
    said: dict[str, Any] = {"id": identifier, "shortDescription": {"text": rule.title if rule else title}}
    if rule and rule.why:
        said["fullDescription"] = {"text": rule.why}
    if rule and rule.controls:
        said["properties"] = {"tags": list(rule.controls)}
    return said


def _result(finding: Finding, index: int, resource: ResourceEntry | None) -> dict[str, Any]:
    where = f" ({finding.detail})" if finding.detail else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS.get(finding.severity, "warning"),
        "message": {"text": f"{finding.path}: {finding.message}{where}"},
        "partialFingerprints": {"finding/v1": finding.key},
        "locations": [
            {
                "physicalLocation": _place(resource),
                "logicalLocations": [{"fullyQualifiedName": finding.path, "kind": "resource"}],
            }
        ],
    }
    if finding.acknowledgement and finding.state is State.ACKNOWLEDGED:
        answer = finding.acknowledgement
        until = f" (until {answer.expires}, {answer.owner}, {answer.reference})" if answer.expires else ""
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": f"{answer.reason}{until}"}
        ]
    return result


def _place(resource: ResourceEntry | None) -> dict[str, Any]:
    """The line of code where it is known, else the template."""
    made = re.fullmatch(r"(.+):(\d+)", resource.line if resource else "")
    if made:
        return {"artifactLocation": {"uri": made[1]}, "region": {"startLine": int(made[2])}}
    return {"artifactLocation": {"uri": resource.template if resource else "app.py"}}
