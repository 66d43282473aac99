"""The controls as OSCAL assessment results, for tools of governance, risk and compliance.

https://pages.nist.gov/OSCAL/learn/concepts/layer/assessment/assessment-results/
One result for each framework: an observation for each rule, a finding for each control, a risk for each control that
does not hold, or holds by an acknowledgement. Identifiers are UUIDs of version 5, the same in every report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from audit.controls import Control, by_framework
from audit.model import Finding, Report, Rule, State
from audit.outputs.document import stamp

OSCAL_VERSION = "1.2.3"
"""The schema's version, http://csrc.nist.gov/ns/oscal/1.2.3/oscal-ar-schema.json."""

_SPACE = uuid5(NAMESPACE_URL, "https://spendsmart.example/audit")
_CATALOGS = {
    "NIST SP 800-53 Rev. 5": "https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
    "HIPAA Security Rule (45 CFR Part 164)": "https://www.ecfr.gov/current/title-45/subtitle-A/subchapter-C/part-164/subpart-C",
    "PCI DSS 3.2.1": "https://www.pcisecuritystandards.org/document_library/",
    "AWS Solutions": "https://github.com/cdklabs/cdk-nag/blob/main/RULES.md",
}


def as_oscal(report: Report) -> dict[str, Any]:
    """Assessment results with one result for each framework that has a control with something to look at."""
    made_at, space = stamp(report.made_at), uuid5(_SPACE, report.environment)
    findings = {one.key: one for one in report.findings}
    results = [
        _result(report, framework, [one for one in controls if one.state is not State.NOT_APPLICABLE], findings, space)
        for framework, controls in by_framework(report.rules).items()
        if any(one.state is not State.NOT_APPLICABLE for one in controls)
    ]
    plan = str(uuid5(space, "plan"))
    return {
        "assessment-results": {
            "uuid": str(uuid5(space, f"{report.commit} {made_at}")),
            "metadata": {
                "title": f"SpendSmart {report.environment}: controls judged from synthesized templates",
                "last-modified": made_at,
                "version": report.commit[:12],
                "oscal-version": OSCAL_VERSION,
                "parties": [
                    {
                        "uuid": str(uuid5(_SPACE, "assessor")),
                        "type": "organization",
                        "name": "SpendSmart platform audit",
                    }
                ],
            },
            "import-ap": {"href": f"#{plan}"},
            "results": results,
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": "Assessment plan",
                        "description": "Every rule of every pack over every resource of the templates: docs/audit.md.",
                        "rlinks": [{"href": "docs/audit.md"}],
                    }
                ]
            },
        }
    }


def _result(
    report: Report, framework: str, controls: list[Control], findings: dict[str, Finding], space: UUID
) -> dict[str, Any]:
    space = uuid5(space, framework)
    rules = {rule.id: rule for control in controls for rule in control.rules if rule.state is not State.NOT_APPLICABLE}
    open_ones = [one for one in controls if one.state in (State.FAILED, State.ACKNOWLEDGED)]
    result: dict[str, Any] = {
        "uuid": str(uuid5(space, "result")),
        "title": framework,
        "description": _line(f"What the templates show about {framework}. {_CATALOGS.get(framework, '')}"),
        "start": stamp(report.made_at),
        "end": stamp(report.made_at),
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": token(one.id)} for one in controls]}]
        },
        "observations": [_observation(report, rule, findings, space) for _, rule in sorted(rules.items())],
        "findings": [_finding(control, space) for control in controls],
    }
    if open_ones:
        result["risks"] = [_risk(control, findings, space) for control in open_ones]
    return result


def _observation(report: Report, rule: Rule, findings: dict[str, Finding], space: UUID) -> dict[str, Any]:
    said: dict[str, Any] = {
        "uuid": str(uuid5(space, rule.id)),
        "title": _line(rule.title),
        "description": _line(f"{rule.id}: {rule.state}, {rule.checked} resources looked at. {rule.why}"),
        "props": [{"name": "rule", "value": rule.id}, {"name": "state", "value": str(rule.state).replace(" ", "-")}],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": stamp(report.made_at),
    }
    found = [findings[key] for key in rule.findings if key in findings]
    if found:
        said["relevant-evidence"] = [
            {"href": f"index.html#f-{one.key}", "description": _line(f"{one.state}: {one.path}")} for one in found
        ]
    return said


def _finding(control: Control, space: UUID) -> dict[str, Any]:
    satisfied = control.state in (State.PASSED, State.ACKNOWLEDGED)
    said: dict[str, Any] = {
        "uuid": str(uuid5(space, f"finding {control.id}")),
        "title": control.id,
        "description": f"{control.state}: {control.checked} resources looked at by {len(control.rules)} rules",
        "target": {
            "type": "objective-id",
            "target-id": token(control.id),
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": {State.PASSED: "pass", State.FAILED: "fail"}.get(control.state, "other"),
                "remarks": str(control.state),
            },
        },
        "related-observations": [
            {"observation-uuid": str(uuid5(space, rule.id))}
            for rule in control.rules
            if rule.state is not State.NOT_APPLICABLE
        ],
    }
    if control.state in (State.FAILED, State.ACKNOWLEDGED):
        said["related-risks"] = [{"risk-uuid": str(uuid5(space, f"risk {control.id}"))}]
    return said


def _risk(control: Control, findings: dict[str, Finding], space: UUID) -> dict[str, Any]:
    accepted = control.state is State.ACKNOWLEDGED
    found = [findings[key] for rule in control.rules for key in rule.findings if key in findings]
    said: dict[str, Any] = {
        "uuid": str(uuid5(space, f"risk {control.id}")),
        "title": f"{control.id}: {'accepted' if accepted else 'open'}",
        "description": f"{len(found)} findings at {len({one.path for one in found})} resources",
        "statement": _line("; ".join(dict.fromkeys(_stated(found)))) or "no statement",
        "status": "deviation-approved" if accepted else "open",
    }
    expiries = [one.acknowledgement.expires for one in found if one.acknowledgement and one.acknowledgement.expires]
    if accepted and expiries:
        said["deadline"] = f"{min(expiries).isoformat()}T00:00:00Z"
    return said


def _stated(found: Iterable[Finding]) -> Iterable[str]:
    for one in found:
        yield one.acknowledgement.reason if one.acknowledgement else one.message


def token(text: str) -> str:
    """A control's name as an OSCAL token: `AC-2(1)` as `ac-2.1`, `164.312(b)` as `_164.312.b`."""
    found = re.sub(r"[^a-z0-9._-]+", ".", text.lower()).strip(".")
    return found if found[:1].isalpha() else f"_{found}"


def _line(text: str) -> str:
    return " ".join(text.split())
