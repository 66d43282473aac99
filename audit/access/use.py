"""What a run has used of what is allowed, from the calls that the local cloud's emulator has noted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.access.actions import expand
from audit.access.patterns import action_covers, overlaps
from audit.access.report import PrincipalAccess


class UseError(Exception):
    """Why a record cannot be read or does not fit, for people."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One kind of call: a role's name, the action, the resource, and whether it was let."""

    role: str
    action: str
    resource: str
    allowed: bool


@dataclass(frozen=True, kw_only=True)
class Unused:
    """Actions on one resource that a principal may do and has not done."""

    actions: tuple[str, ...]
    resource: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Use:
    """One principal's use. `ran` is false where it made no call at all; `refused` are calls that were denied,
    `beyond` allowed ones that the templates do not allow: the emulator and this package would disagree."""

    path: str
    ran: bool
    used: tuple[str, ...]
    unused: tuple[Unused, ...]
    refused: tuple[str, ...]
    beyond: tuple[str, ...]


def load_calls(file: Path) -> tuple[Call, ...]:
    """Raises UseError with the file and the line."""
    found = []
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise UseError(f"{file}: {error.strerror}; run the local cloud first: make up") from None
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Call(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise UseError(f"{file}:{number}: {error}") from None
    return tuple(found)


_LONGEST_ENDING = 13


def use(principals: Sequence[PrincipalAccess], calls: Iterable[Call]) -> tuple[Use, ...]:
    """For every principal of the templates. Calls of roles that are not among them are left out."""
    names = {one.path: one.arn.rpartition("/")[2] for one in principals}
    by_role: dict[str, list[Call]] = {}
    for call in calls:
        by_role.setdefault(call.role, []).append(call)
    owners: dict[str, list[Call]] = {}
    for role, made in by_role.items():
        path = _principal(role, names)
        if path:
            owners.setdefault(path, []).extend(made)
    return tuple(_use(one, owners.get(one.path, [])) for one in principals)


def _principal(role: str, names: dict[str, str]) -> str:
    """The principal whose name was deployed as this one: cut at the limit of 64 characters, with an ending.

    The ending has at most 13 characters, and the local cloud leaves out the hyphen before it where it has to cut.
    """
    exact = [path for path, name in names.items() if name == role]
    stem, _, ending = role.rpartition("-")
    if len(ending) > _LONGEST_ENDING:
        stem = role[:-_LONGEST_ENDING]
    made = {path: name.removesuffix("-${suffix}") for path, name in names.items() if name.endswith("-${suffix}")}
    found = exact or [path for path, name in made.items() if stem and name.startswith(stem)]
    if len(found) > 1:
        raise UseError(f"the role {role} may be any of {', '.join(found)}")
    return found[0] if found else ""


def _use(principal: PrincipalAccess, calls: Sequence[Call]) -> Use:
    let = [one for one in calls if one.allowed]
    unused = []
    for permission in principal.permissions:
        here = [one for one in let if _meets(permission.resource, one.resource)]
        left = tuple(one for one in permission.actions if not any(action_covers(one, call.action) for call in here))
        if left:
            unused.append(Unused(actions=left, resource=permission.resource, source=permission.source))
    return Use(
        path=principal.path,
        ran=bool(calls),
        used=tuple(sorted({one.action for one in let})),
        unused=tuple(unused),
        refused=tuple(sorted(f"{one.action} on {one.resource}" for one in calls if not one.allowed)),
        beyond=tuple(sorted(f"{one.action} on {one.resource}" for one in let if not _granted(principal, one))),
    )


def _granted(principal: PrincipalAccess, call: Call) -> bool:
    return any(
        _meets(one.resource, call.resource) and any(action_covers(each, call.action) for each in one.actions)
        for one in principal.permissions
    ) or not expand(call.action)


_MADE_UP = re.compile(r"(:secret|:log-group):[^:]*?(\w+)-\$\{suffix\}")


def _meets(permitted: str, called: str) -> bool:
    """Whether a permission's resource, as a template has it, takes in what was called.

    A name that is made up has the logical id in it; what stands around it is the stack's name in one form or another,
    or nothing at all.
    """
    made = _MADE_UP.search(permitted)
    named = re.search(rf"{made[1]}:[^:]+", called) if made else None
    if made and named:
        if made[2] not in named[0]:
            return False
        permitted, called = permitted.replace(made[0], "name"), called.replace(named[0], "name")
    return overlaps(_deployed(permitted), called)


def _deployed(resource: str) -> str:
    """A template's resource as a pattern for the deployed one: what only the deployment knows may be anything."""
    return re.sub(r"\$\{[^}]*\}", "*", resource)
