"""What a principal may do in the end: its policies, less what a Deny, a boundary or a resource's policy takes away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit.access.actions import expand
from audit.access.evaluation import Estate
from audit.access.patterns import action_covers, covers, overlaps
from audit.access.principals import Principal
from audit.access.statements import Statement


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on one resource, as the policies write both. `via` is "identity policy" or "resource policy".

    `levels` are the access levels of the Service Authorization Reference; "all services" stands for `*`.
    """

    actions: tuple[str, ...]
    resource: str
    levels: tuple[str, ...]
    conditions: tuple[str, ...]
    via: str
    source: str

    @property
    def wildcard_actions(self) -> tuple[str, ...]:
        return tuple(one for one in self.actions if "*" in one or "?" in one)


def effective(estate: Estate, principal: Principal) -> tuple[Permission, ...]:
    """All permissions of a principal, in the order of its policies, then those that resources give it by name."""
    found: list[Permission] = []
    for statement in principal.identity:
        if statement.allows:
            found += _of_statement(estate, principal, statement, statement.resources or ("*",), via="identity policy")
    for policy in estate.policies.values():
        for statement in policy.statements:
            if statement.allows and ("AWS", principal.arn) in statement.principals:
                found += _of_statement(estate, principal, statement, statement.resources, via="resource policy")
    return tuple(found)


def _of_statement(
    estate: Estate, principal: Principal, statement: Statement, resources: tuple[str, ...], *, via: str
) -> Iterator[Permission]:
    actions = statement.actions or (f"all but {', '.join(statement.not_actions)}",)
    for resource in resources:
        left = tuple(_left(estate, principal, actions, resource))
        if left:
            yield Permission(
                actions=left,
                resource=resource,
                levels=_levels(left),
                conditions=tuple(map(str, statement.conditions)),
                via=via,
                source=statement.source,
            )


def _left(estate: Estate, principal: Principal, patterns: tuple[str, ...], resource: str) -> Iterator[str]:
    """The patterns as they are written; the actions one by one where only some of a pattern's are left."""
    for pattern in patterns:
        single = expand(pattern)
        if not single or not _narrowed(principal, pattern):
            if _open(estate, principal, single[0].name if len(single) == 1 else pattern, resource):
                yield pattern
            continue
        kept = [one.name for one in single if estate.decide(principal, one.name, resource)]
        yield from (pattern,) if len(kept) == len(single) else kept


def _open(estate: Estate, principal: Principal, action: str, resource: str) -> bool:
    """Of a pattern that nothing narrows action by action, whether anything is left; of an action, whether it is."""
    if "*" in action or action.startswith("all but "):
        boundary = principal.boundary
        return boundary is None or any(
            one.allows and any(overlaps(pattern, resource) for pattern in one.resources or ("*",)) for one in boundary
        )
    return bool(estate.decide(principal, action, resource))


def _narrowed(principal: Principal, pattern: str) -> bool:
    """Whether a Deny or the boundary speaks of some of the pattern's actions."""
    denies = [one for one in principal.identity if not one.allows]
    if any(overlaps(denied.lower(), pattern.lower()) for one in denies for denied in one.actions or ("*",)):
        return True
    if principal.boundary is None:
        return False
    return not any(
        one.allows
        and not one.conditions
        and any(action_covers(allowed, pattern) for allowed in one.actions)
        and any(covers(allowed, "*") for allowed in one.resources)
        for one in principal.boundary
        if not one.not_actions
    )


def _levels(patterns: tuple[str, ...]) -> tuple[str, ...]:
    found: set[str] = set()
    for pattern in patterns:
        actions = expand(pattern)
        found.update(level for one in actions for level in one.level.split(", "))
        if not actions and ("*" in pattern.partition(":")[0] or pattern.startswith("all but ")):
            found.add("all services")
    return tuple(sorted(found))
