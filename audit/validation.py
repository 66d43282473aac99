"""What a synth's validation plugins have found: `validation-report.json` of the cloud assembly.

The report names only plugins that had something to say. Which ones were asked is in PLUGINS, which the app writes; a
plugin that is in neither has not run, and a clean result is believed of no plugin that was not asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audit import catalogue
from audit.assembly import AuditError
from audit.model import Acknowledgement, Finding, State
from audit.pack import acknowledgements
from preflight.assembly import Assembly

REPORT = "validation-report.json"
PLUGINS = "validation-plugins.json"
"""In the cloud assembly: name to version of every plugin that the synth has asked."""

BUILT_IN = "CloudFormation Validate"


@dataclass(frozen=True, kw_only=True)
class Validation:
    """All that the plugins have said. `silent` are acknowledgements that leave no trace in a report."""

    asked: dict[str, str]
    findings: tuple[Finding, ...]
    silent: tuple[str, ...]


def read(folder: Path, assembly: Assembly) -> Validation:
    """The validation of a synthesized assembly. Raises AuditError where it was not validated at all."""
    report = _json(folder / REPORT)
    if report is None:
        raise AuditError(f"{folder / REPORT} is missing: synthesize with validation (without CDK_VALIDATION=false)")
    plugins = report.get("pluginReports", [])
    asked = dict(_json(folder / PLUGINS) or {})
    for plugin in plugins:
        asked.setdefault(plugin["pluginName"], plugin.get("pluginVersion") or "")
        asked[plugin["pluginName"]] = asked[plugin["pluginName"]] or plugin.get("pluginVersion") or ""
    written = list(_written(folder))
    decided = {(one.construct_path, one.rule): one for one in acknowledgements.read(assembly)[0]}
    found = [_decided(finding, decided) for plugin in plugins for finding in _findings(plugin)]
    return Validation(
        asked=dict(sorted(asked.items())),
        findings=tuple(sorted(found, key=lambda one: (one.tool, one.rule, one.path, one.at, one.detail))),
        silent=tuple(sorted(_silent(written, {name.replace(" ", "-") for name in asked}))),
    )


@dataclass(frozen=True, kw_only=True)
class _Written:
    """One acknowledgement as the assembly's metadata has it."""

    path: str
    id: str
    reason: str


def _decided(finding: Finding, decided: dict[tuple[str, str], acknowledgements.Acknowledgement]) -> Finding:
    """The finding with who answers for it and until when, where the template says so."""
    name = f"{finding.rule}[{finding.detail}]" if finding.detail else finding.rule
    one = decided.get((finding.path, name))
    if one is None or finding.state is not State.ACKNOWLEDGED:
        return finding
    return replace(
        finding,
        acknowledgement=Acknowledgement(
            reason=one.reason,
            source=finding.path,
            owner=one.owner,
            reference=one.reference,
            since=one.decided,
            expires=one.expires,
        ),
    )


def _findings(plugin: dict[str, Any]) -> Iterator[Finding]:
    for violation in plugin.get("violations", []):
        yield from _at_each(plugin["pluginName"], violation, None)
    for violation in plugin.get("suppressedViolations", []):
        yield from _at_each(
            plugin["pluginName"],
            violation,
            Acknowledgement(reason=violation.get("reason", ""), source=violation.get("acknowledgedAt", "")),
        )


def _at_each(tool: str, violation: dict[str, Any], acknowledgement: Acknowledgement | None) -> Iterator[Finding]:
    rule, _, detail = violation["ruleName"].partition("[")
    for construct in violation.get("violatingConstructs", []) or [{"constructPath": ""}]:
        places = construct.get("cloudFormationResource", {}).get("propertyPaths", []) or [""]
        for place in places:
            yield Finding(
                tool=tool,
                rule=rule,
                detail=detail.removesuffix("]"),
                message=violation.get("description", ""),
                severity=violation.get("severity", "error"),
                state=State.ACKNOWLEDGED if acknowledgement else _standing(tool, violation.get("severity", "error")),
                path=construct.get("constructPath", ""),
                at=place.removeprefix("Properties."),
                acknowledgement=acknowledgement,
            )


def _standing(tool: str, severity: str) -> State:
    """cdk-nag fails a synth by its warnings too, the others do not."""
    return State.WARNING if severity in ("warning", "info") and tool not in catalogue.PACKS else State.FAILED


def _written(assembly: Path) -> Iterator[_Written]:
    for file in sorted(assembly.glob("*.metadata.json")):
        for path, entries in (_json(file) or {}).items():
            for entry in entries:
                if entry.get("type") == "aws:cdk:acknowledged-rules" and isinstance(entry.get("data"), dict):
                    for name, reason in entry["data"].items():
                        yield _Written(path=path.removeprefix("/"), id=name, reason=str(reason))


def _silent(written: list[_Written], plugins: set[str]) -> Iterator[str]:
    """A pack leaves out what is acknowledged without its own name in front: then no report shows the finding."""
    for one in written:
        if one.id.partition("::")[0] not in plugins | {"Annotation", "annotation"}:
            yield f"{one.path}: {one.id}"


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise AuditError(f"{file}: it is not JSON: {error}") from error
