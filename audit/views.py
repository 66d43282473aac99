"""Who can do what, and who can reach what, as `audit.access` and `audit.network` have worked it out: plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from audit.access.report import access_report
from audit.access.settings import FILE, Settings, SettingsError, load_settings
from audit.assembly import AuditError
from audit.model import Finding, ResourceEntry, State, Tool
from audit.network.picture import picture
from audit.network.report import network_report
from preflight.assembly import Assembly

View = dict[str, Any]


def settings(root: Path) -> Settings:
    """Raises AuditError where `config/access.toml` cannot be used."""
    try:
        return load_settings(root / FILE)
    except SettingsError as error:
        raise AuditError(str(error)) from error


def access(assemblies: Sequence[Assembly], judged_by: Settings) -> View:
    """All assemblies together, so that ways from one into another are found."""
    return _plain(access_report(assemblies, judged_by).to_json())


def network(assembly: Assembly, judged_by: Settings) -> View:
    """With its `picture`, an SVG that needs nothing from elsewhere."""
    found = network_report(assembly, judged_by)
    return {**_plain(found.to_json()), "picture": picture(found)}


def verdicts(
    access: View, network: View, resources: Iterable[ResourceEntry]
) -> tuple[tuple[Tool, ...], tuple[Finding, ...]]:
    """Both as tools with findings, beside all others."""
    known = {one.path for one in resources}
    said = (
        ("access", access, access["action_data"], f"who can do what: {len(access['principals'])} principals"),
        ("network", network, "", f"who can reach what: {len(network['places'])} places"),
    )
    tools, findings = [], []
    for name, view, version, scope in said:
        found = [_finding(name, one, known) for one in view["findings"]]
        state = State.FAILED if found else State.PASSED
        tools.append(Tool(name=name, kind="view", version=version, state=state, scope=scope, failed=len(found)))
        findings += found
    return tuple(tools), tuple(findings)


def _finding(tool: str, one: View, known: set[str]) -> Finding:
    return Finding(
        tool=tool,
        rule=one["check"],
        message=f"{one['text']}. Remedy: {one['remedy']}",
        severity="error",
        state=State.FAILED,
        path=next((path for path in (one["path"], f"{one['path']}/Resource") if path in known), one["path"]),
    )


def readers(access: View, path: str) -> tuple[str, ...]:
    """Principals that may read the store at a construct path."""
    names = {path, path.removesuffix("/Resource")}
    return tuple(
        f"{one['path']}{' (when ' + '; '.join(hold['conditions']) + ')' if hold['conditions'] else ''}"
        for one in access["principals"]
        for hold in one["holds"]
        if hold["store"] in names and hold["reach"] == "read"
    )


def _plain(value: View) -> View:
    written: View = json.loads(json.dumps(value, default=lambda one: getattr(one, "value", str(one))))
    return written
