"""The packs as validation plugins of a CDK app: each finding says where it is, why it matters and how to mend it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
import jsii

from audit.pack import acknowledgements, remedies
from audit.pack.acknowledgements import Found, Problem
from audit.pack.rule import PACK, Breach, Rule
from audit.pack.rules import all_rules
from preflight.assembly import Assembly
from preflight.loading import load_assembly

_NAG = (
    cdk_nag.AwsSolutionsChecks,
    cdk_nag.HIPAASecurityChecks,
    cdk_nag.NIST80053R5Checks,
    cdk_nag.PCIDSS321Checks,
)


def plugins(app: cdk.App, *, today: date | None = None) -> list[cdk.IPolicyValidationPlugin]:
    """For `Validations.of(app).add_plugins(*plugins(app))`: four packs of cdk-nag, our own, and their acknowledgements.

    `today` decides which acknowledgements have expired.
    """
    packs: list[NagPack | SpendSmartPack] = [NagPack(pack(app, verbose=True), app) for pack in _NAG]
    packs.append(SpendSmartPack())
    return [*packs, Acknowledgements(packs, today=today)]


class _Pack:
    """Remembers what it found, acknowledged or not."""

    def __init__(self) -> None:
        self.found: list[Found] = []

    def _remember(self, violations: Iterable[cdk.PolicyViolation]) -> None:
        self.found = [
            (resource.construct_path or "", violation.rule_name)
            for violation in violations
            for resource in violation.violating_resources
        ]


@jsii.implements(cdk.IPolicyValidationPlugin)
class NagPack(_Pack):
    """One pack of cdk-nag, whose findings get a remedy as well."""

    def __init__(self, pack: cdk_nag.NagPack, app: cdk.App) -> None:
        super().__init__()
        self._pack, self._app = pack, app

    @property
    def name(self) -> str:
        return self._pack.read_pack_name

    @property
    def version(self) -> str:
        return version("cdk-nag")

    @property
    def rule_ids(self) -> list[str]:
        return []

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:  # noqa: ARG002
        """cdk-nag reads the construct tree, not the templates."""
        found = self._pack.validate_scope(self._app)
        self._remember(found.violations)
        return cdk.PolicyValidationPluginReport(
            success=found.success, violations=[_with_remedy(one) for one in found.violations]
        )


@jsii.implements(cdk.IPolicyValidationPlugin)
class SpendSmartPack(_Pack):
    """What this platform promises."""

    @property
    def name(self) -> str:
        return PACK

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        return [rule.id for rule in all_rules()]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        violations = spendsmart_violations(_assembly(context))
        self._remember(violations)
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


@jsii.implements(cdk.IPolicyValidationPlugin)
class Acknowledgements:
    """Runs after the packs. Nothing of what it finds can itself be acknowledged."""

    def __init__(self, packs: Sequence[_Pack], *, today: date | None = None) -> None:
        self._packs, self._today = packs, today

    @property
    def name(self) -> str:
        return "Acknowledgements"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        return []

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        written, problems = acknowledgements.read(_assembly(context))
        found = {one for pack in self._packs for one in pack.found}
        today = self._today or datetime.now(tz=UTC).date()
        problems += acknowledgements.judge(written, found, today)
        return cdk.PolicyValidationPluginReport(
            success=not any(problem.fails for problem in problems), violations=[_problem(one) for one in problems]
        )


def spendsmart_violations(assembly: Assembly) -> list[cdk.PolicyViolation]:
    """Our own rules over an assembly, in CDK's form: one violation for each rule and finding."""
    found: dict[tuple[str, str, str], list[Breach]] = defaultdict(list)
    rules: dict[str, Rule] = {rule.id: rule for rule in all_rules()}
    for rule in rules.values():
        for breach in rule.check(assembly):
            found[rule.id, breach.finding, breach.message].append(breach)
    return [_violation(rules[rule_id], breaches) for (rule_id, _, _), breaches in sorted(found.items())]


def _assembly(context: cdk.IPolicyValidationContext) -> Assembly:
    return load_assembly(Path(context.template_paths[0]).parent)


def _violation(rule: Rule, breaches: Sequence[Breach]) -> cdk.PolicyViolation:
    first = breaches[0]
    return cdk.PolicyViolation(
        rule_name=f"{rule.id}[{first.finding}]" if first.finding else rule.id,
        description=f"{first.message}. {rule.why}",
        fix=rule.remedy,
        severity="error",
        violating_resources=[
            cdk.PolicyViolatingResource(
                construct_path=breach.resource.construct_path,
                resource_logical_id=breach.resource.logical_id,
                template_path=breach.resource.stack.file,
                locations=[f"Properties.{breach.at}" if breach.at else "Properties"],
            )
            for breach in breaches
        ],
    )


def _with_remedy(violation: cdk.PolicyViolation) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=violation.rule_name,
        description=violation.description,
        fix=remedies.of(violation.rule_name),
        severity=violation.severity,
        violating_resources=violation.violating_resources,
    )


def _problem(problem: Problem) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=problem.id,
        description=problem.message,
        fix=problem.remedy,
        # Fatal, as CDK calls what no acknowledgement takes away.
        severity="fatal" if problem.fails else "warning",
        violating_resources=[
            cdk.PolicyViolatingResource(
                construct_path=problem.resource.construct_path,
                resource_logical_id=problem.resource.logical_id,
                template_path=problem.resource.stack.file,
                locations=["Metadata.acknowledgements"],
            )
        ],
    )
