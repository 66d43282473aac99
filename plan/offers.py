"""AWS's public price list: https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/, one file a service and region.

Form of the files: AWS Billing User Guide, "Reading the price list files". No credentials are needed.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plan.errors import PlanError

URL = "https://pricing.us-east-1.amazonaws.com"
FILE = Path(__file__).resolve().parent / "data" / "offers.json"
_MAX_BYTES = 400_000_000
_SECONDS = 60
_PREFIX = re.compile(r"^([A-Z]{2,4}\d?|[a-z]{2}(-[a-z]+)+-\d)-")
_PLACEMENTS = {"single_az": "Single-AZ", "multi_az": "Multi-AZ"}
_ENGINES = {"valkey": "Valkey", "redis": "Redis"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A product in an offer: the attributes that tell it apart."""

    offer: str
    family: str | None
    attributes: dict[str, str]


def wanted(key: str, file: Path = FILE) -> Wanted | None:
    """Where the price of a key is in the list; None for those that are not mapped."""
    entries = json.loads(file.read_text())["keys"]
    values: dict[str, str] = {}
    entry = entries.get(key)
    if found := re.fullmatch(r"rds\.postgres\.(db\.\w+\.\w+)\.(single_az|multi_az)", key):
        entry, values = entries["rds.postgres.CLASS.PLACEMENT"], {"CLASS": found[1], "PLACEMENT": _PLACEMENTS[found[2]]}
    elif found := re.fullmatch(r"elasticache\.(valkey|redis)\.(cache\.\w+\.\w+)", key):
        entry, values = entries["elasticache.ENGINE.NODE"], {"ENGINE": _ENGINES[found[1]], "NODE": found[2]}
    if entry is None:
        return None
    attributes = {name: values.get(value, value) for name, value in entry["attributes"].items()}
    return Wanted(offer=entry["offer"], family=entry.get("productFamily"), attributes=attributes)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One file of the price list."""

    content: dict[str, Any]

    @property
    def date(self) -> str:
        """The day of its publication."""
        return str(self.content.get("publicationDate", ""))[:10]

    def usd(self, product: Wanted) -> float | None:
        """The On-Demand price of the first unit; None where no product or several prices fit."""
        found = {
            price
            for sku, one in self.content["products"].items()
            if self._fits(one, product)
            for price in self._prices(sku)
        }
        return found.pop() if len(found) == 1 else None

    def _fits(self, one: dict[str, Any], product: Wanted) -> bool:
        attributes = one.get("attributes", {})
        if product.family and one.get("productFamily") != product.family:
            return False
        return all(
            _is_usage(str(attributes.get(name, "")), value) if name == "usagetype" else attributes.get(name) == value
            for name, value in product.attributes.items()
        )

    def _prices(self, sku: str) -> Iterator[float]:
        for term in self.content.get("terms", {}).get("OnDemand", {}).get(sku, {}).values():
            for dimension in term.get("priceDimensions", {}).values():
                price = float(dimension.get("pricePerUnit", {}).get("USD", 0))
                if str(dimension.get("beginRange", "0")) == "0" and price > 0:
                    yield price


def _is_usage(given: str, wanted_: str) -> bool:
    """`USW2-KMS-Keys` is `KMS-Keys`, and so is `KMS-Keys`; `USW2-Other-KMS-Keys` is something else."""
    return given.endswith(wanted_) and (given == wanted_ or bool(_PREFIX.fullmatch(given.removesuffix(wanted_))))


def fetch(service: str, region: str, *, url: str = URL) -> Offer:
    """The current file of a service in a region. Raises PlanError, in words, where it cannot be had or is none."""
    address = f"{url}/offers/v1.0/aws/{service}/current/{region}/index.json"
    if not address.startswith(("https://", "http://127.0.0.1:")):
        raise PlanError(f"{address}: prices are fetched over HTTPS alone")
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310  (checked above)
            body = answer.read(_MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise PlanError(f"{address} answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise PlanError(
            f"AWS's price list cannot be reached: {reason}. It needs a network that lets {url} through; "
            "the prices stay as they are, with their dates"
        ) from None
    if len(body) > _MAX_BYTES:
        raise PlanError(f"{address}: more than {_MAX_BYTES:,} bytes")
    try:
        content = json.loads(body)
    except ValueError as error:
        raise PlanError(f"{address}: this is no JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("products"), dict):
        raise PlanError(f"{address}: this is no price list file: it has no products")
    return Offer(content=content)
