"""What a report holds: plain data, which every form of output is written from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What became of a check. What was not run has shown nothing, so it is never counted with what passed."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    ACKNOWLEDGED = "acknowledged"
    NOT_RUN = "not run"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """A finding that somebody answers for. `source` is where that is written; the last three may be missing."""

    reason: str
    source: str
    owner: str = ""
    reference: str = ""
    since: date | None = None
    expires: date | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule of one tool at one resource. `detail` tells apart several findings of a rule there."""

    tool: str
    rule: str
    detail: str = ""
    message: str
    severity: str
    state: State
    path: str
    at: str = ""
    acknowledgement: Acknowledgement | None = None

    @property
    def key(self) -> str:
        """The same for the same finding in every report of every environment that has it."""
        parts = (self.tool, self.rule, self.detail, self.path, self.at)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class ResourceEntry:
    """One resource of a template, and the line of code that made it (`file:line`, relative to the repository)."""

    path: str
    type: str
    stack: str
    logical_id: str
    template: str
    region: str
    line: str
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a pack: which controls it is evidence for, what it looked at, and what became of it."""

    pack: str
    id: str
    title: str
    why: str = ""
    controls: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    checked: int = 0
    state: State = State.NOT_RUN
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool's verdict. `because` says why it was not run or has failed; `scope` what it has looked at."""

    name: str
    kind: str
    version: str
    state: State
    scope: str
    because: tuple[str, ...] = ()
    failed: int = 0
    acknowledged: int = 0
    passed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One promise about one data store: encryption, transit, backup, retention, region or protection."""

    name: str
    state: State
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Store:
    """One place where data stays, and what is promised about it."""

    path: str
    type: str
    title: str
    classification: str
    classified_by: str
    region: str
    encryption: str
    key: str
    backup: str
    retention: str
    replication: str
    readers: tuple[str, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """One proof that data can be brought back, and when it was last done."""

    name: str
    state: State
    when: str
    said: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference to an earlier report. `kind` is new, mended, acknowledged, unacknowledged or changed."""

    kind: str
    what: str
    path: str
    text: str
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What changed since an earlier report. `verified` says what its own signature was worth."""

    against: str
    made_at: str
    commit: str
    verified: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was found out about one environment."""

    environment: str
    made_at: datetime
    commit: str
    uncommitted: bool
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    versions: dict[str, str]
    resources: tuple[ResourceEntry, ...]
    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    tools: tuple[Tool, ...]
    stores: tuple[Store, ...]
    recovery: tuple[Recovery, ...]
    access: dict[str, Any]
    network: dict[str, Any]
    difference: Difference | None = None
    faults: tuple[str, ...] = field(default=())

    @property
    def failed(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.state is State.FAILED)

    @property
    def acknowledged(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.state is State.ACKNOWLEDGED)

    @property
    def ok(self) -> bool:
        """Nothing has failed. What was not run does not make a report good: `complete` tells."""
        statements = [statement.state for store in self.stores for statement in store.statements]
        states = [*statements, *(tool.state for tool in self.tools), *(proof.state for proof in self.recovery)]
        return not self.failed and not self.faults and State.FAILED not in states

    @property
    def complete(self) -> bool:
        """Every tool and every proof has run."""
        states = [*(tool.state for tool in self.tools), *(proof.state for proof in self.recovery)]
        return State.NOT_RUN not in states
