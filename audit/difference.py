"""What changed since an earlier report: findings, acknowledgements, tools, statements and resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.assembly import AuditError
from audit.model import Change, Difference, Finding, Report, State
from audit.signing import verify

REPORT = "report.json"


def compare(report: Report, folder: Path, key: Path | None) -> Difference:
    """The difference to the report in `folder`. Raises AuditError where there is none of this environment."""
    try:
        earlier = json.loads((folder / REPORT).read_text())
    except (OSError, ValueError) as error:
        raise AuditError(f"{folder} holds no earlier report: {error}") from error
    if earlier.get("environment") != report.environment:
        raise AuditError(f"{folder} is a report of {earlier.get('environment')}, not of {report.environment}")
    return Difference(
        against=str(folder),
        made_at=earlier["made_at"],
        commit=earlier["commit"],
        verified=_verified(folder, key),
        changes=tuple(changes(report, earlier)),
    )


def _verified(folder: Path, key: Path | None) -> str:
    try:
        verdict = verify(folder, key=key)
    except AuditError as error:
        return f"not verified: {error}"
    if not verdict.ok:
        return f"NOT AUTHENTIC: {'; '.join(verdict.faults)}"
    return f"unchanged since it was signed by {verdict.fingerprint}" + (", a trusted key" if verdict.trusted else "")


def changes(report: Report, earlier: dict[str, Any]) -> Iterator[Change]:
    """Every change, findings first."""
    before = {one["key"]: one for one in earlier["findings"]}
    now = {one.key: one for one in report.findings}
    for key, finding in now.items():
        yield from _changed(finding, before.get(key))
    for key, one in before.items():
        if key not in now:
            yield Change(kind="mended", what=_name(one), path=one["path"], text=f"was {one['state']}: {one['message']}")
    yield from _states("tool", {one["name"]: one["state"] for one in earlier["tools"]},
                       {one.name: one.state for one in report.tools})  # fmt: skip
    yield from _states(
        "statement",
        {f"{store['path']} {one['name']}": one["state"] for store in earlier["stores"] for one in store["statements"]},
        {f"{store.path} {one.name}": one.state for store in report.stores for one in store.statements},
    )
    yield from _states("resource", dict.fromkeys((one["path"] for one in earlier["resources"]), "there"),
                       dict.fromkeys((one.path for one in report.resources), "there"))  # fmt: skip


def _changed(finding: Finding, before: dict[str, Any] | None) -> Iterator[Change]:
    name = f"{finding.tool} {finding.rule}"
    if before is None:
        text = f"{finding.state}: {finding.message}"
        yield Change(kind="new", what=name, path=finding.path, text=text, key=finding.key)
    elif before["state"] != finding.state:
        kind = "acknowledged" if finding.state is State.ACKNOWLEDGED else "unacknowledged"
        text = f"{before['state']}, now {finding.state}"
        yield Change(kind=kind, what=name, path=finding.path, text=text, key=finding.key)
    else:
        old, new = before.get("acknowledgement") or {}, finding.acknowledgement
        expires = str(new.expires) if new and new.expires else None
        if new and (old.get("reason"), old.get("expires")) != (new.reason, expires):
            text = f"another reason or last day: {old.get('reason')} (until {old.get('expires')})"
            yield Change(kind="changed", what=name, path=finding.path, text=text, key=finding.key)


def _states(what: str, before: dict[str, str], now: dict[str, Any]) -> Iterator[Change]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, "not there"), str(now.get(name, "not there"))
        if old != new:
            yield Change(kind="changed", what=what, path=name, text=f"{old}, now {new}")


def _name(one: dict[str, Any]) -> str:
    return f"{one['tool']} {one['rule']}"
