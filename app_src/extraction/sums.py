"""Total, subtotal, tax and tip: labels propose, arithmetic decides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate, combinations

from extraction.labels import Kind
from extraction.lines import Line
from extraction.money import CENT

_ROUNDING_LIMIT = Decimal("0.05")

# How much each sign speaks for an amount being the total. Labels alone never outweigh two sums that agree.
_LABEL_WEIGHT = {Kind.TOTAL: 4.0, Kind.ROUNDED: 5.0, Kind.CARD: 2.0, Kind.CASH: 1.0, Kind.SUBTOTAL: 0.8}
_CHANGE_WEIGHT = 3.0
_PARTS_WEIGHT = 3.0
_TABLE_WEIGHT = 2.0
_ITEMS_WEIGHT = 2.0
_PAYMENTS_WEIGHT = 1.5
_COLUMN = 8  # rows between a subtotal and its total, at most
_PARTS_OF_TAX = re.compile(r"\b(state|county|city|local|district)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Sums:
    """The amounts found and how sure we are of the total.

    Attributes:
        agreed: Names of the sums that confirm the total.
        first_row: Index of the first row of the summary; goods stand above it.
        rows: Index of the row an amount stands on, by field name.
    """

    total: Decimal | None = None
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    tip: Decimal | None = None
    confidence: float = 0.0
    agreed: frozenset[str] = field(default_factory=frozenset)
    first_row: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def read_sums(lines: Sequence[Line], *, item_prices: Sequence[Decimal]) -> Sums:
    """Weigh every amount on the receipt; see the weights above."""
    outside = [line for line in lines if line.amounts and not line.in_tax_table]
    by_kind: dict[Kind, list[Decimal]] = defaultdict(list)
    for line in outside:
        if line.kind:
            by_kind[line.kind].append(line.last)
    tax = _tax(lines, by_kind)
    scores: dict[Decimal, float] = defaultdict(float)
    agreed: dict[Decimal, set[str]] = defaultdict(set)
    for line in outside:
        if line.kind is None and line.last > 0:
            scores[line.last] += 0.3  # so that a total whose label is unreadable can still win by arithmetic
        elif line.kind in _LABEL_WEIGHT and line.last > 0:
            scores[line.last] += _LABEL_WEIGHT[line.kind] / (1 + 0.5 * by_kind[line.kind].index(line.last))
    confirmed: dict[Decimal, dict[str, float]] = defaultdict(dict)
    for name, weight, values in (
        ("change", _CHANGE_WEIGHT, _from_payment(by_kind)),
        ("parts", _PARTS_WEIGHT, _from_parts(by_kind, tax) | _from_column(outside)),
        ("tax table", _TABLE_WEIGHT, _from_tax_table(lines)),
        ("items", _ITEMS_WEIGHT, _from_items(item_prices, by_kind, tax)),
        ("payments", _PAYMENTS_WEIGHT, _from_payments(by_kind)),
    ):
        for value in values:
            confirmed[value][name] = weight
    for value, weights in confirmed.items():
        # An amount nobody read is believed only where two sums agree on it, and not both of the same subtotal.
        if value > 0 and (value in scores or len(weights.keys() - {"parts"}) > 1):
            scores[value] += sum(weights.values())
            agreed[value] |= set(weights)
    for value, unrounded in _rounded(by_kind, scores):
        scores[value] += scores[unrounded] + 0.5
        agreed[value] |= agreed[unrounded] | {"rounding"}
    if not scores:
        return Sums(tax=tax, first_row=len(lines))
    total = max(scores, key=lambda value: (round(scores[value], 6), value))
    subtotal = _subtotal(total, by_kind, tax)
    tax = tax if tax is None or tax < total else None
    tip = next((value for value in by_kind[Kind.TIP] if 0 < value < total), None)
    return Sums(
        total=total,
        subtotal=subtotal,
        tax=tax,
        tip=tip,
        rows=_rows(lines, {"total": total, "subtotal": subtotal, "tax": tax, "tip": tip}),
        confidence=min(0.99, scores[total] / 9),
        agreed=frozenset(agreed[total]),
        first_row=_first_row(lines),
    )


_KINDS_OF = {
    "total": (Kind.ROUNDED, Kind.TOTAL, Kind.CARD, Kind.CASH),
    "subtotal": (Kind.SUBTOTAL,),
    "tax": (Kind.TAX,),
    "tip": (Kind.TIP,),
}


def _rows(lines: Sequence[Line], values: dict[str, Decimal | None]) -> dict[str, int]:
    """Where each value is printed: beside its own label if anywhere, else wherever it stands."""
    rows = {}
    for name, value in values.items():
        holders = [line for line in lines if value is not None and value in line.amounts]
        if holders:
            rows[name] = min(holders, key=lambda line: (line.kind not in _KINDS_OF[name], line.in_tax_table)).index
    return rows


def _first_row(lines: Sequence[Line]) -> int:
    """Goods may be called Card or Bar; none is called Subtotal."""
    for ends in (
        {Kind.TOTAL, Kind.ROUNDED, Kind.SUBTOTAL, Kind.TAX_TABLE},
        {Kind.CASH, Kind.CARD, Kind.TAX, Kind.CHANGE},
    ):
        for line in lines:
            if line.amounts and line.kind in ends:
                return line.index
    return len(lines)


def _from_payment(by_kind: dict[Kind, list[Decimal]]) -> set[Decimal]:
    return {
        cash - abs(change)
        for change in by_kind[Kind.CHANGE]
        for cash in [*by_kind[Kind.CASH], *by_kind[Kind.CARD]]
        if cash >= abs(change)
    }


def _from_parts(by_kind: dict[Kind, list[Decimal]], tax: Decimal | None) -> set[Decimal]:
    """Subtotal plus every choice of what may be added or taken off; a total before a discount or tip likewise."""
    parts = [
        *([tax] if tax else []),
        *by_kind[Kind.SERVICE][:1],
        *by_kind[Kind.TIP][:1],
        *[-abs(value) for value in by_kind[Kind.DISCOUNT] if value][:1],
        *by_kind[Kind.ROUNDING][:1],
    ]
    parts = [part for part in parts if part]
    after_total = set(by_kind[Kind.TIP][:1]) | {-abs(off) for off in by_kind[Kind.DISCOUNT] if off}
    return {start + part for start in by_kind[Kind.TOTAL] for part in after_total} | {
        start + sum(chosen, Decimal(0))
        for start in by_kind[Kind.SUBTOTAL]
        for size in range(1, len(parts) + 1)
        for chosen in combinations(parts, size)
    }


def _from_column(lines: Sequence[Line]) -> set[Decimal]:
    """A printed amount that is the sum of all above it, from a subtotal on, whatever they are called."""
    found = set()
    for place, line in enumerate(lines):
        if line.kind is not Kind.SUBTOTAL:
            continue
        below = lines[place + 1 : place + 1 + _COLUMN]
        for running, following in zip(accumulate(other.last for other in below), below[1:], strict=False):
            if line.last + running == following.last != line.last:
                found.add(following.last)
    return found


def _from_items(prices: Sequence[Decimal], by_kind: dict[Kind, list[Decimal]], tax: Decimal | None) -> set[Decimal]:
    """The goods' sum, and where it is the printed subtotal, that with tax and tip."""
    if len(prices) < 2:
        return set()
    goods = sum(prices, Decimal(0))
    if goods not in by_kind[Kind.SUBTOTAL]:
        return {goods}
    tip = by_kind[Kind.TIP][0] if by_kind[Kind.TIP] else Decimal(0)
    return {goods, goods + (tax or 0), goods + (tax or 0) + tip}


def _from_payments(by_kind: dict[Kind, list[Decimal]]) -> set[Decimal]:
    """A bill settled in two ways."""
    paid = list(dict.fromkeys(value for value in by_kind[Kind.CARD] + by_kind[Kind.CASH] if value > 0))
    return {a + b for a, b in combinations(paid[:6], 2)}


def _subtotal(total: Decimal, by_kind: dict[Kind, list[Decimal]], tax: Decimal | None) -> Decimal | None:
    """The one that tax, and tip, take to the total; else the only one."""
    printed = [value for value in by_kind[Kind.SUBTOTAL] if 0 < value <= total]
    extras = [tax or Decimal(0), *((tax or Decimal(0)) + tip for tip in by_kind[Kind.TIP])]
    fitting = (value for value in printed if total - value in extras)
    return next(fitting, printed[0] if len(set(printed)) == 1 else None)


def _rounded(by_kind: dict[Kind, list[Decimal]], scores: dict[Decimal, float]) -> set[tuple[Decimal, Decimal]]:
    """(rounded, unrounded) pairs among the amounts, by a rounding row's step; its sign is often not printed."""
    return {
        (value, other)
        for step in {abs(step) for step in by_kind[Kind.ROUNDING] if 0 < abs(step) <= _ROUNDING_LIMIT}
        for value in scores
        if (value * 20) % 1 == 0
        for other in by_kind[Kind.TOTAL] + by_kind[Kind.SUBTOTAL]
        if other in (value - step, value + step)
    }


def _tax(lines: Sequence[Line], by_kind: dict[Kind, list[Decimal]]) -> Decimal | None:
    table = [row for line in lines if line.in_tax_table and (row := _tax_row(line))]
    if table:
        return sum((tax for tax, _ in table), Decimal(0))
    taxes = [value for value in by_kind[Kind.TAX] if value >= 0]
    if not taxes:
        return None
    # State and county tax are two rows that add up; the same tax printed twice is one.
    distinct = list(dict.fromkeys(taxes))
    together = sum(distinct, Decimal(0))
    if len(distinct) > 1:
        totals = {*by_kind[Kind.TOTAL], *by_kind[Kind.ROUNDED], *by_kind[Kind.CARD]}
        extras = {Decimal(0), *by_kind[Kind.TIP], *by_kind[Kind.SERVICE]}
        if any(start + together + extra in totals for start in by_kind[Kind.SUBTOTAL] for extra in extras):
            return together
        if any(start + max(taxes) + extra in totals for start in by_kind[Kind.SUBTOTAL] for extra in extras):
            return max(taxes)
        if all(_PARTS_OF_TAX.search(line.text) for line in lines if line.kind is Kind.TAX and line.amounts):
            return together
    return max(taxes)


def _from_tax_table(lines: Sequence[Line]) -> set[Decimal]:
    table = [row for line in lines if line.in_tax_table and (row := _tax_row(line))]
    return {sum((gross for _, gross in table), Decimal(0))} if table else set()


def _tax_row(line: Line) -> tuple[Decimal, Decimal] | None:
    """(tax, gross) of one rate's row: net + tax = gross, or net and a tax that is a likely share of it."""
    if line.kind in (Kind.TOTAL, Kind.CASH, Kind.CHANGE):
        return None
    sign = -1 if max(line.amounts, default=Decimal(0)) < 0 else 1  # deposits given back
    values = sorted(abs(amount) for amount in line.amounts)
    if len(values) >= 3:
        for a, b in combinations(values, 2):
            if a + b in values and a > 0:
                return sign * a, sign * (a + b)
    if len(values) == 2 and CENT <= values[0] < values[1] * Decimal("0.28"):
        return sign * values[0], sign * (values[0] + values[1])
    return None
