"""Whether a principal may do something, by all policies that AWS would look at.

Identity policies, permissions boundary and the resource's own policy, put together as in
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. Organizations' policies and
session policies are not in templates and not looked at: they can only take away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from audit.access.conditions import Known, met
from audit.access.names import arn
from audit.access.patterns import covers, overlaps
from audit.access.principals import Principal, principals
from audit.access.resource_policies import ResourcePolicy, resource_policies
from audit.access.statements import Condition, Statement
from preflight.assembly import Assembly

_KEY = "AWS::KMS::Key"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`allowed`, and where that depends on the request, the conditions of the most open way; `by` names sources."""

    allowed: bool
    conditions: tuple[Condition, ...] = ()
    by: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


_NO = Decision(allowed=False)


@dataclass(eq=False, kw_only=True)
class Estate:
    """All principals and resource policies that are judged together, of one or several assemblies.

    `buckets` are their owners' accounts, which ARNs of S3 do not tell.
    """

    principals: dict[str, Principal]
    policies: dict[str, ResourcePolicy]
    buckets: dict[str, str] = field(default_factory=dict)
    _speaking: dict[tuple[str, bool, str], list[Statement]] = field(default_factory=dict)
    _decided: dict[tuple[str, str, str], Decision] = field(default_factory=dict)

    @classmethod
    def of(cls, assemblies: Iterable[Assembly]) -> Estate:
        found: dict[str, Principal] = {}
        policies: dict[str, ResourcePolicy] = {}
        buckets: dict[str, str] = {}
        for assembly in assemblies:
            found.update((one.arn, one) for one in principals(assembly))
            policies.update(resource_policies(assembly))
            buckets.update((arn(one), one.stack.account or "") for one in assembly.of_type("AWS::S3::Bucket"))
        return cls(principals=found, policies=policies, buckets=buckets)

    def decide(self, principal: Principal, action: str, resource: str) -> Decision:
        """`resource` is an ARN, or a pattern (`bucket/*`) of which a part is enough.

        A Deny counts where it surely applies, an Allow where it may: the answer errs towards "allowed".
        """
        key = (principal.arn, action, resource)
        if key not in self._decided:
            self._decided[key] = self._decide(principal, action, resource)
        return self._decided[key]

    def own(self, principal: Principal, action: str, resource: str) -> Decision:
        """By the principal's own policies alone, where the other side is judged apart (a role's trust policy)."""
        known = _known(principal, "")
        limit = self._about(principal, action, boundary=True)
        own = self._about(principal, action, boundary=False)
        if _denied([*own, *limit], resource, known):
            return _NO
        if principal.boundary is not None and not _allowing(limit, resource, known):
            return _NO
        return _allowing(own, resource, known)

    def owner_of(self, resource: str) -> str:
        """The account of a resource; empty where neither ARN nor templates tell."""
        account = resource.split(":", 5)[4] if resource.count(":") > 4 else ""
        return self.buckets.get(resource.partition("/")[0]) or (account if account.isdigit() else "")

    def _decide(self, principal: Principal, action: str, resource: str) -> Decision:
        policy = self.policy_of(resource)
        owner = self.owner_of(resource)
        known = _known(principal, owner)
        about = [one for one in policy.statements if one.has_action(action)] if policy else []
        own = self._about(principal, action, boundary=False)
        limit = self._about(principal, action, boundary=True)
        if _denied([*own, *limit, *(one for one in about if _names(one, principal))], resource, known):
            return _NO
        if principal.boundary is not None and not _allowing(limit, resource, known):
            return _NO
        identity = _allowing(own, resource, known)
        named = _allowing([one for one in about if _names(one, principal)], resource, known)
        delegated = _allowing([one for one in about if _names_account(one, principal)], resource, known)
        if policy and policy.type == _KEY:
            # A key's policy has to allow even its own account, which then leaves it to identity policies.
            return named if named else _both(identity, delegated)
        if owner in ("", principal.account):
            return _either(identity, named)
        return _both(identity, named or delegated)

    def policy_of(self, resource: str) -> ResourcePolicy | None:
        """The policy of a resource, or of the bucket that an object is in."""
        found = self.policies.get(resource)
        if found is None and resource.startswith("arn:aws:s3:::"):
            found = self.policies.get(resource.partition("/")[0])
        return found

    @cached_property
    def by_path(self) -> dict[str, Principal]:
        return {one.path: one for one in self.principals.values()}

    def _about(self, principal: Principal, action: str, *, boundary: bool) -> list[Statement]:
        key = (principal.arn, boundary, action)
        if key not in self._speaking:
            written = (principal.boundary or ()) if boundary else principal.identity
            self._speaking[key] = [one for one in written if one.has_action(action)]
        return self._speaking[key]


def _known(principal: Principal, owner: str) -> Known:
    known = {
        "aws:principalarn": principal.arn,
        "aws:principalaccount": principal.account,
        "aws:securetransport": "true",
        "s3:tlsversion": "1.3",
    }
    if owner:
        known |= {"aws:resourceaccount": owner, "s3:resourceaccount": owner}
    return known


def _denied(given: list[Statement], resource: str, known: Known) -> bool:
    return any(not one.allows and one.has_resource(resource) and met(one.conditions, known) is True for one in given)


def _allowing(given: list[Statement], resource: str, known: Known) -> Decision:
    """The least conditional of the statements that allow it."""
    found = [
        (open_conditions(one, known), one)
        for one in given
        if one.allows and _reaches(one, resource) and met(one.conditions, known) is not False
    ]
    if not found:
        return _NO
    conditions, statement = min(found, key=lambda one: len(one[0]))
    return Decision(allowed=True, conditions=conditions, by=(statement.source,))


def open_conditions(statement: Statement, known: Known) -> tuple[Condition, ...]:
    """Those that the request decides."""
    return tuple(one for one in statement.conditions if met((one,), known) is None)


def _reaches(statement: Statement, resource: str) -> bool:
    if statement.not_resources:
        return not any(covers(pattern, resource) for pattern in statement.not_resources)
    return any(overlaps(pattern, resource) for pattern in statement.resources)


def _names(statement: Statement, principal: Principal) -> bool:
    """Whether a resource policy's statement is about this very principal, or about everybody."""
    if statement.not_principals:
        return ("AWS", principal.arn) not in statement.not_principals
    return any(kind == "*" or (kind == "AWS" and value == principal.arn) for kind, value in statement.principals)


def _names_account(statement: Statement, principal: Principal) -> bool:
    accounts = (principal.account, f"arn:aws:iam::{principal.account}:root")
    return any(kind == "AWS" and value in accounts for kind, value in statement.principals)


def _either(one: Decision, other: Decision) -> Decision:
    if one and other:
        return one if len(one.conditions) <= len(other.conditions) else other
    return one or other


def _both(one: Decision, other: Decision) -> Decision:
    if not (one and other):
        return _NO
    return Decision(
        allowed=True,
        conditions=tuple(dict.fromkeys(one.conditions + other.conditions)),
        by=tuple(dict.fromkeys(one.by + other.by)),
    )
