"""Where a tool disagrees with us: each disagreement explained once, in `explained.toml`, with an owner and a last day.

An entry covers findings of one rule of one tool at the constructs that its patterns name. One that has expired covers
nothing any more, and one that matches no finding in any environment fails `make audit ENV=all`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from audit.assembly import AuditError
from audit.model import Acknowledgement, Finding, State

FILE = Path(__file__).with_name("explained.toml")
_SHORTEST_REASON = 40


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """`where` are patterns of construct paths; `reference` is what shows it: an ADR, a test, a page of AWS's."""

    tool: str
    rule: str
    where: tuple[str, ...]
    reason: str
    owner: str
    reference: str
    decided: date
    expires: date

    @property
    def answer(self) -> Acknowledgement:
        return Acknowledgement(
            reason=self.reason,
            source=f"audit/opinions/{FILE.name}",
            owner=self.owner,
            reference=self.reference,
            since=self.decided,
            expires=self.expires,
        )

    def covers(self, finding: Finding) -> bool:
        return self.is_about(finding.tool, finding.rule, finding.path)

    def is_about(self, tool: str, rule: str, path: str) -> bool:
        return (tool, rule) == (self.tool, self.rule) and any(fnmatchcase(path, pattern) for pattern in self.where)


def explanations(file: Path = FILE) -> tuple[Explanation, ...]:
    """Every entry. Raises AuditError for one that lacks something, says too little, or covers everything."""
    try:
        written = tomllib.loads(file.read_text())
        common = written.get("every", {})
        found = tuple(
            Explanation(**{**common, **entry, "where": tuple(entry["where"])}) for entry in written["disagreement"]
        )
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{file}: {error}") from error
    for one in found:
        if len(one.reason) < _SHORTEST_REASON or not isinstance(one.expires, date):
            raise AuditError(
                f"{file.name}: {one.tool} {one.rule} needs a reason of {_SHORTEST_REASON} letters and a date"
            )
        if not one.where or {"*", "**", ""} & set(one.where):
            raise AuditError(f"{file.name}: {one.tool} {one.rule} has to name constructs, not everything")
    return found


def idle(entries: Sequence[Explanation], reports: Sequence[Path]) -> tuple[Explanation, ...]:
    """Those that explain nothing in any of these reports' folders: what they were about has been mended.

    Raises AuditError for a report that cannot be read, or whose tools were not all run: it would show too little.
    """
    found: set[tuple[str, str, str]] = set()
    wanted = {one.tool for one in entries}
    for folder in reports:
        try:
            report = json.loads((folder / "report.json").read_text())
        except (OSError, ValueError) as error:
            raise AuditError(f"{folder}: {error}; make the report first: make audit ENV=all") from error
        ran = {tool["name"] for tool in report["tools"] if tool["state"] != State.NOT_RUN}
        if missing := wanted - ran:
            raise AuditError(f"{folder}: {', '.join(sorted(missing))} did not run, so nothing shows what it would find")
        found |= {(one["tool"], one["rule"], one["path"]) for one in report["findings"]}
    return tuple(one for one in entries if not any(one.is_about(*each) for each in found))


def answer_for(finding: Finding, entries: Sequence[Explanation]) -> Acknowledgement | None:
    """Of the first entry that covers it."""
    return next((one.answer for one in entries if one.covers(finding)), None)


def answered(findings: Sequence[Finding], entries: Sequence[Explanation]) -> tuple[Finding, ...]:
    """Findings that an app has silenced and nobody answers for, as in CDK's own validation, which keeps a reason alone:
    with the entry that does, or failing."""
    return tuple(_answered(one, entries) for one in findings)


def _answered(finding: Finding, entries: Sequence[Explanation]) -> Finding:
    if finding.state is not State.ACKNOWLEDGED or (finding.acknowledgement and finding.acknowledgement.owner):
        return finding
    if answer := answer_for(finding, entries):
        return replace(finding, acknowledgement=answer)
    message = f"{finding.message} (silenced, but nobody answers for it: add it to {FILE.name})"
    return replace(finding, state=State.FAILED, message=message, acknowledgement=None)


def valid(entries: Sequence[Explanation], today: date) -> tuple[Explanation, ...]:
    """Those that have not expired."""
    return tuple(one for one in entries if today <= one.expires)
