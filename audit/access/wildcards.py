"""Wildcards in permissions, and why each is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audit.access.actions import expand
from audit.access.effective import Permission
from audit.access.principals import Kind, Principal
from audit.access.settings import AcceptedWildcard


@dataclass(frozen=True, kw_only=True)
class Wildcard:
    """A wildcard of one permission; `reason` is empty where nothing explains it."""

    principal: str
    actions: tuple[str, ...]
    resource: str
    source: str
    reason: str


def wildcards(
    principal: Principal, permissions: Sequence[Permission], accepted: Sequence[AcceptedWildcard]
) -> tuple[Wildcard, ...]:
    """Permissions whose actions or resource hold a wildcard that takes in more than one thing of its kind."""
    return tuple(
        Wildcard(
            principal=principal.path, actions=tuple(actions), resource=one.resource, source=one.source, reason=reason
        )
        for one in permissions
        if one.wildcard_actions or "*" in one.resource
        for reason, actions in _by_reason(principal, one, accepted).items()
    )


def _by_reason(
    principal: Principal, permission: Permission, accepted: Sequence[AcceptedWildcard]
) -> dict[str, list[str]]:
    """CDK merges statements on one resource, so that actions of one permission may have different reasons."""
    found: dict[str, list[str]] = {}
    for action in permission.actions if "*" in permission.resource else permission.wildcard_actions:
        reason = _reason(principal, replace(permission, actions=(action,)), accepted)
        found.setdefault(reason, []).append(action)
    return found


def _reason(principal: Principal, permission: Permission, accepted: Sequence[AcceptedWildcard]) -> str:
    for one in accepted:
        if one.matches(principal.path, permission.actions, permission.resource):
            return one.reason
    if permission.source.startswith("arn:aws:iam::aws:policy/"):
        return f"AWS writes and keeps this policy ({permission.source.rpartition('/')[2]})"
    if principal.kind is Kind.BOOTSTRAP:
        return "CDK's own bootstrap template; what can be reached through the role is looked at as a way"
    if permission.wildcard_actions and permission.resource == "*":
        return ""
    if permission.resource == "*":
        return _without_resource(permission)
    return _below(permission) or _narrowed(permission)


def _without_resource(permission: Permission) -> str:
    actions = [action for pattern in permission.actions for action in expand(pattern)]
    if actions and not any(one.takes_resource for one in actions):
        return "IAM ties these actions to no resource (Service Authorization Reference)"
    return _narrowed(permission)


def _narrowed(permission: Permission) -> str:
    return f"narrowed by condition: {'; '.join(permission.conditions)}" if permission.conditions else ""


def _below(permission: Permission) -> str:
    """A pattern for what is below one named resource, such as a bucket's objects or a log group's streams."""
    stem, wildcard, _ = permission.resource.partition("*")
    relative = stem.split(":", 5)[-1].rstrip("/:")
    named = relative and (stem.startswith("arn:aws:s3:::") or "/" in relative or ":" in relative)
    if not wildcard:
        return "variants of an action, on one named resource"
    return "what is below one named resource" if named and stem.endswith(("/", ":")) else ""
