"""Queries of CloudWatch Logs Insights as values: the commands and operators that saved queries are written in.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
What is not known here is refused, never left out: an answer without a filter would look like one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

AGGREGATES = frozenset(["count", "count_distinct", "sum", "avg", "min", "max", "pct"])
FUNCTIONS = frozenset(["ispresent", "strlen"])
_COMPARISONS = frozenset(["=", "!=", "<", "<=", ">", ">="])
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<period>\d+[smhd]\b)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>@?[A-Za-z_][\w.]*|`[^`]+`)|(?P<sign>!=|<=|>=|[=<>(),\[\]*/+-]))"""
)

_PATTERN = re.compile(r"\s*(?P<pattern>/(?:\\.|[^/\\])+/)")
"""Only after `like`: elsewhere a slash divides."""


class QueryError(ValueError):
    """The query cannot be read, or asks for what is not known here."""


@dataclass(frozen=True)
class Name:
    field: str


@dataclass(frozen=True)
class Literal:
    value: str | float


@dataclass(frozen=True)
class Call:
    """A function or an operator (`=`, `and`, `in`, `like`, …) on its arguments."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Name | Literal | Call


@dataclass(frozen=True, kw_only=True)
class Command:
    """`columns` are expressions with the names that they get; `by` those of `stats`; `number` that of `limit`."""

    verb: str
    condition: Expression | None = None
    columns: tuple[tuple[Expression, str], ...] = ()
    by: tuple[tuple[Expression, str], ...] = ()
    descending: bool = False
    number: int = 0


@dataclass
class _Tokens:
    text: str
    all: list[tuple[str, str]] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        end = 0
        while self.text[end:].strip():
            after_like = bool(self.all) and self.all[-1][1].lower() == "like"
            found = (after_like and _PATTERN.match(self.text, end)) or _TOKEN.match(self.text, end)
            if not found or found.end() == end:
                raise QueryError(f"cannot read {self.text[end : end + 20]!r} in {self.text!r}")
            end = found.end()
            kind = str(found.lastgroup)
            self.all.append((kind, found[kind]))

    def peek(self) -> tuple[str, str]:
        return self.all[self.at] if self.at < len(self.all) else ("end", "")

    def take(self) -> tuple[str, str]:
        found = self.peek()
        self.at += 1
        return found

    def took(self, *words: str) -> str | None:
        """The next token, if it is one of these words or signs."""
        kind, text = self.peek()
        if kind in ("name", "sign") and text.lower() in words:
            self.at += 1
            return text.lower()
        return None

    def expect(self, word: str) -> None:
        if not self.took(word):
            raise QueryError(f"{word!r} is missing before {self.peek()[1]!r} in {self.text!r}")


def parsed(query: str) -> list[Command]:
    """The commands of a query. Raises QueryError."""
    lines = [line for line in query.splitlines() if not line.strip().startswith("#")]
    return [_command(_Tokens(part)) for part in _parts("\n".join(lines))]


def fields_of(expression: Expression) -> set[str]:
    """The fields that an expression names."""
    match expression:
        case Name(name):
            return {name}
        case Call(_, arguments):
            return set().union(*map(fields_of, arguments))
        case _:
            return set()


def _parts(query: str) -> list[str]:
    """Between bars, those within texts and patterns aside."""
    pieces = re.findall(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\blike\s+/(?:\\.|[^/\\])+/|.""", query, re.DOTALL)
    parts = [""]
    for piece in pieces:
        if piece == "|":
            parts.append("")
        else:
            parts[-1] += piece
    return [part for part in parts if part.strip()]


def _command(tokens: _Tokens) -> Command:
    verb = tokens.take()[1].lower()
    match verb:
        case "filter":
            made = Command(verb=verb, condition=_either(tokens))
        case "fields" | "display":
            made = Command(verb=verb, columns=_columns(tokens))
        case "stats":
            columns = _columns(tokens)
            made = Command(verb=verb, columns=columns, by=_columns(tokens) if tokens.took("by") else ())
        case "sort":
            column = _column(tokens)
            made = Command(verb=verb, columns=(column,), descending=tokens.took("asc", "desc") == "desc")
        case "limit":
            made = Command(verb=verb, number=int(tokens.take()[1]))
        case _:
            raise QueryError(f"the command {verb!r} is not available in the local cloud")
    if tokens.peek()[0] != "end":
        raise QueryError(f"{tokens.peek()[1]!r} is too much in {tokens.text!r}")
    return made


def _columns(tokens: _Tokens) -> tuple[tuple[Expression, str], ...]:
    found = [_column(tokens)]
    while tokens.took(","):
        found.append(_column(tokens))
    return tuple(found)


def _column(tokens: _Tokens) -> tuple[Expression, str]:
    begun = tokens.at
    expression = _sum(tokens)
    written = "".join(text for _, text in tokens.all[begun : tokens.at])
    return expression, tokens.take()[1].strip("`") if tokens.took("as") else written.strip("`")


def _either(tokens: _Tokens) -> Expression:
    found = _both(tokens)
    while tokens.took("or"):
        found = Call("or", (found, _both(tokens)))
    return found


def _both(tokens: _Tokens) -> Expression:
    found = _condition(tokens)
    while tokens.took("and"):
        found = Call("and", (found, _condition(tokens)))
    return found


def _condition(tokens: _Tokens) -> Expression:
    if tokens.took("not"):
        return Call("not", (_condition(tokens),))
    if tokens.peek()[1] == "(":
        tokens.take()
        found = _either(tokens)
        tokens.expect(")")
        return found
    left = _sum(tokens)
    if sign := tokens.took(*_COMPARISONS):
        return Call(sign, (left, _sum(tokens)))
    negated = bool(tokens.took("not"))
    word = tokens.took("in", "like")
    if word is None:
        return left
    found = Call(word, (left, *(_list(tokens) if word == "in" else (_pattern(tokens),))))
    return Call("not", (found,)) if negated else found


def _list(tokens: _Tokens) -> tuple[Expression, ...]:
    tokens.expect("[")
    found = [_sum(tokens)]
    while tokens.took(","):
        found.append(_sum(tokens))
    tokens.expect("]")
    return tuple(found)


def _pattern(tokens: _Tokens) -> Literal:
    kind, text = tokens.take()
    if kind == "pattern":
        return Literal(text[1:-1])
    if kind == "text":
        return Literal(re.escape(_unescaped(text)))
    raise QueryError(f"like needs a /pattern/ or a text, not {text!r}")


def _sum(tokens: _Tokens) -> Expression:
    found = _product(tokens)
    while sign := tokens.took("+", "-"):
        found = Call(sign, (found, _product(tokens)))
    return found


def _product(tokens: _Tokens) -> Expression:
    found = _atom(tokens)
    while sign := tokens.took("*", "/"):
        found = Call(sign, (found, _atom(tokens)))
    return found


def _atom(tokens: _Tokens) -> Expression:
    kind, text = tokens.take()
    match kind:
        case "text":
            return Literal(_unescaped(text))
        case "number":
            return Literal(float(text))
        case "period":
            return Literal(float(text[:-1]) * _UNITS[text[-1]])
        case "name":
            return _call(tokens, text) if tokens.took("(") else Name(text.strip("`"))
        case "sign" if text == "(":
            found = _sum(tokens)
            tokens.expect(")")
            return found
        case _:
            raise QueryError(f"{text or 'the end'!r} is no value in {tokens.text!r}")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _call(tokens: _Tokens, function: str) -> Call:
    if function.lower() not in AGGREGATES | FUNCTIONS:
        raise QueryError(f"the function {function!r} is not available in the local cloud")
    if tokens.took("*"):
        tokens.expect(")")
        return Call(function.lower(), ())
    arguments = [_sum(tokens)]
    while tokens.took(","):
        arguments.append(_sum(tokens))
    tokens.expect(")")
    return Call(function.lower(), tuple(arguments))
