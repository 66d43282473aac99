"""Preflight inside cfn-lint, for editors and pipelines that speak it: `cfn-lint --append-rules preflight/cfnlint`.

cfn-lint sees one template at a time, so rules that look across stacks find less here than over a cloud assembly.
Every error of ours comes as E9900 and every warning as W9900, with our rule's id at the head of the message.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

# cfn-lint loads this file by its path, wherever it was called from.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from preflight.engine import Finding, run
from preflight.loading import LoadError, single
from preflight.rule import Level


def _plain(value: Any) -> Any:
    """cfn-lint's nodes know their lines; ours are plain dicts, lists and scalars."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _path(finding: Finding, template: Any) -> list[str | int]:
    """Where in the template the finding is, as deep as the path leads."""
    if not finding.resource:
        return []
    path: list[str | int] = ["Resources", finding.resource.logical_id, "Properties"]
    value = template["Resources"][finding.resource.logical_id].get("Properties")
    for part in finding.at.split("."):
        if isinstance(value, dict) and part in value:
            path.append(part)
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            path.append(int(part))
            value = value[int(part)]
        else:
            break
    return path if len(path) > 3 else path[:2]


class _Preflight:
    level: ClassVar[Level]
    description = "Rules over what AWS refuses although the template is well formed"
    source_url = "docs/preflight.md"
    tags = ("preflight",)

    def match(self, cfn: Template) -> list[RuleMatch]:
        try:
            regions = list(cfn.regions)
            assembly = single(_plain(cfn.template), region=regions[0] if len(regions) == 1 else None)
        except LoadError:
            return []  # what is wrong then, cfn-lint's own rules say
        return [
            RuleMatch(_path(finding, cfn.template), f"[{finding.rule_id}] {finding.message}")
            for finding in run(assembly).findings
            if finding.level is self.level
        ]


class PreflightError(_Preflight, CloudFormationLintRule):  # type: ignore[misc]
    """What fails a deployment, or fails silently afterwards."""

    id = "E9900"
    shortdesc = "AWS would refuse this, or it would fail silently"
    level = Level.ERROR


class PreflightWarning(_Preflight, CloudFormationLintRule):  # type: ignore[misc]
    """Cost and cleanup traps, and what is only believed."""

    id = "W9900"
    shortdesc = "This may cost more, or be in the way later"
    level = Level.WARNING
