"""Everything that a plan says, worked out from two assemblies."""

from __future__ import annotations

from dataclasses import dataclass

from infra.config import Environment
from plan.changes import Comparison, compare
from plan.cost.bill import Bills, bills
from plan.cost.prices import PriceBook
from plan.security.all import security_findings
from plan.security.finding import Finding
from plan.stateful import Judgement, judge
from plan.time.interruptions import Interruption, interruptions
from plan.time.schedule import Schedule, schedule
from preflight.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a change does. `against` says what it is compared with, for people."""

    environment: Environment
    against: str
    comparison: Comparison
    judgement: Judgement
    findings: tuple[Finding, ...]
    bills: Bills
    schedule: Schedule
    interruptions: tuple[Interruption, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is refused."""
        return self.judgement.ok

    @property
    def nothing(self) -> bool:
        """Whether a deploy would do nothing at all."""
        return not (self.comparison.changes or self.comparison.rehashed)

    @property
    def per_day(self) -> bool:
        """Previews live for hours or days: what they cost a day says more than a month."""
        return self.environment.name.startswith("preview")


def work_out(
    *, before: Assembly, after: Assembly, environment: Environment, against: str, prices: PriceBook
) -> Outcome:
    """The plan of a change. Raises PlanError where the registry's schemas are not installed."""
    comparison = compare(before, after)
    return Outcome(
        environment=environment,
        against=against,
        comparison=comparison,
        judgement=judge(comparison, environment.plan.allow_replacement),
        findings=tuple(security_findings(comparison)),
        bills=bills(comparison, prices, environment.usage),
        schedule=schedule(comparison),
        interruptions=tuple(interruptions(comparison)),
    )
