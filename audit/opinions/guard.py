"""AWS Control Tower's proactive controls by cfn-guard: the rules that AWS itself applies to CloudFormation as hooks.

https://docs.aws.amazon.com/controltower/latest/controlreference/proactive-controls.html
Rules for types that no template has are left out: cfn-guard would only skip them, and each takes time to read.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit.model import Finding, State
from audit.opinions.opinion import Opinion
from audit.opinions.running import TOOLS, NotRunError, remembered, resource_at, run, templates
from preflight.assembly import Assembly

NAME = "cfn-guard"
SCOPE = "CloudFormation templates, AWS Control Tower's proactive controls"
FOLDER = TOOLS / "cfn-guard"
_RULES = FOLDER / "rules" / "control-tower"
_SYSTEMS = {"Linux": "ubuntu", "Darwin": "macos"}
_MACHINES = {"arm64": "aarch64", "AMD64": "x86_64"}
_CONTROL = re.compile(r"\[(?P<id>CT\.[^\]]+)\]: (?P<title>[^\n\"\\]+)")


def ask(assembly: Assembly, cache: Path | None) -> Opinion:
    """Raises NotRunError where there is no binary for this machine, or it does not end well."""
    machine = _MACHINES.get(platform.machine(), platform.machine())
    guard = FOLDER / "bin" / _SYSTEMS.get(platform.system(), "none") / machine / "cfn-guard"
    if not guard.exists():
        raise NotRunError(f"there is no cfn-guard for {platform.system()} on {machine}: scripts/audit-tools")
    version = run([guard, "--version"], codes=(0,), folder=FOLDER).split()[-1]
    said = remembered(NAME, version, assembly, cache, lambda: _asked(guard, assembly))
    return Opinion(
        name=NAME,
        version=version,
        scope=f"{SCOPE} ({said['rules']} for these types)",
        findings=tuple(_finding(one, assembly) for one in said["failed"]),
        passed=said["passed"],
    )


def _asked(guard: Path, assembly: Assembly) -> dict[str, Any]:
    rules = rules_for({resource.type for resource in assembly.resources()})
    failed, passed = [], 0
    with templates(assembly) as folder:
        command = [guard, "validate", "--data", folder, *(part for rule in rules for part in ("--rules", rule))]
        command += ["--output-format", "json", "--structured", "--show-summary", "none"]
        # 19: a template breaks a rule.
        for template in json.loads(run(command, codes=(0, 19), folder=folder)):
            passed += len(template.get("compliant", []))
            for broken in template["not_compliant"]:
                failed += list(_broken(Path(template["name"]).name, broken["Rule"]))
    return {"failed": sorted(failed, key=json.dumps), "passed": passed, "rules": len(rules)}


def rules_for(types: set[str]) -> list[Path]:
    """The rule files of the controls that look at any of these types."""
    found = []
    for file in sorted((_RULES / "metadata").glob("*/*.metadata.json")):
        metadata = json.loads(file.read_text())
        if types & set(metadata["EvaluatedResourceTypes"]):
            rule = _RULES / "cfn-guard" / file.parent.name / f"{file.name.removesuffix('.metadata.json')}.guard"
            if rule.exists():
                found.append(rule)
    return found


def _broken(file: str, rule: dict[str, Any]) -> Iterator[dict[str, str]]:
    control = _CONTROL.search(" ".join(_messages(rule)))
    for logical_id in sorted({path.split("/")[2] for path in _paths(rule) if path.startswith("/Resources/")}):
        yield {
            "rule": control["id"] if control else rule["name"],
            "message": control["title"].strip() if control else rule["name"],
            "file": file,
            "logical_id": logical_id,
        }


def _messages(value: Any) -> Iterator[str]:
    for key, inner in _below(value):
        if key == "custom_message" and isinstance(inner, str):
            yield inner


def _paths(value: Any) -> Iterator[str]:
    for key, inner in _below(value):
        if key == "path" and isinstance(inner, str):
            yield inner


def _below(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _below(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _below(inner)


def _finding(one: dict[str, str], assembly: Assembly) -> Finding:
    resource = resource_at(assembly, one["file"], one["logical_id"])
    return Finding(
        tool=NAME,
        rule=one["rule"],
        message=one["message"],
        severity="error",
        state=State.FAILED,
        path=resource.construct_path if resource else f"{one['file']}/{one['logical_id']}",
    )
