"""What the money was spent on, and which well-known chain it went to: words and names from categories.json."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def _data() -> tuple[dict[str, tuple[str, str]], list[tuple[str, re.Pattern[str]]]]:
    raw = json.loads(Path(__file__).with_name("categories.json").read_text(encoding="utf-8"))
    brands = {_compact(brand): (brand, category) for category, entry in raw.items() for brand in entry["brands"]}
    words = [
        (category, re.compile(r"\b(?:" + "|".join(map(re.escape, entry["words"])) + r")", re.IGNORECASE))
        for category, entry in raw.items()
    ]
    return brands, words


def brand_named(name: str) -> str | None:
    """The chain's own spelling where the whole name is that chain ("LiDL" is Lidl, "Lidl Street Cafe" is not)."""
    brand = _data()[0].get(_compact(name))
    return brand[0] if brand else None


def categorize(merchant: str | None, text: str) -> tuple[str, float]:
    """(category, confidence): a known chain first, then words in the name, then words on the whole receipt."""
    brands, words = _data()
    compact = _compact(merchant or "")
    for key, (_, category) in brands.items():
        if key == compact or (len(key) >= 5 and key in compact):
            return category, 0.95
    for category, pattern in words:
        if merchant and pattern.search(merchant):
            return category, 0.85
    hits = Counter({category: len(pattern.findall(text)) for category, pattern in words})
    category, count = hits.most_common(1)[0]
    return (category, min(0.7, 0.3 + 0.1 * count)) if count else ("other", 0.3)


def _compact(name: str) -> str:
    return re.sub(r"[^a-z0-9äöüß&]", "", name.lower())
