"""Everything about access in one value: principals with their permissions, who holds which data, findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audit.access.actions import data_version
from audit.access.bootstrap import bootstrap_assembly
from audit.access.checks import AccessFinding, check
from audit.access.effective import Permission, effective
from audit.access.evaluation import Estate
from audit.access.principals import Principal
from audit.access.reaching import Way, running_code, ways_to_data
from audit.access.settings import Settings
from audit.access.stores import DataStore, Hold, data_stores, holds
from audit.access.wildcards import Wildcard, wildcards
from preflight.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class PrincipalAccess:
    """One principal: who may become it, what it may do, and which data stores it holds."""

    arn: str
    path: str
    kind: str
    environment: str
    trusted: tuple[str, ...]
    boundary: str
    permissions: tuple[Permission, ...]
    wildcards: tuple[Wildcard, ...]
    holds: tuple[Hold, ...]
    unknown_policies: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AccessReport:
    """`ways` are those from untrusted principals to production's data, the accepted ones with their reason.

    `bootstrap` is false where the CDK CLI's template was not at hand, so that its roles are missing.
    """

    principals: tuple[PrincipalAccess, ...]
    stores: tuple[DataStore, ...]
    ways: tuple[Way, ...]
    findings: tuple[AccessFinding, ...]
    untrusted: tuple[str, ...]
    bootstrap: bool
    action_data: str

    @property
    def ok(self) -> bool:
        return not self.findings

    def holders(self, store: str) -> tuple[tuple[PrincipalAccess, Hold], ...]:
        """Who may do what with the store of this construct path."""
        return tuple((one, hold) for one in self.principals for hold in one.holds if hold.store == store)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, the same for the same templates."""
        return {"ok": self.ok, **asdict(self)}


def access_report(assemblies: Sequence[Assembly], settings: Settings) -> AccessReport:
    """Judges all assemblies together, so that ways from one into another are found."""
    bootstrap = bootstrap_assembly(assemblies, trusted=_building_accounts(assemblies))
    everything = [*assemblies, *([bootstrap] if bootstrap else [])]
    estate = Estate.of(everything)
    stores = tuple(store for assembly in assemblies for store in data_stores(assembly))
    running = tuple(running_code(everything))
    untrusted = [one for one in estate.principals.values() if _untrusted(one, settings)]
    ways = tuple(ways_to_data(estate, untrusted, stores, running, settings))
    listed = tuple(_access(estate, one, stores, settings) for one in estate.principals.values())
    return AccessReport(
        principals=listed,
        stores=stores,
        ways=ways,
        findings=tuple(check(estate, listed, ways)),
        untrusted=tuple(one.path for one in untrusted),
        bootstrap=bootstrap is not None,
        action_data=data_version(),
    )


def _untrusted(principal: Principal, settings: Settings) -> bool:
    return any(one.matches(path=principal.path, environment=principal.environment) for one in settings.untrusted)


def _access(estate: Estate, principal: Principal, stores: Iterable[DataStore], settings: Settings) -> PrincipalAccess:
    permissions = effective(estate, principal)
    return PrincipalAccess(
        arn=principal.arn,
        path=principal.path,
        kind=principal.kind.value,
        environment=principal.environment,
        trusted=tuple(_trusted(principal)),
        boundary=principal.boundary_name,
        permissions=permissions,
        wildcards=wildcards(principal, permissions, settings.accepted_wildcard),
        holds=tuple(hold for store in stores for hold in holds(estate, principal, store)),
        unknown_policies=principal.unknown,
    )


def _trusted(principal: Principal) -> Iterable[str]:
    for statement in principal.trust:
        if statement.allows and statement.has_action("sts:AssumeRole"):
            who = ", ".join(value for _, value in statement.principals)
            when = "; ".join(map(str, statement.conditions))
            yield f"{who}, when {when}" if when else who


def _building_accounts(assemblies: Iterable[Assembly]) -> set[str]:
    """Accounts with pipelines: those that stages trust (`cdk bootstrap --trust`)."""
    return {
        pipeline.stack.account
        for assembly in assemblies
        for pipeline in assembly.of_type("AWS::CodePipeline::Pipeline")
        if pipeline.stack.account
    }
