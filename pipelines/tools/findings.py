"""Findings of scanners, and those among them that somebody answers for (`config/tooling/accepted.toml`)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = ROOT / "config" / "tooling" / "accepted.toml"
_MIN_REASON = 20

State = Literal["passed", "failed", "not run"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a tool has found, at a file or in a package."""

    tool: str
    id: str
    where: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A finding that stays, why, who says so, and until when (that day included)."""

    tool: str
    id: str
    where: str
    reason: str
    owner: str
    expires: date

    def covers(self, finding: Finding) -> bool:
        return (self.tool, self.id, self.where) == (finding.tool, finding.id, finding.where)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one tool: `because` says why it failed, or why it did not run."""

    tool: str
    state: State
    because: tuple[str, ...] = ()
    accepted: int = 0


class AcceptanceError(Exception):
    """The list of accepted findings cannot be used."""


def accepted(path: Path = ACCEPTED) -> list[Acceptance]:
    """The list. Raises AcceptanceError for an entry that lacks something, or says too little."""
    entries = tomllib.loads(path.read_text()).get("finding", [])
    try:
        found = [Acceptance(**entry) for entry in entries]
    except TypeError as error:
        raise AcceptanceError(f"{path.name}: {error}") from error
    for entry in found:
        if len(entry.reason) < _MIN_REASON or not isinstance(entry.expires, date):
            raise AcceptanceError(f"{path.name}: {entry.tool} {entry.id} at {entry.where} needs a reason and a date")
    return found


def judge(
    tool: str, findings: Sequence[Finding], acceptances: Sequence[Acceptance], *, today: date | None = None
) -> Verdict:
    """Failed by a finding that nobody answers for (any more), and by an acceptance that has nothing to accept."""
    today = today or datetime.now(tz=UTC).date()
    ours = [entry for entry in acceptances if entry.tool == tool]
    wrong, covered = [], 0
    for finding in findings:
        entry = next((each for each in ours if each.covers(finding)), None)
        if entry is None:
            wrong.append(f"{finding.id} {finding.where}: {finding.text}")
        elif entry.expires < today:
            wrong.append(f"{finding.id} {finding.where}: accepted until {entry.expires} only: {finding.text}")
        else:
            covered += 1
    wrong += [
        f"{entry.id} {entry.where}: accepted, and not found any more"
        for entry in ours
        if not any(entry.covers(finding) for finding in findings)
    ]
    return Verdict(tool=tool, state="failed" if wrong else "passed", because=tuple(wrong), accepted=covered)


def report(verdicts: Sequence[Verdict], output: Path, *, tree: str = "") -> bool:
    """Print and write the verdicts (`ok`, `verdicts`). True unless a tool failed; one that did not run is named.

    `tree` is the digest of the files that were looked at, so that the audit knows whether they still are these.
    """
    for verdict in verdicts:
        extra = f", {verdict.accepted} accepted" if verdict.accepted else ""
        print(f"{verdict.state:8} {verdict.tool}{extra}")
        for line in verdict.because:
            print(f"         {line}")
    ok = all(verdict.state != "failed" for verdict in verdicts)
    output.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "ok": ok,
        "complete": all(verdict.state != "not run" for verdict in verdicts),
        "tree": tree,
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
    output.write_text(json.dumps(document, indent=2) + "\n")
    return ok
