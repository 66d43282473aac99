"""What OpenAI charges: data with its dates and sources (`prices.json`), because prices change and past bills do not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from extraction.openai_answer import Usage

PLACES = Decimal("0.00000001")
"""Prices are kept to this part of a dollar: one cached token of the cheapest model."""

_PRICES = Path(__file__).with_name("prices.json")


class UnknownPriceError(Exception):
    """There is no price for this model on this day, so that no budget could be kept."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """Dollars per million tokens."""

    input: Decimal
    cached: Decimal
    cache_written: Decimal
    output: Decimal

    def of(self, usage: Usage) -> Decimal:
        """Dollars for these tokens, rounded up to PLACES."""
        plain = usage.input - usage.cached - usage.cache_written
        millionths = (
            plain * self.input
            + usage.cached * self.cached
            + usage.cache_written * self.cache_written
            + usage.output * self.output
        )
        return (millionths / 1_000_000).quantize(PLACES, ROUND_UP)

    def at_most(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """Dollars for at most so many tokens, all input at its dearest."""
        dearest = max(self.input, self.cache_written)
        return ((input_tokens * dearest + output_tokens * self.output) / 1_000_000).quantize(PLACES, ROUND_UP)


def price_of(model: str, *, day: date, batch: bool = False) -> Price:
    """The price of a model on a day; a dated name (`gpt-6-luna-2026-09-22`) costs what its plain one does.

    Raises UnknownPriceError.
    """
    prices = _read()
    names = [name for name in prices["models"] if model == name or model.startswith(f"{name}-20")]
    valid = [row for name in names for row in prices["models"][name] if date.fromisoformat(row["from"]) <= day]
    if not valid:
        raise UnknownPriceError(f"{_PRICES.name} has no price for {model} on {day}")
    latest = max(valid, key=lambda row: date.fromisoformat(row["from"]))
    factor = Decimal(prices["batch"]["factor"]) if batch else Decimal(1)
    return Price(**{kind: Decimal(latest[kind]) * factor for kind in ("input", "cached", "cache_written", "output")})


@cache
def _read() -> dict[str, Any]:
    prices: dict[str, Any] = json.loads(_PRICES.read_text())
    return prices
