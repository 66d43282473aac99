"""Policy statements: who may newly do what to which resource."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from plan.resources import described, short_path
from plan.security.finding import Direction, Finding
from preflight.assembly import Assembly, Resource

_DOCUMENTS = ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy", "ResourcePolicy", "AccessPolicy")
_SHOWN = 6
"""Actions of a statement that a sentence names; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One thing that is allowed or denied: an action on a resource, for a principal, under a condition."""

    owner: str
    effect: str
    principal: str
    action: str
    resource: str
    condition: str

    def covers(self, other: Grant) -> bool:
        """Whether this one takes the other in; a condition is narrower than none, and otherwise has to be the same."""
        return (
            self.owner == other.owner
            and self.effect == other.effect
            and self.principal in (other.principal, "*")
            and fnmatchcase(other.action.lower(), self.action.lower())
            and (self.resource == other.resource or fnmatchcase(other.resource, self.resource))
            and self.condition in ("", other.condition)
        )


def permission_findings(before: Assembly, after: Assembly, prefix: str) -> Iterator[Finding]:
    """Grants of one assembly that the other does not cover, put together by owner, principal and resource."""
    old, new = _grants(before, prefix), _grants(after, prefix)
    yield from _told([one for one in new if not _covered(one, old)], came=True)
    yield from _told([one for one in old if not _covered(one, new)], came=False)


def _covered(grant: Grant, others: dict[Grant, None]) -> bool:
    return grant in others or any(other.covers(grant) for other in others if other.owner == grant.owner)


def _told(grants: list[Grant], *, came: bool) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str, str, str], list[str]] = {}
    for grant in grants:
        key = (grant.owner, grant.effect, grant.principal, grant.resource, grant.condition)
        groups.setdefault(key, []).append(grant.action)
    for (owner, effect, principal, resource, condition), actions in groups.items():
        allows = effect == "Allow"
        who = f"{principal} " if principal else ""
        verb = {(True, True): "may", (True, False): "may not any more", (False, True): "may never"}.get(
            (allows, came), "is not denied any more"
        )
        named = ", ".join(actions[:_SHOWN]) + (f" and {len(actions) - _SHOWN} more" if len(actions) > _SHOWN else "")
        what = "assume this role" if actions == ["sts:AssumeRole"] else f"{named} on {resource}"
        text = f"{who}{verb}{' ' if actions == ['sts:AssumeRole'] else ': '}{what}".strip()
        if condition:
            text += f", when {condition}"
        if any("*" in action.rpartition(":")[2] for action in actions) or resource == "*" or principal == "*":
            text += " (wildcard)" if came and allows else ""
        wider = allows == came
        yield Finding(direction=Direction.WIDER if wider else Direction.NARROWER, path=owner, text=text)


def _grants(assembly: Assembly, prefix: str) -> dict[Grant, None]:
    found: dict[Grant, None] = {}
    for resource in assembly.resources():
        if resource.type == "AWS::Lambda::Permission":
            found[_invocation(resource, prefix)] = None
            continue
        for document in _documents(resource.properties):
            statements = document.get("Statement")
            for statement in statements if isinstance(statements, list) else [statements]:
                if isinstance(statement, dict):
                    found.update(dict.fromkeys(_explode(short_path(resource, prefix), statement, prefix)))
        for arn in _list(_property(resource, "ManagedPolicyArns")):
            found[
                Grant(
                    owner=short_path(resource, prefix),
                    effect="Allow",
                    principal="",
                    action="everything in its policy",
                    resource=described(arn, prefix),
                    condition="",
                )
            ] = None
    return found


def _property(resource: Resource, name: str) -> Any:
    return resource.properties.get(name) if isinstance(resource.properties, dict) else None


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            for key, inner in one.items():
                if key in _DOCUMENTS and isinstance(inner, dict) and "Statement" in inner:
                    yield inner
                else:
                    pending.append(inner)
        elif isinstance(one, list):
            pending.extend(one)


def _explode(owner: str, statement: dict[str, Any], prefix: str) -> Iterator[Grant]:
    condition = statement.get("Condition")
    negative_action = "NotAction" in statement
    actions = _list(statement.get("NotAction" if negative_action else "Action"))
    resources = _list(statement.get("NotResource")) if "NotResource" in statement else _list(statement.get("Resource"))
    for principal, action, resource in product(list(_principals(statement, prefix)), actions, resources or ["itself"]):
        yield Grant(
            owner=owner,
            effect=described(statement.get("Effect", "Allow"), prefix),
            principal=principal,
            action=f"all but {described(action, prefix)}" if negative_action else described(action, prefix),
            resource=f"all but {described(resource, prefix)}"
            if "NotResource" in statement
            else described(resource, prefix),
            condition=described(condition, prefix) if condition else "",
        )


def _principals(statement: dict[str, Any], prefix: str) -> list[str]:
    for key, negation in (("Principal", ""), ("NotPrincipal", "all but ")):
        given = statement.get(key)
        if given is None:
            continue
        if isinstance(given, dict):
            return [
                f"{negation}{'*' if one == '*' else described(one, prefix)}"
                for kind in given.values()
                for one in _list(kind)
            ]
        return [f"{negation}{described(given, prefix)}"]
    return [""]


def _invocation(resource: Resource, prefix: str) -> Grant:
    properties: dict[str, Any] = resource.properties if isinstance(resource.properties, dict) else {}
    condition = {key: properties[key] for key in ("SourceArn", "SourceAccount") if key in properties}
    return Grant(
        owner=short_path(resource, prefix),
        effect="Allow",
        principal=described(properties.get("Principal", "*"), prefix),
        action=described(properties.get("Action", "lambda:InvokeFunction"), prefix),
        resource=described(properties.get("FunctionName", ""), prefix),
        condition=json.dumps({key: described(one, prefix) for key, one in condition.items()}) if condition else "",
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
