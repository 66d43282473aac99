"""Dated prices (plan/data/prices.json), each with its source and how sure it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from plan.errors import PlanError

FILE = Path(__file__).resolve().parent.parent / "data" / "prices.json"
HOURS = 730
"""Hours of a month, as AWS's calculator counts them."""


class UnpricedError(Exception):
    """There is no price for this; the message says for what."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD for `per` units in a region. `source` tells where the number is from, `date` when it was true there."""

    key: str
    region: str
    usd: float
    per: int
    unit: str
    source: str
    date: str
    confidence: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class PriceBook:
    """All prices by key (`rds.postgres.db.m7g.large.multi_az`)."""

    entries: dict[str, Any]
    sources: dict[str, Any]

    def price(self, key: str, region: str) -> Price:
        """The price in a region: its own, else its geography's (us, eu), else everywhere's. Raises UnpricedError."""
        entry = self.entries.get(key)
        if entry is None:
            raise UnpricedError(f"no price for {key}")
        values = entry["value"]
        scope = next((one for one in (region, region.split("-")[0], "*") if one in values), None)
        if scope is None:
            raise UnpricedError(f"no price for {key} in {region}, only in {', '.join(values)}")
        return Price(
            key=key,
            region=region,
            usd=values[scope],
            per=entry["per"],
            unit=entry["unit"],
            source=self.sources.get(entry["source"], {"ref": entry["source"]})["ref"],
            date=entry["date"],
            confidence=entry["confidence"],
            note=entry.get("note", ""),
        )


@cache
def price_book(file: Path = FILE) -> PriceBook:
    """The prices of a file. Raises PlanError where it is none."""
    try:
        content = json.loads(file.read_text())
        return PriceBook(entries=content["prices"], sources=content["sources"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanError(f"{file}: these are no prices: {error}") from None
