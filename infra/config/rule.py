"""What a rule of the configuration is.

Each rule names the sections it reads, so that a fault in one section does not hide what is wrong in another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra.config.models import Environment


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One wrong value: dotted `key`, the value found, what would be accepted."""

    key: str
    value: object
    accepted: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    sections: frozenset[str]
    check: Callable[[Environment], Iterator[Fault]]


RULES: list[Rule] = []


def rule(*sections: str) -> Callable[[Callable[[Environment], Iterator[Fault]]], None]:
    def register(check: Callable[[Environment], Iterator[Fault]]) -> None:
        RULES.append(Rule(sections=frozenset(sections), check=check))

    return register
