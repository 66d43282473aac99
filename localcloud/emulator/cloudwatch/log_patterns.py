"""Filter patterns of CloudWatch Logs ("Filter pattern syntax" in its user guide): which log events a filter matches.

ERROR -timeout "connection lost"        terms that must, and must not, be in the event
?ERROR ?WARN                            any of these
%status=5\\d\\d%                          a regular expression
{ $.level = "error" && $.ms > 100 }     members of a JSON event
[ip, user, status = 5*, ...]            fields between spaces
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_MISSING = object()


class PatternError(ValueError):
    """The pattern makes no sense; the message says why."""


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    """A log event's text, and what it is as JSON (None when it is no JSON object)."""

    message: str
    content: Mapping[str, Any] | None

    @classmethod
    def of(cls, message: str) -> LogEvent:
        content = None
        if message.lstrip()[:1] == "{":
            try:
                content = json.loads(message)
            except ValueError:
                content = None
        return cls(message=message, content=content if isinstance(content, dict) else None)


Matcher = Callable[[LogEvent], "Match | None"]


@dataclass(frozen=True, kw_only=True)
class Match:
    """An event that a pattern matched, and the fields that the pattern gave names to."""

    event: LogEvent
    fields: Mapping[str, str] = field(default_factory=dict)

    def value(self, reference: str) -> Any:
        """What `$.member` or `$field` stands for; None where the event has no such thing."""
        if reference.startswith(("$.", "$[")):
            found = select(self.event.content or {}, reference)
            return None if found is _MISSING else found
        return self.fields.get(reference.removeprefix("$"))


@lru_cache(maxsize=1000)
def compiled(pattern: str) -> Matcher:
    """Raises PatternError."""
    text = pattern.strip()
    if not text:
        return lambda event: Match(event=event)
    if text.startswith("{"):
        holds = _Conditions(text).whole()
        return lambda event: Match(event=event) if event.content is not None and holds(event.content) else None
    if text.startswith("["):
        return _fields(text)
    return _terms(text)


_TERM = re.compile(r'\s*(?P<sign>[-?]?)(?:"(?P<phrase>(?:\\.|[^"\\])*)"|%(?P<regex>[^%]+)%|(?P<word>[^\s"%]+))')


def _terms(text: str) -> Matcher:
    wanted: dict[str, list[Callable[[str], bool]]] = {"": [], "-": [], "?": []}
    at = 0
    while at < len(text.rstrip()):
        found = _TERM.match(text, at)
        if found is None:
            raise PatternError(f"The filter pattern {text!r} cannot be read from {text[at:]!r} on")
        wanted[found["sign"]].append(_term(found))
        at = found.end()

    def matches(event: LogEvent) -> Match | None:
        message = event.message
        if any(excluded(message) for excluded in wanted["-"]):
            return None
        # Optional terms have no effect beside others.
        if not wanted[""] and not wanted["-"]:
            return Match(event=event) if any(optional(message) for optional in wanted["?"]) else None
        return Match(event=event) if all(required(message) for required in wanted[""]) else None

    return matches


def _term(found: re.Match[str]) -> Callable[[str], bool]:
    if found["regex"] is not None:
        expression = _regex(found["regex"])
        return lambda message: bool(expression.search(message))
    term = found["word"] if found["phrase"] is None else re.sub(r"\\(.)", r"\1", found["phrase"])
    return lambda message: term in message


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise PatternError(f"The regular expression %{text}% cannot be read: {error}") from None


_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<selector>\$(?:\.[\w\-@:]+|\.?\[(?:\d+|\*|'[^']*'|\"[^\"]*\")\])+)|(?P<sign>&&|\|\||!=|<=|>=|[=<>(){}])"
    r'|"(?P<text>(?:\\.|[^"\\])*)"|%(?P<regex>[^%]+)%|(?P<word>[^\s=<>!&|(){}"%]+))'
)


class _Conditions:
    """A JSON pattern; and binds tighter than or."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._error(f"it cannot be read from {text[at:]!r} on")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            at = found.end()

    def whole(self) -> Callable[[Any], bool]:
        self._expect("{")
        holds = self._any()
        self._expect("}")
        if self._at < len(self._tokens):
            raise self._error("something follows its end")
        return holds

    def _any(self) -> Callable[[Any], bool]:
        members = [self._all()]
        while self._take("||"):
            members.append(self._all())
        return lambda content: any(holds(content) for holds in members)

    def _all(self) -> Callable[[Any], bool]:
        members = [self._one()]
        while self._take("&&"):
            members.append(self._one())
        return lambda content: all(holds(content) for holds in members)

    def _one(self) -> Callable[[Any], bool]:
        if self._take("("):
            holds = self._any()
            self._expect(")")
            return holds
        kind, selector = self._next()
        if kind != "selector":
            raise self._error(f"a selector such as $.level is expected instead of {selector!r}")
        kind, sign = self._next()
        if kind == "word":
            return _state(selector, self._words(sign))
        if kind != "sign" or sign not in ("=", "!=", *_NUMBERS):
            raise self._error(f"an operator is expected instead of {sign!r}")
        return _comparison(selector, sign, *self._next())

    def _words(self, first: str) -> str:
        state = f"{first} {self._next()[1]}".upper()
        if state not in ("NOT EXISTS", "IS NULL", "IS TRUE", "IS FALSE"):
            raise self._error(f"{state} is no condition")
        return state

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._error("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, sign: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f"'{sign}' is missing")

    def _error(self, problem: str) -> PatternError:
        return PatternError(f"The filter pattern {self._text!r} makes no sense: {problem}")


def _state(selector: str, state: str) -> Callable[[Any], bool]:
    wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}
    if state == "NOT EXISTS":
        return lambda content: select(content, selector) is _MISSING
    return lambda content: select(content, selector) is wanted[state]


def _comparison(selector: str, sign: str, kind: str, value: str) -> Callable[[Any], bool]:
    if sign in _NUMBERS:
        number, compare = _number(value), _NUMBERS[sign]
        if number is None:
            raise PatternError(f"{sign} compares numbers, and {value!r} is none")
        return lambda content: (found := _number(select(content, selector))) is not None and compare(found, number)
    equal = _equality(kind, value)
    wanted = sign == "="

    def holds(content: Any) -> bool:
        found = select(content, selector)
        return found is not _MISSING and not isinstance(found, dict) and equal(found) == wanted

    return holds


def _equality(kind: str, value: str) -> Callable[[Any], bool]:
    if kind == "regex":
        expression = _regex(value)
        return lambda found: bool(expression.search(_text(found)))
    number = _number(value) if kind == "word" else None
    if number is not None:
        return lambda found: _number(found) == number
    plain = re.sub(r"\\(.)", r"\1", value)
    wildcard = re.compile(".*".join(re.escape(part) for part in plain.split("*")), re.DOTALL)
    return lambda found: bool(wildcard.fullmatch(_text(found)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: Any) -> float | None:
    """A number, or a text that is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


_STEP = re.compile(r"\.([\w\-@:]+)|\[(\d+|\*)\]|\[['\"]([^'\"]*)['\"]\]")


def select(content: Any, selector: str) -> Any:
    """The member that a selector such as $.request.headers[0] names."""
    found = content
    for name, index, quoted in _STEP.findall(selector):
        if index:
            position = 0 if index == "*" else int(index)
            found = found[position] if isinstance(found, list) and position < len(found) else _MISSING
        else:
            found = found.get(quoted or name, _MISSING) if isinstance(found, Mapping) else _MISSING
        if found is _MISSING:
            break
    return found


_FIELD = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\S+")
_NAMED = re.compile(r"\s*(?P<name>\w+|\.\.\.)\s*(?P<condition>.*)", re.DOTALL)
_CLAUSE = re.compile(r'\s*\w*\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?:"(?P<text>[^"]*)"|%(?P<regex>[^%]+)%|(?P<word>\S+))\s*')


def _fields(text: str) -> Matcher:
    if not text.endswith("]"):
        raise PatternError(f"The filter pattern {text!r} makes no sense: ']' is missing")
    names: list[str] = []
    tests: list[Callable[[str], bool]] = []
    for part in text[1:-1].split(","):
        found = _NAMED.fullmatch(part)
        if found is None:
            raise PatternError(f"The filter pattern {text!r} makes no sense: {part!r} names no field")
        names.append(found["name"])
        tests.append(_field_test(found["condition"], found["name"]))
    open_at = names.index("...") if "..." in names else None

    def matches(event: LogEvent) -> Match | None:
        values = [value.strip('"') if value[:1] == '"' else value for value in _FIELD.findall(event.message)]
        if open_at is not None:
            after = len(names) - open_at - 1
            if len(values) < len(names) - 1:
                return None
            values = [*values[:open_at], "", *(values[len(values) - after :] if after else [])]
        if len(values) != len(names) or not all(test(value) for test, value in zip(tests, values, strict=True)):
            return None
        return Match(event=event, fields=dict(zip(names, values, strict=True)))

    return matches


def _field_test(condition: str, name: str) -> Callable[[str], bool]:
    if not condition.strip():
        return lambda _value: True
    alternatives = []
    for group in condition.split("||"):
        clauses = []
        for clause in group.split("&&"):
            found = _CLAUSE.fullmatch(clause)
            if found is None:
                raise PatternError(f"The condition {clause.strip()!r} of the field {name} makes no sense")
            kind = found.lastgroup or "word"
            clauses.append(_comparison("$.value", found["sign"], kind, found[kind]))
        alternatives.append(clauses)
    return lambda value: any(all(holds({"value": value}) for holds in clauses) for clauses in alternatives)
