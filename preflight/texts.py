"""Texts of resolved parts, and the references in them."""

from __future__ import annotations

from typing import Any

from preflight.values import Reference, Text, Unknown

CHARACTERS = 200_000
"""In a text, of at most PARTS parts: what multiplies beyond them was made to exhaust us."""

PARTS = 2_000


def joined(parts: list[Any]) -> str | Text | Unknown:
    """A text of resolved parts: plain where all are, else Text."""
    pieces: list[str | Reference | Unknown] = []
    for part in parts:
        if isinstance(part, Text):
            pieces.extend(part.parts)
        elif isinstance(part, Reference | Unknown):
            pieces.append(part)
        elif (written := plain(part)) is not None:
            pieces.append(written)
        else:
            pieces.append(Unknown("it is not a text"))
    if len(pieces) > PARTS or sum(len(piece) for piece in pieces if isinstance(piece, str)) > CHARACTERS:
        return Unknown("the text is too long")
    if all(isinstance(piece, str) for piece in pieces):
        return dynamic("".join(piece for piece in pieces if isinstance(piece, str)))
    merged: list[str | Reference | Unknown] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    if any(isinstance(piece, str) and "{{resolve:" in piece for piece in merged):
        found = tuple(piece for piece in merged if isinstance(piece, Reference))
        return Unknown("a dynamic reference is read by the deployment", references=found)
    if len(merged) == 1 and not isinstance(merged[0], str | Reference):
        return merged[0]
    return Text(tuple(merged))


def dynamic(value: str) -> str | Unknown:
    """The text, unless it holds a reference that the deployment reads."""
    # One that a Join has yet to complete has no end here.
    begins = value.find("{{resolve:")
    if begins >= 0 and "}}" in value[begins:]:
        return Unknown("a dynamic reference is read by the deployment")
    return value


def plain(value: Any) -> str | None:
    """How CloudFormation writes a scalar; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return None


def references(value: Any) -> tuple[Reference, ...]:
    """Every reference in a resolved value, each once, up to a limit."""
    found: dict[Reference, None] = {}
    pending = [value]
    while pending and len(found) < PARTS:
        value = pending.pop()
        if isinstance(value, Reference):
            found[value] = None
        elif isinstance(value, Text | Unknown):
            found.update(dict.fromkeys(value.references))
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list | tuple):
            pending.extend(value)
    return tuple(found)
