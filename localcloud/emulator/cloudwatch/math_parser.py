"""Metric math expressions as trees: `IF(FILL(requests, 0) > 100, 100 * errors / requests)`.

By "Metric math syntax and functions" in CloudWatch's user guide. From loose to tight: OR, AND, comparison, + and -,
* and /, sign, ^.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>(),\[\]]))"
)
_MOST_TOKENS = 500
_DEEPEST = 40
"""Brackets within brackets, of which CloudWatch itself names no limit."""

_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")


class MathError(ValueError):
    """An expression that makes no sense; the message says why."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Name:
    """The id of a metric or of another expression, or a keyword of a function."""

    name: str


@dataclass(frozen=True)
class Operation:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Negation:
    of: Node


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Array:
    members: tuple[Node, ...]


Node = Number | Text | Name | Operation | Negation | Call | Array


@lru_cache(maxsize=1000)
def parse(text: str) -> Node:
    """The expression as a tree. Raises MathError."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        if len(self._tokens) > _MOST_TOKENS:
            raise self._error("it has too many parts")
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._at < len(self._tokens):
            raise self._error(f"'{self._tokens[self._at][1]}' is not expected here")
        return node

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise MathError(f"The expression {self._text[:50]!r}... is nested too deeply")
        node = self._chain(("OR", "||"), self._conjunction)
        self._depth -= 1
        return node

    def _conjunction(self) -> Node:
        return self._chain(("AND", "&&"), self._comparison)

    def _comparison(self) -> Node:
        return self._chain(_COMPARISONS, self._sum)

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._chain(("*", "/"), self._signed)

    def _signed(self) -> Node:
        if self._take("-"):
            return Negation(self._signed())
        return self._power()

    def _power(self) -> Node:
        base = self._primary()
        return Operation("^", base, self._signed()) if self._take("^") else base

    def _chain(self, operators: tuple[str, ...], next_level: Callable[[], Node]) -> Node:
        node = next_level()
        while (operator := self._take(*operators)) is not None:
            canonical = {"&&": "AND", "||": "OR"}.get(operator, operator)
            node = Operation(canonical, node, next_level())
        return node

    def _primary(self) -> Node:
        if self._at >= len(self._tokens):
            raise self._error("it ends too early")
        kind, text = self._tokens[self._at]
        self._at += 1
        match kind:
            case "number":
                return Number(float(text))
            case "text":
                return Text(text[1:-1])
            case "name":
                return Call(text.upper(), self._members(")")) if self._take("(") else Name(text)
        if text == "(":
            node = self._expression()
            self._expect(")")
            return node
        if text == "[":
            return Array(self._members("]"))
        raise self._error(f"'{text}' is not expected here")

    def _members(self, end: str) -> tuple[Node, ...]:
        if self._take(end):
            return ()
        found = [self._expression()]
        while self._take(","):
            found.append(self._expression())
        self._expect(end)
        return tuple(found)

    def _take(self, *wanted: str) -> str | None:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind in ("sign", "name") and text in wanted:
                self._at += 1
                return text
        return None

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f"'{sign}' is missing")

    def _error(self, problem: str) -> MathError:
        return MathError(f"The expression {self._text!r} cannot be read: {problem}")


def calls(node: Node) -> Iterator[Call]:
    """All calls of functions in a tree."""
    match node:
        case Operation(_, left, right):
            yield from (*calls(left), *calls(right))
        case Negation(of):
            yield from calls(of)
        case Call(_, members) | Array(members):
            if isinstance(node, Call):
                yield node
            for member in members:
                yield from calls(member)


def names(node: Node) -> Iterator[str]:
    """All names in a tree: ids of metrics and expressions, and keywords of functions."""
    match node:
        case Name(name):
            yield name
        case Operation(_, left, right):
            yield from (*names(left), *names(right))
        case Negation(of):
            yield from names(of)
        case Call(_, members) | Array(members):
            for member in members:
                yield from names(member)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            wrong = text[at:].strip()[:1]
            raise MathError(f"The expression {text!r} cannot be read: '{wrong}' is not part of the syntax")
        kind = token.lastgroup or ""
        found.append((kind, token[kind]))
        at = token.end()
    return found
