"""Resolved values, and tolerant ways to read them.

A value is plain JSON where it is decided, and otherwise a Reference to a resource, a Text known in part, or Unknown.
The readers below never raise on a wrong type. Asked for a value that is there but undecidable they return None and
note the place, so that the report can say what a rule could not judge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.assembly import Resource


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


@dataclass(frozen=True)
class Unknown:
    """Something only the deployment will know, why, the references in it, and whether it may be nothing.

    `expression` is the function that makes it, where `why` does not tell two of them apart: equal ones are equal.
    """

    why: str
    references: tuple[Reference, ...] = ()
    maybe_absent: bool = False
    expression: str = ""


@dataclass(frozen=True)
class OtherThan(Unknown):
    """Something unknown, but surely none of these texts."""

    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """`Ref` (attribute "Ref") or `Fn::GetAtt` to a resource, of this stack or of another one in the assembly."""

    resource: Resource
    attribute: str


@dataclass(frozen=True)
class Text:
    """A text known in part: `Fn::Sub` or `Fn::Join` over references."""

    parts: tuple[str | Reference | Unknown, ...]

    @property
    def literal(self) -> str:
        """The known parts, with a NUL for each that is not."""
        return "".join(part if isinstance(part, str) else "\0" for part in self.parts)

    def startswith(self, prefix: str) -> bool | None:
        """None where the known beginning is too short to tell."""
        return _begins(self.literal, prefix)

    def endswith(self, suffix: str) -> bool | None:
        """None where the known end is too short to tell."""
        return _begins(self.literal[::-1], suffix[::-1])

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def after(self, separator: str) -> str | Reference | Unknown | Text:
        """What follows the last separator that is known; the whole where none is."""
        for index in range(len(self.parts) - 1, -1, -1):
            part = self.parts[index]
            if isinstance(part, str) and separator in part:
                return _text_of((part.rpartition(separator)[2], *self.parts[index + 1 :]))
        return self

    def before(self, separator: str) -> str | Reference | Unknown | Text:
        """What precedes the first separator that is known; the whole where none is."""
        for index, part in enumerate(self.parts):
            if isinstance(part, str) and separator in part:
                return _text_of((*self.parts[:index], part.partition(separator)[0]))
        return self


def _text_of(parts: tuple[str | Reference | Unknown, ...]) -> str | Reference | Unknown | Text:
    kept = tuple(part for part in parts if part != "")
    return "" if not kept else kept[0] if len(kept) == 1 else Text(kept)


def _begins(literal: str, prefix: str) -> bool | None:
    known = literal.split("\0", 1)[0]
    if known.startswith(prefix):
        return True
    return None if prefix.startswith(known) and "\0" in literal else False


@dataclass(frozen=True)
class Node:
    """A place in a resource's properties and the value there; `value` is ABSENT where there is none."""

    resource: Resource
    keys: tuple[str | int, ...]
    value: Any

    @property
    def absent(self) -> bool:
        return self.value is ABSENT

    @property
    def present(self) -> bool:
        """Surely there, whatever its value will be."""
        return not self.absent and not (isinstance(self.value, Unknown) and self.value.maybe_absent)

    @property
    def known(self) -> bool:
        """Present and decided down to the last leaf."""
        return not self.absent and _decided(self.value)

    def get(self, *keys: str | int) -> Node:
        """The node below; below an undecidable value everything is undecidable, not absent."""
        value = self.value
        for key in keys:
            if isinstance(value, Unknown):
                value = replace(value, maybe_absent=True)
                break
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key, ABSENT)
            elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
                value = value[key]
            elif isinstance(value, Reference | Text):
                value = Unknown("it is inside something that only the deployment will know", maybe_absent=True)
            else:
                value = ABSENT
        if value is ABSENT and _assumed and self.resource.rewritten:
            value = Unknown("a macro may add it", maybe_absent=True)
        return Node(self.resource, self.keys + keys, value)

    def path(self, *keys: str | int) -> str:
        """The dotted path of this node, or of one below it."""
        return ".".join(str(key) for key in self.keys + keys)

    def __str__(self) -> str:
        return self.path()

    def __getitem__(self, key: str | int) -> Node:
        return self.get(key)

    def __iter__(self) -> Iterator[Node]:
        return iter(entries(self))


_open_questions: list[list[tuple[Node, str]]] = []
_assumed: list[None] = []


@contextmanager
def assuming_additions() -> Iterator[None]:
    """Within it, what a resource lacks is unknown instead of absent where a macro may yet add it."""
    _assumed.append(None)
    try:
        yield
    finally:
        _assumed.pop()


def additions_assumed() -> bool:
    return bool(_assumed)


@contextmanager
def noting() -> Iterator[list[tuple[Node, str]]]:
    """Collects the places that readers could not decide, each with its reason."""
    noted: list[tuple[Node, str]] = []
    _open_questions.append(noted)
    try:
        yield noted
    finally:
        _open_questions.pop()


def _note(node: Any, value: Any) -> None:
    if not _open_questions or not isinstance(node, Node):
        return
    if isinstance(value, Unknown):
        why = value.why
    elif isinstance(value, Reference):
        why = f"it is {value.attribute} of {value.resource.logical_id}"
    else:
        why = "it is a text known in part"
    _open_questions[-1].append((node, why))


def mapping(value: Any) -> dict[str, Any]:
    """A raw value where it is a mapping; nothing where a template has something else in its place."""
    return value if isinstance(value, dict) else {}


def _value(given: Any) -> Any:
    return given.value if isinstance(given, Node) else given


def _decided(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_decided(item) for item in value.values())
    if isinstance(value, list):
        return all(_decided(item) for item in value)
    return not isinstance(value, Unknown | Reference | Text)


def is_unknown(given: Any) -> bool:
    """There, and not decidable here (a Reference is not a plain value either)."""
    return isinstance(_value(given), Unknown | Reference | Text)


def number(given: Any) -> float | None:
    """A finite number, also from its text."""
    value = _value(given)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | str):
        if isinstance(value, str) and len(value) > 64:
            return None
        try:
            found = float(value)
        except (ValueError, OverflowError):
            return None
        return found if math.isfinite(found) else None
    if is_unknown(value):
        _note(given, value)
    return None


def integer(given: Any) -> int | None:
    """A whole number, also from its text ("5", "5.0")."""
    value = _value(given)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = number(given)
    return int(found) if found is not None and found == int(found) else None


def text(given: Any) -> str | None:
    """A completely known text. Numbers and booleans count as CloudFormation's own conversion would write them."""
    value = _value(given)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if is_unknown(value):
        _note(given, value)
    return None


def boolean(given: Any) -> bool | None:
    """True or false, also from their texts."""
    value = _value(given)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if is_unknown(value):
        _note(given, value)
    return None


def entries(given: Any) -> list[Node]:
    """The elements of a list; a single value where a list belongs counts as one element; nothing gives none."""
    if not isinstance(given, Node):
        return []
    value = given.value
    if isinstance(value, list):
        return [Node(given.resource, (*given.keys, index), item) for index, item in enumerate(value)]
    if isinstance(value, Unknown):
        _note(given, value)
        return []
    return [] if value is ABSENT or value is None else [given]


def strings(given: Any) -> list[str]:
    """The completely known texts in a list."""
    return [value for value in (text(entry) for entry in entries(given)) if value is not None]


def reference(given: Any) -> Reference | None:
    """The Reference that this value is."""
    value = _value(given)
    return value if isinstance(value, Reference) else None


def target(given: Any, *types: str) -> Resource | None:
    """The resource of one of `types` that a reference, an ARN made with one, or a literal name or ARN points to."""
    value = _value(given)
    if isinstance(value, Reference):
        return value.resource if not types or value.resource.type in types else None
    if isinstance(value, Text):
        for part in value.references:
            if not types or part.resource.type in types:
                return part.resource
    if isinstance(given, Node) and isinstance(value, str | Text | Unknown):
        stack = given.resource.stack
        for kind in types:
            if isinstance(value, str):
                found = stack.assembly.named(kind, value, region=stack.region)
            else:
                found = stack.named_alike(kind, value)
            if found:
                return found
    return None
