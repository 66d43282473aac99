"""Runs the rules over an assembly: findings, what was waived, and what could not be decided."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from preflight import rules as rule_modules
from preflight.assembly import Assembly, Resource, Stack
from preflight.rule import REGISTRY, Fault, Level, Rule
from preflight.values import assuming_additions, noting
from preflight.waivers import Waiver, WaiverFault, waivers_of
from preflight.worlds import World, worlds

Place = tuple[str, Stack, Resource | None, str]
"""Rule, stack, resource and property: what is the same finding in two deployments."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A breach of a rule, or (`level` error, `rule` None) a waiver that is no good."""

    rule: Rule | None
    level: Level
    at: str
    message: str
    stack: Stack
    resource: Resource | None
    waiver: Waiver | None = None

    @property
    def rule_id(self) -> str:
        return self.rule.id if self.rule else "WAIVER"

    @property
    def construct_path(self) -> str:
        return self.resource.construct_path if self.resource else self.stack.name


@dataclass(frozen=True, kw_only=True)
class Undecided:
    """A place that a rule could not judge, and why."""

    rule: Rule
    stack: Stack
    resource: Resource | None
    at: str
    why: str

    @property
    def construct_path(self) -> str:
        return self.resource.construct_path if self.resource else self.stack.name


@dataclass(kw_only=True)
class Result:
    """`findings` stand; `waived` were acknowledged; `crashed` names rules that failed by our own fault."""

    findings: list[Finding] = field(default_factory=list)
    waived: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    rules: int = 0
    resources: int = 0
    seconds: float = 0.0

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level is Level.ERROR]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level is Level.WARNING]

    @property
    def ok(self) -> bool:
        return not self.errors and not self.crashed


@functools.cache
def all_rules() -> dict[str, Rule]:
    """Every rule by id."""
    for module in pkgutil.iter_modules(rule_modules.__path__):
        importlib.import_module(f"{rule_modules.__name__}.{module.name}")
    return REGISTRY


def run(assembly: Assembly, *, today: date | None = None, only: Iterable[str] | None = None) -> Result:
    """Judge an assembly. `only` limits the rules to these ids; `today` decides which waivers have expired."""
    started = time.perf_counter()
    known = all_rules()
    chosen = [known[rule_id] for rule_id in only] if only is not None else list(known.values())
    result = Result(rules=len(chosen), resources=sum(len(stack.resources) for stack in assembly.stacks))
    _judge_all(chosen, assembly, result)
    _judge_otherwise(chosen, assembly, result)
    _waive(assembly, result, today or datetime.now(tz=UTC).date(), {rule.id for rule in chosen}, known)
    result.findings.sort(key=lambda f: (f.level, f.stack.name, f.construct_path, f.rule_id, f.at, f.message))
    result.seconds = time.perf_counter() - started
    return result


def _judge_all(rules: list[Rule], assembly: Assembly, result: Result) -> None:
    for rule in rules:
        subjects: Iterable[Assembly | Resource] = assembly.of_type(*rule.types) if rule.types else [assembly]
        for subject in subjects:
            _judge(rule, subject, result)


def _judge_otherwise(rules: list[Rule], assembly: Assembly, result: Result) -> None:
    """What is a fault only if the deployment chooses so warns: nobody may ever choose it.

    What is one in none of the deployments that there can be stays undecided.
    """
    judged = [(world, _judged_in(world, rules, assembly, result)) for world in worlds(assembly)]
    told = {_place(finding) for finding in result.findings}
    result.findings = list(_in_every_deployment(result, judged))
    for world, found in judged:
        for place, finding in found.items():
            if place not in told:
                told.add(place)
                message = f"{finding.message} (where {world.choice})"
                result.findings.append(replace(finding, level=Level.WARNING, message=message))


def _judged_in(world: World, rules: list[Rule], assembly: Assembly, result: Result) -> dict[Place, Finding]:
    """The findings of another deployment, as if they were of this one's stacks and resources."""
    there = Result()
    _judge_all(rules, world.assembly, there)
    result.crashed += [crash for crash in there.crashed if crash not in result.crashed]
    stacks = dict(zip(world.assembly.stacks, assembly.stacks, strict=True))
    found = {}
    for finding in there.findings:
        stack = stacks[finding.stack]
        resource = stack.all_resources[finding.resource.logical_id] if finding.resource else None
        here = replace(finding, stack=stack, resource=resource)
        found[_place(here)] = here
    return found


def _in_every_deployment(result: Result, judged: list[tuple[World, dict[Place, Finding]]]) -> Iterator[Finding]:
    """A finding of what is still open has to be one whatever is chosen, or it warns only.

    Where a choice leaves the whole resource out, it says nothing about it.
    """
    for finding in result.findings:
        place = _place(finding)
        asked = [
            (world.choice, place in found)
            for world, found in judged
            if world.choice.open and world.has(finding.stack, finding.resource)
        ]
        without = [choice for choice, there in asked if not there]
        answered = {choice.question for choice, there in asked if there}
        if any(choice.question not in answered for choice in without) and finding.rule:
            why = "it is a fault in none of the deployments that the conditions allow"
            result.undecided.append(
                Undecided(rule=finding.rule, stack=finding.stack, resource=finding.resource, at=finding.at, why=why)
            )
        elif without and finding.level is Level.ERROR:
            message = f"{finding.message} (but not where {without[0]})"
            yield replace(finding, level=Level.WARNING, message=message)
        else:
            yield finding


def _place(finding: Finding) -> Place:
    return finding.rule_id, finding.stack, finding.resource, finding.at


def _judge(rule: Rule, subject: Assembly | Resource, result: Result) -> None:
    with noting() as questions:
        try:
            findings = list(_findings(rule, subject, rule.check(subject)))
            result.findings += _settled(rule, subject, findings, result)
        except Exception as error:  # noqa: BLE001
            # One rule's fault must neither hide the others' findings nor pass for a clean bill.
            where = subject.construct_path if isinstance(subject, Resource) else "the assembly"
            result.crashed.append(f"{rule.id} at {where}: {type(error).__name__}: {str(error)[:200]}")
    seen = set()
    for node, why in questions:
        if (key := (node.resource, node.path())) not in seen:
            seen.add(key)
            result.undecided.append(
                Undecided(rule=rule, stack=node.resource.stack, resource=node.resource, at=node.path(), why=why)
            )


def _settled(rule: Rule, subject: Assembly | Resource, findings: list[Finding], result: Result) -> Iterator[Finding]:
    """The findings that stand whatever macros add to the templates; the others are undecided."""
    again: set[tuple[Stack, Resource | None, str]] | None = None
    for finding in findings:
        stack, resource = finding.stack, finding.resource
        stands = not stack.may_gain(rule.lacks)
        if stands and (resource.rewritten if resource else stack.macros.rewrite):
            again = _with_additions(rule, subject) if again is None else again
            stands = (stack, resource, finding.at) in again
        if stands:
            yield finding
        else:
            why = "a macro may add what is wanting"
            result.undecided.append(Undecided(rule=rule, stack=stack, resource=resource, at=finding.at, why=why))


def _with_additions(rule: Rule, subject: Assembly | Resource) -> set[tuple[Stack, Resource | None, str]]:
    """Where the rule finds a fault also when a macro may have added what is wanting."""
    with assuming_additions():
        return {(one.stack, one.resource, one.at) for one in _findings(rule, subject, rule.check(subject))}


def _findings(rule: Rule, subject: Assembly | Resource, faults: Iterable[Fault]) -> Iterator[Finding]:
    for fault in faults:
        resource = fault.resource or (subject if isinstance(subject, Resource) and not fault.stack else None)
        stack = resource.stack if resource else fault.stack
        if stack is None:
            assert isinstance(subject, Assembly)  # noqa: S101  (a resource would have given its stack)
            stack = subject.stacks[0]
        yield Finding(rule=rule, level=rule.level, at=fault.at, message=fault.message, stack=stack, resource=resource)


def _waive(assembly: Assembly, result: Result, today: date, chosen: set[str], known: dict[str, Rule]) -> None:
    """Move what a valid waiver names from the findings to the waived; a waiver at fault is itself a finding."""
    for stack in assembly.stacks:
        judged = {f.resource: None for f in result.findings if f.stack is stack and f.resource}
        for owner in (None, *dict.fromkeys(stack.resources.values()) | judged):
            for waiver in waivers_of(owner or stack):
                if isinstance(waiver, WaiverFault):
                    result.findings.append(_waiver_finding(stack, owner, waiver.message))
                    continue
                if waiver.rule not in known:
                    result.findings.append(_waiver_finding(stack, owner, f"there is no rule {waiver.rule}"))
                elif waiver.rule in chosen:
                    _apply(waiver, stack, owner, result, today)


def _apply(waiver: Waiver, stack: Stack, owner: Resource | None, result: Result, today: date) -> None:
    matching = [f for f in result.findings if f.rule_id == waiver.rule and f.stack is stack and f.resource is owner]
    if not matching:
        result.findings.append(
            _waiver_finding(stack, owner, f"the waiver of {waiver.rule} matches no finding: remove it")
        )
    elif waiver.expires < today:
        result.findings.append(
            _waiver_finding(stack, owner, f"the waiver of {waiver.rule} by {waiver.owner} expired on {waiver.expires}")
        )
    else:
        for finding in matching:
            result.findings.remove(finding)
            result.waived.append(
                Finding(
                    rule=finding.rule,
                    level=finding.level,
                    at=finding.at,
                    message=finding.message,
                    stack=stack,
                    resource=owner,
                    waiver=waiver,
                )
            )


def _waiver_finding(stack: Stack, owner: Resource | None, message: str) -> Finding:
    return Finding(rule=None, level=Level.ERROR, at="Metadata.preflight", message=message, stack=stack, resource=owner)
