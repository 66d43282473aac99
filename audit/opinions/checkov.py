"""Checkov over the templates: https://www.checkov.io. Without an account of its maker, findings have no severity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from audit.model import Finding, State
from audit.opinions.opinion import Opinion
from audit.opinions.running import NotRunError, program, remembered, resource_at, run, templates
from preflight.assembly import Assembly

NAME = "checkov"
SCOPE = "CloudFormation templates"


def ask(assembly: Assembly, cache: Path | None) -> Opinion:
    """Raises NotRunError where it is not installed or does not end well."""
    checkov = program("checkov")
    version = _version(checkov)
    said = remembered(NAME, version, assembly, cache, lambda: _asked(checkov, assembly))
    if said["parsing_errors"]:
        raise NotRunError(f"checkov could not read {', '.join(said['parsing_errors'])}")
    findings = tuple(_finding(one, assembly) for one in said["failed"])
    return Opinion(name=NAME, version=version, scope=SCOPE, findings=findings, passed=said["passed"])


def _version(checkov: Path) -> str:
    """From its installed metadata: starting it to ask takes seconds."""
    found = next((checkov.parent.parent / "lib").glob("python3.*/site-packages/checkov-*.dist-info"), None)
    return found.name.removeprefix("checkov-").removesuffix(".dist-info") if found else ""


def _asked(checkov: Path, assembly: Assembly) -> dict[str, Any]:
    with templates(assembly) as folder:
        command: list[str | Path] = [
            checkov,
            "--directory",
            ".",
            "--framework",
            "cloudformation",
            "--skip-download",
            "--compact",
        ]
        written = json.loads(run([*command, "--output", "json"], codes=(0, 1), folder=folder))
    results = written.get("results", {})
    kept = ("check_id", "check_name", "file_path", "resource")
    failed = [{key: one[key] for key in kept} for one in results.get("failed_checks", [])]
    return {
        "failed": sorted(failed, key=lambda one: [one[key] for key in kept]),
        "passed": written.get("summary", written)["passed"],
        "parsing_errors": sorted(results.get("parsing_errors", [])),
    }


def _finding(one: dict[str, str], assembly: Assembly) -> Finding:
    logical_id = one["resource"].rpartition(".")[2]
    resource = resource_at(assembly, one["file_path"], logical_id)
    return Finding(
        tool=NAME,
        rule=one["check_id"],
        message=one["check_name"],
        severity="error",
        state=State.FAILED,
        path=resource.construct_path if resource else f"{one['file_path']}/{logical_id}",
    )
