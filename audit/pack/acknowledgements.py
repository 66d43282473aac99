"""Acknowledgements as templates hold them, and which of them are no good."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from preflight.assembly import Assembly, Resource
from preflight.loading import load_assembly
from preflight.values import mapping

METADATA = "acknowledgements"
"""The key in a resource's Metadata: a list of entries as in docs/audit.md."""

GRACE = timedelta(days=14)
"""How long an expired acknowledgement warns before it fails."""

_FIELDS = ("findings", "reason", "owner", "reference", "decided", "expires")
_SHORTEST_REASON = 40

Found = tuple[str, str]
"""Construct path and rule of a finding, as plugins report it."""


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """One finding of one pack at one resource. `rule` is as reports name it (`AwsSolutions-IAM5[Resource::*]`)."""

    resource: Resource
    rule: str
    reason: str
    owner: str
    reference: str
    decided: date
    expires: date

    @property
    def pack(self) -> str:
        return self.rule.split("-", 1)[0]

    @property
    def construct_path(self) -> str:
        return self.resource.construct_path


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with an acknowledgement. `fails` is False while it only warns."""

    id: str
    resource: Resource
    rule: str
    message: str
    remedy: str
    fails: bool = True


def read(assembly: Assembly) -> tuple[list[Acknowledgement], list[Problem]]:
    """Every acknowledgement of an assembly, and what could not be read as one."""
    good: list[Acknowledgement] = []
    bad: list[Problem] = []
    for resource in assembly.resources():
        for entry in _entries(resource):
            for one in _parsed(resource, entry):
                if isinstance(one, Problem):
                    bad.append(one)
                else:
                    good.append(one)
    return good, bad


def judge(acknowledgements: Collection[Acknowledgement], found: Collection[Found], today: date) -> Iterator[Problem]:
    """Which acknowledgements have expired, name a finding that is gone, or say twice what is said already.

    `found` is everything that the packs reported, what is acknowledged included.
    """
    known, seen = set(found), set()
    for one in acknowledgements:
        place = (one.construct_path, one.rule)
        if place in seen:
            yield _problem(one, "Repeated", "is acknowledged twice", "Remove one of the two.")
        seen.add(place)
        if place not in known:
            yield _problem(one, "Gone", "matches no finding any more", "Remove the acknowledgement.")
        elif one.expires < today:
            yield _expired(one, today)


def counts(acknowledgements: Collection[Acknowledgement]) -> dict[str, int]:
    """How many there are of each pack."""
    return dict(sorted(Counter(one.pack for one in acknowledgements).items()))


def counts_of(folder: Path) -> dict[str, int]:
    """The same, read from a synthesized folder."""
    return counts(read(load_assembly(folder))[0])


def _expired(one: Acknowledgement, today: date) -> Problem:
    fails_from = one.expires + GRACE + timedelta(days=1)
    message = f"expired on {one.expires}, as {one.owner} decided it on {one.decided}"
    if today < fails_from:
        message += f"; it fails from {fails_from} on"
    remedy = "Mend the finding, or decide anew and date it."
    return _problem(one, "Expired", message, remedy, fails=today >= fails_from)


def _problem(one: Acknowledgement, kind: str, message: str, remedy: str, *, fails: bool = True) -> Problem:
    return Problem(
        id=f"Acknowledgement{kind}",
        resource=one.resource,
        rule=one.rule,
        message=f"The acknowledgement of {one.rule} {message}",
        remedy=remedy,
        fails=fails,
    )


def _entries(resource: Resource) -> list[Any]:
    written = mapping(resource.raw.get("Metadata")).get(METADATA, [])
    return written if isinstance(written, list) else [written]


def _parsed(resource: Resource, entry: Any) -> Iterator[Acknowledgement | Problem]:
    fields = mapping(entry)
    fault = _fault(fields)
    if fault:
        text = json.dumps(entry, sort_keys=True)[:120]
        yield _unreadable(resource, text, fault)
        return
    for rule in fields["findings"]:
        if _is_pattern(rule):
            yield _unreadable(resource, str(rule), "it has to name one finding, with its pack and without a wildcard")
            continue
        yield Acknowledgement(
            resource=resource,
            rule=rule,
            reason=fields["reason"],
            owner=fields["owner"],
            reference=fields["reference"],
            decided=date.fromisoformat(fields["decided"]),
            expires=date.fromisoformat(fields["expires"]),
        )


def _fault(fields: dict[str, Any]) -> str | None:
    if missing := [name for name in _FIELDS if not fields.get(name)]:
        return f"it lacks {', '.join(missing)}"
    if not isinstance(fields["findings"], list):
        return "findings has to be a list"
    if len(str(fields["reason"])) < _SHORTEST_REASON:
        return f"its reason has fewer than {_SHORTEST_REASON} characters: say what protects instead"
    try:
        decided, expires = date.fromisoformat(fields["decided"]), date.fromisoformat(fields["expires"])
    except (TypeError, ValueError):
        return "decided and expires are dates, as in 2027-03-31"
    return None if decided < expires else "it expires before it was decided"


def _is_pattern(rule: Any) -> bool:
    """What is in brackets is a finding's own text, and may have a star in it: `IAM5[Resource::*]`."""
    name = str(rule).split("[", 1)[0]
    return not re.fullmatch(r"[A-Za-z0-9.]+-[A-Za-z0-9]+", name)


def _unreadable(resource: Resource, what: str, why: str) -> Problem:
    return Problem(
        id="AcknowledgementUnreadable",
        resource=resource,
        rule=what,
        message=f"The acknowledgement {what} is refused: {why}",
        remedy="Write it with infra.acknowledgement, as docs/audit.md says.",
    )
