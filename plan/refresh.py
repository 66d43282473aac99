"""`python -m plan.refresh` (`make prices`): takes prices from AWS's public price list into plan/data/prices.json.

What is not mapped in plan/data/offers.json, not found, or suddenly several times dearer stays as it was, and is named.
Ends with 0 when prices were taken, 2 when the list cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.config import load_environment
from infra.config.loading import FOLDER
from plan.cost.prices import FILE
from plan.errors import PlanError
from plan.offers import URL, Offer, Wanted, fetch, wanted

SOURCE = "aws-price-list"
_TIMES = 3
"""A price that differs by more than this factor is more likely another unit than another price."""


@dataclass(kw_only=True)
class Result:
    """Keys whose price was taken (the price the same or not), and those that stay, with the reason."""

    taken: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def refresh(content: dict[str, Any], regions: set[str], *, url: str = URL) -> Result:
    """Puts current prices into the content of a price file, for all regions that it has and `regions`.

    Raises PlanError where a file of the list cannot be read: then nothing is to be written.
    """
    result = Result()
    offers: dict[tuple[str, str], Offer] = {}
    for key, entry in content["prices"].items():
        product = wanted(key)
        if product is None:
            result.kept[key] = "not mapped to the price list"
            continue
        every = sorted(({*entry["value"]} | regions) - {"*"})
        for region in every:
            if (product.offer, region) not in offers:
                offers[product.offer, region] = fetch(product.offer, region, url=url)
        _take(key, entry, product, {region: offers[product.offer, region] for region in every}, result)
    if result.taken:
        listed = {"ref": f"AWS's price list, {URL}/offers/v1.0/aws/", "date": "as each price says"}
        content["sources"] = dict(sorted({**content["sources"], SOURCE: listed}.items()))
    return result


def _take(key: str, entry: dict[str, Any], product: Wanted, offers: dict[str, Offer], result: Result) -> None:
    found: dict[str, float] = {}
    for region, offer in offers.items():
        usd = offer.usd(product)
        if usd is None:
            result.kept[key] = f"no product of {product.offer} in {region} fits, or several do"
            return
        found[region] = round(usd * entry["per"], 10)
        old = entry["value"].get(region)
        if old and not 1 / _TIMES <= found[region] / old <= _TIMES:
            result.kept[key] = f"{old:g} would become {found[region]:g} in {region}: look at its unit"
            return
    if found != entry["value"]:
        result.changed.append(f"{key}: {entry['value']} → {found}")
    date = min(offer.date for offer in offers.values())
    entry.update({"value": found, "source": SOURCE, "date": date, "confidence": "high"})
    entry.pop("also", None)
    entry.pop("note", None)
    result.taken.append(key)


def write(content: dict[str, Any], file: Path) -> None:
    """One price a line, so that a change of a price is one line in review; the file is never half written."""
    parts = []
    for name, value in content.items():
        if name in ("sources", "prices"):
            lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items())
            parts.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(value)}")
    written = file.with_suffix(".new")
    written.write_text("{\n" + ",\n".join(parts) + "\n}\n")
    written.replace(file)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="plan.refresh", description="Refresh prices from AWS's public price list.")
    parser.add_argument("--url", default=URL, help="where the price list is")
    parser.add_argument("--file", type=Path, default=FILE, help="the prices to refresh")
    options = parser.parse_args(arguments)
    try:
        content = json.loads(options.file.read_text())
        result = refresh(content, _regions(), url=options.url)
        write(content, options.file)
    except (PlanError, OSError, ValueError, KeyError) as error:
        print(f"prices: {error}", file=sys.stderr)
        return 2
    for line in result.changed:
        print(f"changed   {line}")
    for key, why in result.kept.items():
        print(f"as it was {key}: {why}")
    print(
        f"{len(result.taken)} prices taken, {len(result.changed)} of them changed, {len(result.kept)} left as they were"
    )
    return 0


def _regions() -> set[str]:
    """The regions of every environment."""
    found: set[str] = set()
    for path in sorted(FOLDER.glob("*.toml")):
        regions = load_environment(path.stem).regions
        found |= {regions.primary, regions.replica}
    return found


if __name__ == "__main__":
    sys.exit(main())
