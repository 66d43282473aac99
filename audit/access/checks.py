"""What must not be: each check gives findings that name the resource and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.access.evaluation import Estate
from audit.access.patterns import overlaps
from audit.access.reaching import Way
from audit.access.resource_policies import ResourcePolicy
from audit.access.statements import Statement

if TYPE_CHECKING:
    from audit.access.report import PrincipalAccess


@dataclass(frozen=True, kw_only=True)
class AccessFinding:
    """`path` is the construct that grants it."""

    check: str
    path: str
    text: str
    remedy: str


def check(
    estate: Estate,
    principals: Sequence[PrincipalAccess],
    ways: Sequence[Way],
) -> Iterator[AccessFinding]:
    """All findings, in a fixed order."""
    yield from _ways(ways)
    yield from _everybody(estate)
    yield from _other_accounts(estate)
    yield from _any_role_passed(estate)
    for principal in principals:
        yield from _wildcards(principal)
        yield from _unknown(principal)


def _ways(ways: Sequence[Way]) -> Iterator[AccessFinding]:
    for way in ways:
        if not way.accepted:
            held = "; ".join(f"{hold.reach.value} {hold.store} ({', '.join(hold.actions)})" for hold in way.holds[:3])
            more = f" and {len(way.holds) - 3} more" if len(way.holds) > 3 else ""
            yield AccessFinding(
                check="ACCESS-PATH",
                path=way.start,
                text=f"reaches production's data: {way.text}; there it may {held}{more}",
                remedy="take one step of the way out; where it is meant, say so under [[accepted_path]] in "
                "config/access.toml",
            )


def _everybody(estate: Estate) -> Iterator[AccessFinding]:
    for policy, statement in _open_statements(estate):
        if any(kind == "*" for kind, _ in statement.principals) and not _for_somebody(statement):
            yield AccessFinding(
                check="ACCESS-PUBLIC",
                path=policy.path,
                text=f"its policy lets everybody do {', '.join(statement.actions)} ({statement.source})",
                remedy="name the principals, or a condition that only they fulfil (aws:SourceArn, aws:PrincipalArn)",
            )


_WHO = frozenset(
    {
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:sourcevpce",
        "aws:sourcevpc",
        "aws:sourceip",
        "kms:calleraccount",
    }
)
"""Condition keys that say who asks; https://docs.aws.amazon.com/AmazonS3/latest/userguide/
access-control-block-public-access.html#access-control-block-public-access-policy-status lists those that make a
policy non-public."""


def _for_somebody(statement: Statement) -> bool:
    return any(
        one.key.lower() in _WHO and "not" not in one.operator.lower() and "*" not in one.values
        for one in statement.conditions
    )


def _other_accounts(estate: Estate) -> Iterator[AccessFinding]:
    ours = {one.account for one in estate.principals.values()}
    for policy, statement in _open_statements(estate):
        for kind, value in statement.principals:
            account = value.split(":")[4] if value.startswith("arn:aws:iam::") else value
            if kind == "AWS" and account.isdigit() and account not in ours | _LOG_DELIVERY:
                yield AccessFinding(
                    check="ACCESS-FOREIGN",
                    path=policy.path,
                    text=f"its policy lets account {account} do {', '.join(statement.actions)}",
                    remedy="take the account out, or synthesize and judge its stacks together with these",
                )


_LOG_DELIVERY = frozenset({"127311923021", "033677994240", "027434742980", "797873946194"})
"""Accounts from which Elastic Load Balancing delivers access logs (us-east-1, us-east-2, us-west-1, us-west-2):
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"""


def _any_role_passed(estate: Estate) -> Iterator[AccessFinding]:
    for principal in estate.principals.values():
        for statement in principal.identity:
            if statement.allows and statement.has_action("iam:PassRole") and "*" in statement.resources:
                if statement.source.startswith("arn:aws:iam::aws:policy/AdministratorAccess"):
                    continue  # the bootstrap's execution role, of which every way is looked at
                yield AccessFinding(
                    check="ACCESS-PASSROLE",
                    path=principal.path,
                    text=f"may pass any role (iam:PassRole on *, {statement.source})",
                    remedy="name the roles, and the service in iam:PassedToService",
                )


def _wildcards(principal: PrincipalAccess) -> Iterator[AccessFinding]:
    for one in principal.wildcards:
        if not one.reason:
            yield AccessFinding(
                check="ACCESS-WILDCARD",
                path=principal.path,
                text=f"{', '.join(one.actions)} on {one.resource} ({one.source}), and nothing says why",
                remedy="name actions and resources; where a wildcard has to be, give its reason under "
                "[[accepted_wildcard]] in config/access.toml",
            )


def _unknown(principal: PrincipalAccess) -> Iterator[AccessFinding]:
    for name in principal.unknown_policies:
        yield AccessFinding(
            check="ACCESS-UNKNOWN",
            path=principal.path,
            text=f"the document of {name} is not at hand, so that nobody can say what it allows",
            remedy="add its current version to audit/access/data/managed_policies.json, or write the policy out",
        )


def _open_statements(estate: Estate) -> Iterator[tuple[ResourcePolicy, Statement]]:
    for policy in estate.policies.values():
        for statement in policy.statements:
            if statement.allows and any(
                overlaps(one, policy.arn) or one.startswith(policy.arn) for one in statement.resources
            ):
                yield policy, statement
