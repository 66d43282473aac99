"""Judges a template that is written in one line of a table."""

from __future__ import annotations

import textwrap

import yaml

from preflight.engine import run
from preflight.loading import TemplateLoader, single


def judged(rule_id: str, resources: str, conditions: str = "{}", more: str = "") -> list[tuple[str, str]]:
    """Place and message of each finding of a rule in a template of these resources (in YAML); `more` stands before."""
    written = f"Conditions: {conditions}\n{more}\nResources:\n" + textwrap.indent(resources, "  ")
    template = yaml.load(written, Loader=TemplateLoader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    result = run(single(template, name="a-stack-with-a-rather-long-name"), only=[rule_id])
    assert result.crashed == []
    return [(finding.at, finding.message) for finding in result.findings]
