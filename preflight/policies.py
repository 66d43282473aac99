"""Policy documents: which statement lets whom do what.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from preflight.values import ABSENT, Node, Reference, Text, Unknown, entries, strings, text


@dataclass(frozen=True)
class Statement:
    """One statement of a policy document."""

    node: Node

    @property
    def effect(self) -> str:
        """Allow, Deny, or empty where it is not decided."""
        return text(self.node.get("Effect")) or ""

    @property
    def actions(self) -> list[str]:
        return strings(self.node.get("Action"))

    @property
    def not_actions(self) -> list[str]:
        return strings(self.node.get("NotAction"))

    @property
    def conditions(self) -> Node:
        return self.node.get("Condition")

    @property
    def resources(self) -> list[Any]:
        """Resolved values of Resource: texts, References and Texts."""
        return [entry.value for entry in entries(self.node.get("Resource"))]

    def principals(self, kind: str) -> list[Any]:
        """Resolved principals of a kind ("Service", "AWS", …); "*" counts for every kind."""
        given = self.node.get("Principal")
        if given.value == "*":
            return ["*"]
        return [entry.value for entry in entries(given.get(kind))]

    @property
    def undecided(self) -> bool:
        """Whether the deployment decides what it does to a service; AWS principals do not matter to services."""
        parts = [self.node.get(*keys) for keys in (("Effect",), ("Action",), ("NotAction",), ("Principal", "Service"))]
        principal = self.node.get("Principal").value
        return (
            isinstance(self.node.value, Unknown)
            or isinstance(principal, Unknown)
            or any(_open(part.value) for part in parts)
        )

    def covers(self, action: str) -> bool:
        """Whether Action (with its wildcards) or NotAction takes in this action."""
        if not self.node.get("NotAction").absent:
            return not any(_matches(pattern, action) for pattern in self.not_actions)
        return any(_matches(pattern, action) for pattern in self.actions)


def statements(document: Node) -> list[Statement]:
    """The statements of a policy document; none where the document is absent or undecidable."""
    return [Statement(entry) for entry in entries(document.get("Statement"))]


def allows(document: Node, *, action: str, service: str) -> bool | None:
    """Whether an Allow statement lets the service principal do the action; None where that cannot be decided.

    Conditions are taken as fulfilled, Deny statements are not looked at.
    """
    given = document.get("Statement")
    if isinstance(document.value, Unknown) or isinstance(given.value, Unknown):
        return None
    undecided = False
    for statement in statements(document):
        if statement.undecided:
            undecided = True
        elif statement.effect == "Allow" and statement.covers(action):
            principals = statement.principals("Service")
            if service in principals or "*" in principals:
                return True
            undecided = undecided or any(_could_be(principal, service) for principal in principals)
    return None if undecided else False


def _could_be(principal: Any, service: str) -> bool:
    """A principal known in part, such as `logs.${AWS::Region}.amazonaws.com`."""
    if isinstance(principal, Text):
        pattern = ".*".join(re.escape(part) for part in principal.literal.split("\0"))
        return re.fullmatch(pattern, service) is not None
    return isinstance(principal, Unknown | Reference)


def _open(value: Any) -> bool:
    return any(isinstance(item, Unknown) for item in _walk([value]))


def _walk(pending: list[Any]) -> Iterator[Any]:
    while pending:
        item = pending.pop()
        if item is ABSENT:
            continue
        yield item
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _matches(pattern: str, action: str) -> bool:
    return _expression(pattern.lower()).fullmatch(action.lower()) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    # Runs of asterisks mean one: written out they would backtrack without end.
    pattern = re.sub(r"\*+", "*", pattern[:256])
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))
