"""What the money was spent on, and which well-known chain it went to: words and names from categories.json."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

from extraction.labels import within_one_edit

# What chains print beside their name.
_SAYS_NOTHING = re.compile(
    r"\b(stores?|supercent(er|re)|superstore|restaurants?|wholesale|warehouse|filiale|markt|supermarkt|discount|baumarkt"
    r"|m(oe|ö)belhaus|tankstelle|gmbh|co|kg|ag|inc|llc|ltd|corp|usa|center|centre|pharmacy|sdn|bhd|s/b|malaysia"
    r"|deutschland|s[uü]d|nord|stiftung|dienstleistung)(?![\w'])\.?|\(m\)|&(?=\s*(co|$))",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"#?\s?\b[a-z]?\d{2,}\b|\bno\.?(?=\s|$)", re.IGNORECASE)
_LETTERS = str.maketrans("015", "ols")
# Shorter names are one letter from too many words.
_LONG_ENOUGH = 6
_SAFE_HEAD = 5


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
    """The chain's own spelling where the whole name is that chain's, a misread letter and words like "store" aside.

    "LiDL" and "Lidl Filiale 1234" are Lidl, "WALNART" is Walmart; "Lidl Street Cafe" is not Lidl.
    """
    brands = _data()[0]
    bare = _SAYS_NOTHING.sub(" ", name)
    spellings = [_compact(spelling) for spelling in (name, bare, _NUMBER.sub(" ", bare))]
    for key in [*spellings, *(spelling.removeprefix("the") for spelling in spellings)]:
        if key in brands:
            return brands[key][0]
    for known, (brand, _) in brands.items():
        if len(known) >= _LONG_ENOUGH and known.isalpha() and any(_misread(key, known) for key in spellings):
            return brand
    return None


def _misread(key: str, known: str) -> bool:
    return len(key) >= _LONG_ENOUGH and within_one_edit(key.translate(_LETTERS), known.translate(_LETTERS))


def starts_with_brand(name: str) -> bool:
    """Whether a name is a chain's with something behind it: "Starbucks Reserve Roastery"."""
    words = [_compact(word) for word in name.split()]
    heads = {"".join(words[:count]) for count in range(1, min(4, len(words)) + 1)}
    return any(len(head) >= _SAFE_HEAD and head in _data()[0] for head in heads)


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
