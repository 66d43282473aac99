"""What a tool has said of the templates, in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audit.model import Finding, State, Tool
from audit.opinions.explained import Explanation, answer_for


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """A tool's findings before anybody answered for them. `passed` counts checks that held, where the tool says so."""

    name: str
    version: str
    scope: str
    findings: tuple[Finding, ...]
    passed: int | None = None


@dataclass(frozen=True, kw_only=True)
class NotRun:
    """A tool that has said nothing, and why."""

    name: str
    scope: str
    why: str


def judged(opinion: Opinion | NotRun, explanations: Sequence[Explanation]) -> tuple[Tool, tuple[Finding, ...]]:
    """The tool's verdict, and its findings with the explanations of those where it disagrees with us."""
    if isinstance(opinion, NotRun):
        tool = Tool(
            name=opinion.name,
            kind="second opinion",
            version="",
            state=State.NOT_RUN,
            scope=opinion.scope,
            because=(opinion.why,),
        )
        return tool, ()
    found = tuple(_explained(finding, explanations) for finding in opinion.findings)
    failed = sum(finding.state is State.FAILED for finding in found)
    return (
        Tool(
            name=opinion.name,
            kind="second opinion",
            version=opinion.version,
            state=State.FAILED if failed else State.PASSED,
            scope=opinion.scope,
            failed=failed,
            acknowledged=len(found) - failed,
            passed=opinion.passed,
        ),
        found,
    )


def _explained(finding: Finding, explanations: Sequence[Explanation]) -> Finding:
    answer = answer_for(finding, explanations)
    return replace(finding, state=State.ACKNOWLEDGED, acknowledgement=answer) if answer else finding
