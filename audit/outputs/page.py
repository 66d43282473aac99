"""The report as one page for people: no script, nothing from elsewhere, readable on paper and by screen readers."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from audit import catalogue
from audit.controls import Control, by_framework
from audit.model import Acknowledgement, Finding, Report, ResourceEntry, State
from audit.outputs.document import counts, stamp
from audit.outputs.oscal import OSCAL_VERSION

_FOLDER = Path(__file__).with_name("page")
_AROUND = 4
"""Lines of code shown before and after the one that made a resource."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One reason with all the findings that it answers for."""

    answer: Acknowledgement
    findings: tuple[Finding, ...]

    def days_left(self, today: date) -> int | None:
        return (self.answer.expires - today).days if self.answer.expires else None


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The lines around one that made resources; `lines` are number, text, and whether it is the one."""

    place: str
    lines: tuple[tuple[int, str, bool], ...]


def as_html(report: Report, root: Path) -> str:
    """The whole page. Code is read from the repository at `root`, as it is now."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breaking": breaking,
        "anchored": anchored,
        "css": lambda state: str(state).replace(" ", "-"),
    }
    environment.globals |= {"State": State}
    environment.tests["ours"] = lambda source: not source.startswith("arn:aws:iam::aws:policy/")
    resources = {one.path: one for one in report.resources}
    by_resource = _by_path(report.findings)
    shown = [one for one in report.resources if one.path in by_resource]
    excerpts = _excerpts({one.line for one in shown if one.line}, root)
    return environment.get_template("page.html").render(
        report=report,
        made_at=stamp(report.made_at),
        today=report.made_at.date(),
        counts=counts(report),
        style=Markup((_FOLDER / "style.css").read_text()),  # noqa: S704  (a file of ours)
        picture=Markup(report.network["picture"]),  # noqa: S704  (drawn by audit.network, which escapes its texts)
        frameworks=_frameworks(report),
        failing=[one for one in report.findings if one.state is State.FAILED],
        warned=[one for one in report.findings if one.state is State.WARNING],
        decisions=_decisions(report.acknowledged),
        stacks=_by_stack(report.resources),
        resources=resources,
        by_resource=by_resource,
        shown=shown,
        bodies={one.path: json.dumps(one.body, indent=1, sort_keys=True) for one in shown},
        excerpts=excerpts,
        nag_packs=tuple(catalogue.PACKS),
        places={one.place for one in excerpts},
        oscal_version=OSCAL_VERSION,
        rules={rule.id: rule for rule in report.rules},
    )


def _frameworks(report: Report) -> list[tuple[str, list[Control], list[Control], dict[str, int]]]:
    """Each framework with its controls that apply, those that do not, and how many are in which state."""
    found = []
    for name, controls in by_framework(report.rules).items():
        apply = [one for one in controls if one.state is not State.NOT_APPLICABLE]
        rest = [one for one in controls if one.state is State.NOT_APPLICABLE]
        amounts = {state.value: sum(one.state is state for one in controls) for state in State}
        found.append((name, apply, rest, amounts))
    return found


def _decisions(findings: Iterable[Finding]) -> list[Decision]:
    grouped: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        if answer := one.acknowledgement:
            grouped[answer.reason, answer.reference, str(answer.expires)].append(one)
    made = [Decision(answer=found[0].acknowledgement, findings=tuple(found)) for found in grouped.values()
            if found[0].acknowledgement]  # fmt: skip
    return sorted(made, key=lambda one: (one.answer.expires or date.max, one.answer.reason))


def _by_path(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for one in findings:
        found[one.path].append(one)
    return dict(found)


def _by_stack(resources: Sequence[ResourceEntry]) -> dict[str, list[ResourceEntry]]:
    found: dict[str, list[ResourceEntry]] = defaultdict(list)
    for one in resources:
        found[one.stack].append(one)
    return dict(found)


def _excerpts(places: set[str], root: Path) -> list[Excerpt]:
    found = []
    for place in sorted(places, key=lambda one: (one.rpartition(":")[0], int(one.rpartition(":")[2]))):
        name, _, number = place.rpartition(":")
        try:
            lines = (root / name).read_text().splitlines()
        except OSError:
            continue
        middle = int(number)
        first, last = max(1, middle - _AROUND), min(len(lines), middle + _AROUND)
        shown = tuple((each, lines[each - 1], each == middle) for each in range(first, last + 1))
        found.append(Excerpt(place=place, lines=shown))
    return found


def breaking(text: Any) -> Markup:
    """A path or an id that may break after its separators, and nowhere else."""
    written = str(escape(str(text)))
    for separator in ("/", "::", "-", ".", "_"):
        written = written.replace(separator, f"{separator}<wbr>")
    return Markup(written)  # noqa: S704  (escaped above)


def anchored(name: str, kind: str) -> str:
    """An id for a place in the page, the same for the same name."""
    return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
