"""Patterns of IAM policies: `*` stands for any text, `?` for one character.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from functools import lru_cache


def covers(pattern: str, other: str, *, ignore_case: bool = False) -> bool:
    """Whether `pattern` matches all that `other` matches; `other` may be a plain text or a pattern itself."""
    if ignore_case:
        pattern, other = pattern.lower(), other.lower()
    return pattern in ("*", other) or _expression(pattern).fullmatch(other) is not None


def action_covers(pattern: str, other: str) -> bool:
    """Like `covers`, for actions: their case does not count."""
    return covers(pattern, other, ignore_case=True)


@lru_cache(maxsize=65536)
def overlaps(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    if covers(one, other) or covers(other, one):
        return True
    if "*" not in one and "?" not in one and "*" not in other and "?" not in other:
        return False
    start = min(len(_literal(one)), len(_literal(other)))
    if one[:start] != other[:start]:
        return False
    return _overlap(one[start:], other[start:])


def _overlap(one: str, other: str) -> bool:
    """Row by row: which ends of `other` can be reached together with the first characters of `one`."""
    reach = {0} | set(_skipped(other, 0))
    for character in one:
        after: set[int] = set()
        for at in reach:
            if character == "*":
                after.update(range(at, len(other) + 1))
            elif at < len(other):
                if other[at] == "*":
                    after.add(at)
                elif other[at] == character or "?" in (other[at], character):
                    after.add(at + 1)
        reach = after | {end for at in after for end in _skipped(other, at)}
        if not reach:
            return False
    return len(other) in reach


def _skipped(pattern: str, at: int) -> list[int]:
    found = []
    while at < len(pattern) and pattern[at] == "*":
        at += 1
        found.append(at)
    return found


def _literal(pattern: str) -> str:
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def regular(pattern: str) -> str:
    """The pattern as a regular expression, to be matched as a whole."""
    # A wildcard takes in a wildcard; a single character does not take in `*`, which may stand for many.
    pattern = re.sub(r"\*+", "*", pattern)
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "[^*]")


@lru_cache(maxsize=65536)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(regular(pattern))
