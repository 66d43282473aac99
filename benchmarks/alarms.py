"""False alarms: what preflight says of our own environments, and of a thousand templates of other people.

A finding at error level is a false alarm unless corpus-judged.toml names it as a fault that is really there. Warnings
fail nobody's deploy; they are counted by rule.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import corpus
from preflight.assembly import Assembly
from preflight.engine import run
from preflight.loading import LoadError, load

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = ("dev", "staging", "prod", "preview")
Place = tuple[str, str, str]
"""Template, rule, logical id."""


@dataclass(kw_only=True)
class Alarms:
    """What was found over one set of templates."""

    templates: int = 0
    resources: int = 0
    seconds: float = 0.0
    errors: dict[Place, str] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, assembly: Assembly) -> None:
        result = run(assembly)
        assert not result.crashed, (name, result.crashed)
        self.templates += len(assembly.stacks)
        self.resources += result.resources
        self.seconds += result.seconds
        self.warnings.update(finding.rule_id for finding in result.warnings)
        for finding in result.errors:
            logical_id = finding.resource.logical_id if finding.resource else ""
            self.errors[name, finding.rule_id, logical_id] = f"{finding.at}: {finding.message}"


def judged() -> dict[Place, str]:
    """The faults that are really there, with the reason."""
    written: dict[str, Any] = tomllib.loads((HERE / "corpus-judged.toml").read_text(encoding="utf-8"))
    return {
        (template, rule, logical_id): fault["why"]
        for fault in written["fault"]
        for rule in fault["rules"]
        for template, logical_ids in fault["templates"].items()
        for logical_id in logical_ids
    }


def measure() -> tuple[Alarms, Alarms]:
    """Over our own assemblies, and over the corpus."""
    from stacks.platform import SpendSmartPlatform

    own, others = Alarms(), Alarms()
    with tempfile.TemporaryDirectory(prefix="alarms") as folder:
        for environment in ENVIRONMENTS:
            made = Path(folder) / environment
            SpendSmartPlatform(environment=environment, validate=False, outdir=str(made)).synth()
            own.add(environment, load(made))
    corpus.fetch()
    for name, path in corpus.templates():
        try:
            assembly = load(path)
        except LoadError as error:
            others.unreadable[name] = str(error).removeprefix(f"{path}: ")
            continue
        others.add(name, assembly)
    return own, others


def report(own: Alarms, others: Alarms) -> dict[str, Any]:
    """Prints both sets and returns their figures."""
    known = judged()
    figures = {}
    for name, alarms, faults in (("our four environments", own, {}), ("other people's templates", others, known)):
        false = {place: said for place, said in alarms.errors.items() if place not in faults}
        print(
            f"{name:<28} {alarms.templates:5} templates, {alarms.resources:6} resources, {alarms.seconds:5.1f} s: "
            f"{len(false)} false alarms, {len(alarms.errors) - len(false)} real faults, "
            f"{alarms.warnings.total()} warnings, {len(alarms.unreadable)} not read"
        )
        for (template, rule, logical_id), said in sorted(false.items()):
            print(f"  FALSE? {rule} {template} {logical_id} {said}")
        for template, why in alarms.unreadable.items():
            print(f"  not read: {template}: {why}")
        if alarms.warnings:
            print("  warnings: " + ", ".join(f"{rule} {count}" for rule, count in alarms.warnings.most_common()))
        figures[name] = {
            "templates": alarms.templates,
            "resources": alarms.resources,
            "seconds": round(alarms.seconds, 2),
            "false alarms": len(false),
            "real faults": len(alarms.errors) - len(false),
            "warnings": dict(alarms.warnings),
            "not read": len(alarms.unreadable),
        }
    for place in sorted(known.keys() - others.errors.keys()):
        print(f"  no longer found, though judged a fault: {' '.join(place)}")
    return figures


if __name__ == "__main__":
    report(*measure())
