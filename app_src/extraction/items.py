"""The goods: rows above the summary that end in a price."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from extraction.labels import Kind
from extraction.lines import Line
from extraction.money import without_amounts
from extraction.schema import Item

_QUANTITY_FIRST = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:[.,]\d{3})?)\s?(?:[xX\u00d7*@]|STK|pcs?)(?![a-z])\s?(?:RM|EUR|\$)?", re.IGNORECASE
)
_QUANTITY_LAST = re.compile(r"[xX\u00d7*]\s?(\d{1,3})(?![\d.,])")
_UNIT_PRICE = re.compile(r"^\s*\d{1,3}\s?\w{0,6}\.?\s?[xX\u00d7*]\s?(?:RM|EUR|\$)?\s?\d+[.,]\d{2}\s?$")
_LEADING_COUNT = re.compile(r"^\s*(\d{1,2})\s+(?=[A-Za-zÄÖÜäöü]{2})")
_COUNT = re.compile(r"(?<![\d.,])\d{1,3}(?![\d.,])")
_CODES = re.compile(r"\b\d{6,}\b|(?<=\s)[A-Z]{1,3}$|^\W+|[^\w)]+$|\b(RM|EUR|MYR)\b|\$|€")
_NOT_GOODS = {Kind.CHANGE, Kind.OTHER, Kind.ROUNDING, Kind.TAX_TABLE}


def read_items(lines: Sequence[Line], *, until: int, head: Collection[int] = ()) -> list[tuple[Item, list[int]]]:
    """Items of the rows before index `until`, those of the head aside, each with the indexes of its rows.

    A price without words takes the words of the row beside it.
    """
    by_row = {line.index: line for line in lines}
    goods = [line for line in lines if line.index < until and line.index not in head and _is_priced(line)]
    named = {line.index: _description(line.text) for line in goods}
    nameless = [line.index for line in goods if len(named[line.index]) < 3]
    step = _side(by_row, nameless)
    items = []
    for line in goods:
        name, rows = named[line.index], [line.index]
        if len(name) < 3:
            beside = by_row.get(line.index + step)
            if beside is None or beside.amounts or beside.kind:
                continue
            name, rows = _description(beside.text), [line.index, beside.index]
        if len(name) >= 2:
            items.append((_item(line, name), rows))
    return items


def _is_priced(line: Line) -> bool:
    priced = bool(line.amounts) and line.last >= 0 and line.kind not in _NOT_GOODS
    return priced and not _is_unit_price(line)


def _is_unit_price(line: Line) -> bool:
    """`2 Rolle x 4,85` alone on a row explains the price of the row beside it."""
    return len(line.amounts) == 1 and bool(_UNIT_PRICE.search(line.text))


def _side(by_row: Mapping[int, Line], nameless: Sequence[int]) -> int:
    """1 where names stand below their prices, -1 where above: whichever side has more rows of plain words."""

    def words_only(index: int) -> bool:
        line = by_row.get(index)
        return line is not None and not line.amounts and len(_description(line.text)) >= 3

    below = sum(words_only(index + 1) for index in nameless)
    above = sum(words_only(index - 1) for index in nameless)
    return 1 if below >= above else -1


def _description(text: str) -> str:
    text = _QUANTITY_LAST.sub(" ", _QUANTITY_FIRST.sub(" ", without_amounts(text)))
    text = _LEADING_COUNT.sub("", _CODES.sub(" ", " ".join(text.split())))
    text = _CODES.sub(" ", text)
    return " ".join(text.split()) if sum(c.isalpha() for c in text) >= 3 else ""


def _item(line: Line, name: str) -> Item:
    values, price = line.amounts, line.last
    # 2.13 10 21.30: a column of quantities, told by the arithmetic.
    for count in _COUNT.findall(without_amounts(line.text)) if len(values) > 1 else ():
        if int(count) > 1 and values[-2] * int(count) == price:
            name = re.sub(rf"\s*(?<!\w){count}$", "", name)
            return Item(description=name, quantity=Decimal(count), unit_price=values[-2], price=price)
    match = _QUANTITY_FIRST.search(line.text) or _QUANTITY_LAST.search(line.text) or _LEADING_COUNT.search(line.text)
    quantity = Decimal(re.sub(r"[.,]\d{3}$", "", match[1])) if match else Decimal(1)
    return Item(description=name, quantity=quantity or Decimal(1), price=price)
