"""The goods: rows above the summary that end in a price."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from extraction.labels import Kind
from extraction.money import amounts, without_amounts
from extraction.schema import Item
from extraction.sums import Line

_QUANTITY_FIRST = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:[.,]\d{3})?)\s?(?:[xX\u00d7*@]|STK|pcs?)(?![a-z])\s?(?:RM|EUR|\$)?", re.IGNORECASE
)
_QUANTITY_LAST = re.compile(r"[xX\u00d7*]\s?(\d{1,3})(?![\d.,])")
_UNIT_PRICE = re.compile(r"^\s*\d{1,3}\s?\w{0,6}\.?\s?[xX\u00d7*]\s?(?:RM|EUR|\$)?\s?\d+[.,]\d{2}\s?$")
_LEADING_COUNT = re.compile(r"^\s*(\d{1,2})\s+(?=[A-Za-zÄÖÜäöü]{2})")
_CODES = re.compile(r"\b\d{6,}\b|(?<=\s)[A-Z]{1,3}$|^\W+|\W+$|\b(RM|EUR|MYR)\b|\$|€")
_NOT_GOODS = {Kind.CHANGE, Kind.OTHER, Kind.ROUNDING, Kind.TAX_TABLE}


def read_items(lines: Sequence[Line], *, until: int) -> list[tuple[Item, list[int]]]:
    """Items of the rows before index `until`, each with the indexes of its rows.

    A price without words takes the words of the row beside it.
    """
    goods = [line for line in lines[:until] if _is_priced(line) and not _is_unit_price(line)]
    named = {line.index: _description(line.text) for line in goods}
    nameless = [line.index for line in goods if len(named[line.index]) < 3]
    step = _side(lines, nameless)
    items = []
    for line in goods:
        name, rows = named[line.index], [line.index]
        if len(name) < 3:
            beside = line.index + step
            if not 0 <= beside < len(lines) or lines[beside].amounts or lines[beside].kind:
                continue
            name, rows = _description(lines[beside].text), [line.index, beside]
        if len(name) >= 2:
            items.append((_item(line, name), rows))
    return items


def _is_priced(line: Line) -> bool:
    return bool(line.amounts) and line.last >= 0 and line.kind not in _NOT_GOODS


def _is_unit_price(line: Line) -> bool:
    """`2 Rolle x 4,85` alone on a row explains the price of the row beside it."""
    return len(line.amounts) == 1 and bool(_UNIT_PRICE.search(line.text))


def _side(lines: Sequence[Line], nameless: Sequence[int]) -> int:
    """1 where names stand below their prices, -1 where above: whichever side has more rows of plain words."""

    def words_only(index: int) -> bool:
        return 0 <= index < len(lines) and not lines[index].amounts and len(_description(lines[index].text)) >= 3

    below = sum(words_only(index + 1) for index in nameless)
    above = sum(words_only(index - 1) for index in nameless)
    return 1 if below >= above else -1


def _description(text: str) -> str:
    text = _QUANTITY_LAST.sub(" ", _QUANTITY_FIRST.sub(" ", without_amounts(text)))
    text = _LEADING_COUNT.sub("", _CODES.sub(" ", " ".join(text.split())))
    text = _CODES.sub(" ", text)
    return " ".join(text.split()) if sum(c.isalpha() for c in text) >= 3 else ""


def _item(line: Line, name: str) -> Item:
    values = amounts(line.text)
    price = values[-1]
    match = _QUANTITY_FIRST.search(line.text) or _QUANTITY_LAST.search(line.text) or _LEADING_COUNT.search(line.text)
    quantity = Decimal(re.sub(r"[.,]\d{3}$", "", match[1])) if match else Decimal(1)
    if quantity > 1 and len(values) > 1 and values[-2] * quantity == price:
        return Item(description=name, quantity=quantity, unit_price=values[-2], price=price)
    return Item(description=name, quantity=quantity or Decimal(1), price=price)
