"""Alarms by the names that people use: without environment, stack and random parts."""

from __future__ import annotations

import re

_SCALING = re.compile(r"(Web|Worker)ServiceTaskCountTarget([A-Z][A-Za-z]*?)(Upper|Lower)Alarm")
_OF_PEOPLE = re.compile(r"SpendSmart-[A-Z][a-z0-9]*-(.+)")
_OF_ROLLOUTS = re.compile(r"spendsmart-[a-z0-9-]+?-(rollout-.+)")


def title_of(name: str) -> str:
    """`web-errors` of `SpendSmart-Prod-web-errors`; `scaling-web-cpu-upper` of what CDK calls a policy's alarm."""
    if found := _SCALING.search(name):
        return "-".join(("scaling", *(part.lower() for part in found.groups())))
    found = _OF_PEOPLE.fullmatch(name) or _OF_ROLLOUTS.fullmatch(name)
    return found[1] if found else name
