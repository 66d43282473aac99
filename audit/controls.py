"""Which controls apply, which hold, and by what evidence: each rule of each pack against what the synth has found."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audit import catalogue
from audit.model import Finding, ResourceEntry, Rule, State
from audit.pack.rule import PACK


@dataclass(frozen=True, kw_only=True)
class Control:
    """One control of a framework, with the rules that are evidence for it."""

    framework: str
    id: str
    state: State
    rules: tuple[Rule, ...]

    @property
    def checked(self) -> int:
        return sum(rule.checked for rule in self.rules)


def judge(resources: Iterable[ResourceEntry], findings: Iterable[Finding], asked: Iterable[str]) -> tuple[Rule, ...]:
    """Every rule of every pack, and every rule of another plugin that has found something."""
    amounts = Counter(resource.type for resource in resources)
    by_rule: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.tool, finding.rule].append(finding)
    packs = set(asked)
    rules = [_judged(listed, amounts, by_rule.pop((listed.pack, listed.id), []), packs) for listed in catalogue.rules()]
    rules += [
        Rule(
            pack=tool,
            id=rule,
            title=found[0].message,
            checked=len({one.path for one in found}),
            state=_state(found),
            findings=tuple(one.key for one in found),
        )
        for (tool, rule), found in sorted(by_rule.items())
    ]
    return tuple(rules)


def _judged(listed: catalogue.Listed, amounts: Counter[str], found: list[Finding], packs: set[str]) -> Rule:
    types = catalogue.types_of(listed, set(amounts))
    if listed.pack not in packs:
        state = State.NOT_RUN
    elif found:
        state = _state(found)
    else:
        state = State.PASSED if types or not listed.classes else State.NOT_APPLICABLE
    return Rule(
        pack=listed.pack,
        id=listed.id,
        title=listed.title,
        why=listed.why,
        controls=listed.controls,
        types=types,
        checked=sum(amounts[kind] for kind in types) if listed.classes else amounts.total(),
        state=state,
        findings=tuple(one.key for one in found),
    )


def _state(found: list[Finding]) -> State:
    return worst(one.state for one in found)


def by_framework(rules: Iterable[Rule]) -> dict[str, tuple[Control, ...]]:
    """Controls by framework. A pack that names no controls is its own framework, and each of its rules a control."""
    grouped: dict[str, dict[str, list[Rule]]] = defaultdict(lambda: defaultdict(list))
    for rule in rules:
        for framework, control in _evidence_for(rule):
            grouped[framework][control].append(rule)
    return {
        framework: tuple(
            Control(framework=framework, id=name, state=worst(rule.state for rule in found), rules=tuple(found))
            for name, found in sorted(controls.items(), key=lambda item: natural(item[0]))
        )
        for framework, controls in grouped.items()
    }


def _evidence_for(rule: Rule) -> Iterator[tuple[str, str]]:
    framework = catalogue.FRAMEWORKS.get(rule.pack)
    if framework is None:
        return
    own = rule.id.removeprefix(f"{rule.pack}-")
    if rule.pack == PACK:
        yield framework, own
        framework = catalogue.NIST
    for control in rule.controls or ((own,) if rule.pack != PACK else ()):
        yield framework, control


_ORDER = (State.FAILED, State.NOT_RUN, State.WARNING, State.ACKNOWLEDGED, State.PASSED, State.NOT_APPLICABLE)


def worst(states: Iterable[State]) -> State:
    """The state of a control whose rules have these: a rule that was not run leaves its control open."""
    found = set(states)
    return next((state for state in _ORDER if state in found), State.NOT_APPLICABLE)


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts AC-2 before AC-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]
