"""What a rule of our own pack is, and where rules are registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from preflight.assembly import Assembly, Resource

PACK = "SpendSmart"


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A resource that breaks a rule. `finding` tells several at one resource apart, `at` is a property's path."""

    resource: Resource
    message: str
    finding: str = ""
    at: str = ""


Check = Callable[[Assembly], Iterable[Breach]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`controls` are the NIST 800-53 R5 controls that the rule is evidence for."""

    name: str
    title: str
    why: str
    remedy: str
    controls: tuple[str, ...]
    check: Check

    @property
    def id(self) -> str:
        return f"{PACK}-{self.name}"


REGISTRY: dict[str, Rule] = {}


def rule(
    name: str, *, title: str, why: str, remedy: str, controls: tuple[str, ...]
) -> Callable[[Callable[[Any], Iterable[Breach]]], Check]:
    """Register the decorated function as a rule. Raises ValueError when the name is taken."""

    def register(check: Check) -> Check:
        if name in REGISTRY:
            raise ValueError(f"two rules have the name {name}")
        REGISTRY[name] = Rule(name=name, title=title, why=why, remedy=remedy, controls=controls, check=check)
        return check

    return register
