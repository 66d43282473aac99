"""Preflight as a validation plugin: every synth of a CDK app is judged, findings name construct and source line."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import aws_cdk as cdk
import jsii

from preflight import sources
from preflight.engine import Finding, Result, all_rules, run
from preflight.loading import load_assembly
from preflight.rule import Level


@jsii.implements(cdk.IPolicyValidationPlugin)
class Preflight:
    """`Validations.of(app).add_plugins(Preflight())`, made before the app's constructs so that it knows their lines.

    Errors fail the synth; warnings are printed by the report and do not.
    """

    def __init__(self) -> None:
        self._sources = sources.Sources().start()

    @property
    def name(self) -> str:
        return "Preflight"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        return list(all_rules())

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Judges the assembly as a whole: many rules look across its stacks."""
        self._sources.stop()
        folder = Path(context.template_paths[0]).parent
        lines = self._sources.by_path()
        sources.write(folder, lines)
        return report(run(load_assembly(folder)), lines)


def report(result: Result, lines: dict[str, str]) -> cdk.PolicyValidationPluginReport:
    """CDK's form of a result: one violation for each rule and message, with the places it was found at."""
    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in result.findings:
        grouped[finding.rule_id, finding.message].append(finding)
    violations = [_violation(findings, lines) for findings in grouped.values()]
    violations += [
        cdk.PolicyViolation(rule_name="PREFLIGHT", description=text, severity=Level.ERROR, violating_resources=[])
        for text in result.crashed
    ]
    return cdk.PolicyValidationPluginReport(success=result.ok, violations=violations)


def _violation(findings: list[Finding], lines: dict[str, str]) -> cdk.PolicyViolation:
    rule, message = findings[0].rule, findings[0].message
    return cdk.PolicyViolation(
        rule_name=findings[0].rule_id,
        description=f"{message}. {rule.otherwise}" if rule else message,
        fix=f"{rule.remedy} ({rule.source})" if rule else "Mend or remove the waiver.",
        severity=findings[0].level,
        violating_resources=[_resource(finding, lines) for finding in findings],
    )


def _resource(finding: Finding, lines: dict[str, str]) -> cdk.PolicyViolatingResource:
    line = sources.line_of(finding.construct_path, lines)
    return cdk.PolicyViolatingResource(
        construct_path=finding.construct_path,
        resource_logical_id=finding.resource.logical_id if finding.resource else "",
        template_path=finding.stack.file,
        locations=[f"Properties.{finding.at}", *([line] if line else [])],
    )
