"""What was found, for people (text), for programs (JSON) and for code hosts (SARIF 2.1.0)."""

from __future__ import annotations

import re
from typing import Any

from preflight.engine import Finding, Result, Undecided, all_rules
from preflight.rule import Rule
from preflight.sources import line_of

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_MARKS = {"error": "✗", "warning": "!"}


def as_text(result: Result, lines: dict[str, str], *, undecided: bool = False) -> str:
    """A table for people: each finding with where, what otherwise happens, and the remedy."""
    parts = [_finding_text(finding, lines) for finding in result.findings]
    if result.waived:
        parts.append("waived:\n" + "\n".join(_waived_text(finding) for finding in result.waived))
    parts += [f"✗ rule failed, please report it: {text}" for text in result.crashed]
    if undecided:
        parts.append("undecided:\n" + "\n".join(_undecided_text(one) for one in result.undecided))
    parts.append(
        f"{result.rules} rules over {result.resources} resources in {result.seconds:.2f} s: "
        f"{_count(len(result.errors), 'error')}, {_count(len(result.warnings), 'warning')}, "
        f"{len(result.waived)} waived, {_count(len(result.undecided), 'place')} undecided"
        + ("" if undecided or not result.undecided else " (--undecided lists them)")
    )
    return "\n\n".join(parts)


def _finding_text(finding: Finding, lines: dict[str, str]) -> str:
    rule = finding.rule
    said = [
        f"{_MARKS[finding.level]} {finding.rule_id}  {finding.construct_path}",
        f"    {finding.at}: {finding.message}",
    ]
    if made := line_of(finding.construct_path, lines):
        said.append(f"    made at     {made}")
    if rule:
        said += [
            f"    otherwise   {rule.otherwise}",
            f"    remedy      {rule.remedy}",
            f"    source      {rule.source} ({rule.confidence}; {rule.severity})",
        ]
    return "\n".join(said)


def _waived_text(finding: Finding) -> str:
    waiver = finding.waiver
    assert waiver  # noqa: S101  (only waived findings come here)
    return (
        f"  {finding.rule_id}  {finding.construct_path}  {finding.at}: {finding.message}\n"
        f"      {waiver.owner} until {waiver.expires}: {waiver.reason}"
    )


def _undecided_text(one: Undecided) -> str:
    return f"  {one.rule.id}  {one.construct_path}  {one.at}: {one.why}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def as_json(result: Result, lines: dict[str, str]) -> dict[str, Any]:
    """`ok` at the top, then the figures, then every finding, waived and undecided place."""
    return {
        "ok": result.ok,
        "rules": result.rules,
        "resources": result.resources,
        "seconds": round(result.seconds, 3),
        "errors": len(result.errors),
        "warnings": len(result.warnings),
        "findings": [_finding_json(finding, lines) for finding in result.findings],
        "waived": [_finding_json(finding, lines) for finding in result.waived],
        "undecided": [
            {"rule": one.rule.id, "construct": one.construct_path, "at": one.at, "why": one.why}
            for one in result.undecided
        ],
        "crashed": result.crashed,
    }


def _finding_json(finding: Finding, lines: dict[str, str]) -> dict[str, Any]:
    rule, waiver = finding.rule, finding.waiver
    found: dict[str, Any] = {
        "rule": finding.rule_id,
        "level": str(finding.level),
        "construct": finding.construct_path,
        "stack": finding.stack.name,
        "logical_id": finding.resource.logical_id if finding.resource else None,
        "template": finding.stack.file,
        "line": line_of(finding.construct_path, lines),
        "at": finding.at,
        "message": finding.message,
    }
    if rule:
        found |= {
            "severity": str(rule.severity),
            "confidence": str(rule.confidence),
            "otherwise": rule.otherwise,
            "remedy": rule.remedy,
            "source": rule.source,
        }
    if waiver:
        found["waiver"] = {"reason": waiver.reason, "owner": waiver.owner, "expires": waiver.expires.isoformat()}
    return found


def as_sarif(result: Result, lines: dict[str, str]) -> dict[str, Any]:
    """SARIF with every rule, findings as results, waived ones as suppressed results.

    Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/
    """
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "preflight", "rules": [_sarif_rule(rule) for rule in all_rules().values()]}
                },
                "invocations": [{"executionSuccessful": not result.crashed}],
                "results": [_sarif_result(finding, lines) for finding in (*result.findings, *result.waived)],
            }
        ],
    }


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}. Otherwise: {rule.otherwise}"},
        "help": {"text": f"{rule.remedy} ({rule.source})"},
        "defaultConfiguration": {"level": str(rule.level)},
        "properties": {"severity": str(rule.severity), "confidence": str(rule.confidence)},
    }
    if rule.source.startswith("https://") and " " not in rule.source:
        described["helpUri"] = rule.source
    return described


def _sarif_result(finding: Finding, lines: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "level": str(finding.level),
        "message": {"text": f"{finding.construct_path}: {finding.at}: {finding.message}"},
        "locations": [
            {
                "physicalLocation": _place(finding, lines),
                "logicalLocations": [{"fullyQualifiedName": f"{finding.construct_path}/{finding.at}"}],
            }
        ],
    }
    if finding.waiver:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.waiver.reason}]
    return result


def _place(finding: Finding, lines: dict[str, str]) -> dict[str, Any]:
    """The line of code where it is known, else the template."""
    made = re.fullmatch(r"(.+):(\d+)", line_of(finding.construct_path, lines) or "")
    if made:
        return {"artifactLocation": {"uri": made[1]}, "region": {"startLine": int(made[2])}}
    return {"artifactLocation": {"uri": finding.stack.file}}


def rules_table() -> str:
    """Every rule as a Markdown table."""
    rows = [
        f"| {rule.id} | {_cell(rule.title)} | {rule.level} ({rule.severity}, {rule.confidence}) "
        f"| {_cell(rule.otherwise)} | {_cell(rule.source)} |"
        for rule in sorted(all_rules().values(), key=_natural)
    ]
    return "\n".join(["| rule | what has to hold | level | otherwise | source |", "|---|---|---|---|---|", *rows])


def _natural(rule: Rule) -> tuple[str, int, str]:
    prefix, _, rest = rule.id.partition("-")
    digits = re.match(r"\d+", rest)
    return prefix, int(digits[0]) if digits else 0, rest


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
