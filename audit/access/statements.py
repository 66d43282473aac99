"""Statements of policy documents as plain data, every value written out as a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from audit.access.names import text_of
from audit.access.patterns import covers, regular


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One key of a Condition block: `StringEquals`, `aws:SourceAccount`, its values."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key} {self.operator} {' or '.join(self.values)}"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement; `source` is the construct that writes it, or the ARN of a managed policy.

    `principals` are pairs of kind ("AWS", "Service", "Federated", "*") and value, empty in an identity policy.
    """

    effect: str
    source: str
    sid: str = ""
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    not_principals: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def allows(self) -> bool:
        return self.effect == "Allow"

    def has_action(self, action: str) -> bool:
        """Whether it speaks of this action."""
        action = action.lower()
        patterns = self._by_service
        found = any(
            expression.fullmatch(action)
            for expression in (patterns.get(action.partition(":")[0]), patterns.get(""))
            if expression
        )
        return found != bool(self.not_actions)

    @cached_property
    def _by_service(self) -> dict[str, re.Pattern[str]]:
        """One expression for the actions of each service; below "" those of patterns that name none."""
        grouped: dict[str, list[str]] = {}
        for pattern in self.not_actions or self.actions:
            service = pattern.lower().partition(":")[0]
            grouped.setdefault("" if "*" in service or "?" in service else service, []).append(pattern.lower())
        return {service: re.compile("|".join(map(regular, patterns))) for service, patterns in grouped.items()}

    def has_resource(self, resource: str) -> bool:
        """Whether it speaks of this resource, a text or a pattern, as a whole."""
        if self.not_resources:
            return not any(covers(pattern, resource) for pattern in self.not_resources)
        return any(covers(pattern, resource) for pattern in self.resources)


def statements(document: Any, *, source: str) -> tuple[Statement, ...]:
    """The statements of a resolved policy document; none where there is no document."""
    if not isinstance(document, dict):
        return ()
    return tuple(_statement(one, source) for one in _list(document.get("Statement")) if isinstance(one, dict))


def _statement(written: dict[str, Any], source: str) -> Statement:
    return Statement(
        effect=text_of(written.get("Effect", "Allow")),
        source=source,
        sid=text_of(written.get("Sid", "")),
        actions=_texts(written.get("Action")),
        not_actions=_texts(written.get("NotAction")),
        resources=_texts(written.get("Resource")),
        not_resources=_texts(written.get("NotResource")),
        principals=tuple(_principals(written.get("Principal"))),
        not_principals=tuple(_principals(written.get("NotPrincipal"))),
        conditions=tuple(_conditions(written.get("Condition"))),
    )


def _principals(written: Any) -> Iterator[tuple[str, str]]:
    if isinstance(written, dict):
        for kind, values in written.items():
            for value in _texts(values):
                # Everybody, however it is written: https://docs.aws.amazon.com/IAM/latest/UserGuide/
                # reference_policies_elements_principal.html#principal-anonymous
                yield ("*", "*") if value == "*" and kind == "AWS" else (kind, value)
    elif written is not None:
        yield ("*", text_of(written))


def _conditions(written: Any) -> Iterator[Condition]:
    for operator, keys in sorted(written.items()) if isinstance(written, dict) else ():
        for key, values in sorted(keys.items()) if isinstance(keys, dict) else ():
            yield Condition(operator=operator, key=text_of(key), values=_texts(values))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text_of(one) for one in _list(value))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
