"""What a rule is: a function over a resource (or the whole assembly) with what a reader needs to act on its finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.assembly import Resource, Stack


class Severity(StrEnum):
    """What happens when the fault reaches AWS."""

    REFUSED = "refused"
    OUTAGE = "outage risk"
    SILENT = "silent failure"
    COST = "cost or cleanup trap"


class Confidence(StrEnum):
    """How we know: AWS's own text or source; somebody's report of it; nothing but memory."""

    DOCUMENTED = "documented"
    REPORTED = "reported"
    BELIEVED = "believed"


class Level(StrEnum):
    """Whether a finding fails the run. The words are SARIF's."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """One breach. `at` is the property's path; `resource` (or `stack`) where it is not the resource under test."""

    at: str
    message: str
    resource: Resource | None = None
    stack: Stack | None = None


Check = Callable[[Any], Iterable[Fault]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`constraint` is the line of docs/aws-constraints.md that the rule comes from, None where it has no line.

    `types` are the resource types whose resources `check` is called with; without any it is called with the Assembly.
    `lacks` is what a fault consists in the want of: types of further resources, or DependsOn, DeletionPolicy, Outputs.
    Where a macro may add one, the finding is undecided; properties that are wanting need not be named.
    """

    id: str
    constraint: int | None
    severity: Severity
    confidence: Confidence
    title: str
    otherwise: str
    remedy: str
    source: str
    types: tuple[str, ...]
    level: Level
    lacks: tuple[str, ...]
    check: Check


def _usual_level(severity: Severity, confidence: Confidence) -> Level:
    """A warning where money is at stake or nobody has a source; an error otherwise."""
    warns = severity is Severity.COST or confidence is Confidence.BELIEVED
    return Level.WARNING if warns else Level.ERROR


REGISTRY: dict[str, Rule] = {}


def rule(
    rule_id: str,
    *,
    severity: Severity,
    confidence: Confidence,
    title: str,
    otherwise: str,
    remedy: str,
    source: str,
    constraint: int | None = None,
    types: tuple[str, ...] = (),
    level: Level | None = None,
    lacks: tuple[str, ...] = (),
) -> Callable[[Check], Check]:
    """Register the decorated function as a rule. Raises ValueError when the id is taken.

    `level` is given where a documented fault may but need not happen (a race, say): an error would refuse what often
    works.
    """

    def register(check: Check) -> Check:
        if rule_id in REGISTRY:
            raise ValueError(f"two rules have the id {rule_id}")
        REGISTRY[rule_id] = Rule(
            id=rule_id,
            constraint=constraint,
            severity=severity,
            confidence=confidence,
            title=title,
            otherwise=otherwise,
            remedy=remedy,
            source=source,
            types=types,
            level=level or _usual_level(severity, confidence),
            lacks=lacks,
            check=check,
        )
        return check

    return register
