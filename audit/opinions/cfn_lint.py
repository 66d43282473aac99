"""cfn-lint over the templates, with every rule on: what `.cfnlintrc` silences in CI is shown here, and explained."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from audit.model import Finding, State
from audit.opinions.opinion import Opinion
from audit.opinions.running import program, remembered, resource_at, run, templates
from preflight.assembly import Assembly

NAME = "cfn-lint"
SCOPE = "CloudFormation templates, for the region of each"


def ask(assembly: Assembly, cache: Path | None) -> Opinion:
    """Raises NotRunError where it is not installed or does not end well."""
    linter = program("cfn-lint")
    version = importlib.metadata.version("cfn-lint")
    said = remembered(NAME, version, assembly, cache, lambda: _asked(linter, assembly))
    return Opinion(name=NAME, version=version, scope=SCOPE, findings=tuple(_finding(one, assembly) for one in said))


def _asked(linter: Path, assembly: Assembly) -> list[dict[str, Any]]:
    found = []
    with templates(assembly) as folder:
        regions = sorted({stack.region or "us-east-1" for stack in assembly.stacks})
        names = sorted(file.name for file in folder.iterdir())
        command: list[str | Path] = [linter, "--format", "json", "--regions", *regions, "--", *names]
        # The number is a set of bits: 2 errors, 4 warnings, 8 informational ones.
        for one in json.loads(run(command, codes=(0, 2, 4, 6, 8, 10, 12, 14), folder=folder)):
            keys = [str(key) for key in one["Location"]["Path"] or []]
            found.append(
                {
                    "rule": one["Rule"]["Id"],
                    "message": one["Message"],
                    "level": one["Level"],
                    "file": one["Filename"],
                    "logical_id": keys[1] if keys[:1] == ["Resources"] and len(keys) > 1 else "",
                    "at": ".".join(keys[3:] if keys[2:3] == ["Properties"] else keys[2:]),
                }
            )
    return sorted(found, key=lambda one: [one[key] for key in sorted(one)])


def _finding(one: dict[str, str], assembly: Assembly) -> Finding:
    resource = resource_at(assembly, one["file"], one["logical_id"])
    return Finding(
        tool=NAME,
        rule=one["rule"],
        message=one["message"],
        severity="error" if one["level"] == "Error" else "warning",
        state=State.FAILED,
        path=resource.construct_path if resource else one["file"].removesuffix(".template.json"),
        at=one["at"],
    )
