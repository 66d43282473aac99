"""Wildcard patterns of load balancer rules and CloudFront behaviours as regular expressions (RE2 and Python alike)."""

from __future__ import annotations

import re


def regex(pattern: str, *, anything: str = ".") -> str:
    """`*` fits any number of characters, `?` exactly one, a backslash takes a wildcard's meaning away.

    `anything` is the expression of one character. The result is to be matched against a whole text.
    """
    found = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            found.append(anything + "*")
        elif character == "?":
            found.append(anything)
        elif character == "\\":
            found.append(re.escape(next(characters, "\\")))
        else:
            found.append(re.escape(character))
    return "".join(found)


def any_of(expressions: list[str]) -> str:
    """One of the expressions."""
    return "(?:" + "|".join(expressions) + ")"
