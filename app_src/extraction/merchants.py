"""Who sold it: the row that looks most like a shop's name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from extraction.categories import brand_named
from extraction.labels import kind_of
from extraction.money import amounts
from extraction.rows import Row

_TOP_ROWS = 9
_COMPANY = re.compile(
    r"\b(sdn\.?\s?bhd|sdn\b|s/b|bhd|gmbh|\bag\b|kg\b|e\.?k\.?|ohg|inc\b|llc|ltd|limited|corp(oration)?|plc|co\.)",
    re.IGNORECASE,
)
_TRADE = re.compile(
    r"\b(trading|enterprise|hardware|restaurant|restoran|kedai|mart|market|supermarkt|supermarket|store|shop|cafe|café|coffee"
    r"|bakery|bakes?|bäckerei|pharmacy|apotheke|farmasi|bistro|pub|bar|grill|kitchen|pizza|burger|deli|hotel|station(ery|er)?"
    r"|books?(tores?)?|gallery|motor|petrol|fuel|foods?|express|syarikat|perniagaan|baumarkt|drogerie|metzgerei|company|house"
    r"|diner|salon|florist|outlet|centre|center|carry|cash & carry|minimarket|clinic|klinik)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(jalan|jln|lot|taman|tmn|kawasan|bandar|selangor|kuala|johor|street|st\.|ave(nue)?|road|rd\.?|blvd|drive|suite|floor"
    r"|unit|no\.?\s?\d|plot|malaysia|weg|platz|allee|\d{5})\b|stra(ß|ss)e|\bstr\.|\d{1,4}\s?[a-z]?$|^\d+[,\s]",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"\btele?\b|\btel[.:]|\bfax|phone|invoice|receipt|quittung|kassenbon|bill\b|guest|check\b|copy|welcome|thank|survey"
    r"|\bgst|\btax|www\.|http|@|\breg\b|\bno\.?:|\bid\b|number|store ?#|\bst# ?\d|company \w{0,3} ?[:#]|licensee"
    r"|\bdate|datum|\btime\b|\buhr\b|öffnungszeiten|cashier|\btable\b|\border|counter|manager|server|^cash$"
    r"|goods sold|return|shopping with|home of|save money",
    re.IGNORECASE,
)
_REGISTRATION = re.compile(
    r"\(?\b(?:co\.?\s?)?(?:reg\.?\s?)?(?:no\.?\s?)?[A-Z]{0,3}\d{4,}\s?-?\s?[A-Z0-9]?\s?\)?|\(\s*\d[\w-]*\s*\)"
)
_DOMAIN = re.compile(r"(?:www\.|@)([a-z0-9-]{3,})\.(?:com|de|my|net|org|co)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merchant:
    """A name and a confidence of 0 to 1; `row` is where it stands."""

    name: str
    confidence: float
    row: int


def find_merchant(rows: Sequence[Row]) -> Merchant | None:
    """The best row of the receipt's head, or a company's full name printed anywhere."""
    if not rows:
        return None
    usual = sorted(row.height for row in rows)[len(rows) // 2]
    domains = [match[1].lower() for row in rows for match in _DOMAIN.finditer(row.text)]
    best: Merchant | None = None
    best_score = 0.0
    for index, row in enumerate(rows):
        name = tidy(row.text)
        score = _score(name, row, index, usual, domains)
        if score > best_score:
            best, best_score = Merchant(name, min(0.97, score / 8), index), score
    if best is None:
        return None
    brand = brand_named(best.name)
    return Merchant(brand, max(best.confidence, 0.9), best.row) if brand else best


def find_address(rows: Sequence[Row], merchant_row: int) -> list[int]:
    """Indexes of the rows like an address right below the merchant's."""
    found: list[int] = []
    for index, row in enumerate(rows[merchant_row + 1 : merchant_row + 8], start=merchant_row + 1):
        if _ADDRESS.search(row.text) and not _NOISE.search(row.text) and not _REGISTRATION.fullmatch(row.text.strip()):
            found.append(index)
        elif found:
            break
    return found


def tidy(text: str) -> str:
    """A name without registration numbers, label words and stray punctuation."""
    text = text.replace("\uff08", "(").replace("\uff09", ")")  # full-width ones, as recognized
    text = re.sub(r"^\s*(dimiliki|operated by|owned by|merchant)\s*:?\s*", "", text, flags=re.IGNORECASE)
    text = _REGISTRATION.sub(" ", text)
    return " ".join(text.split()).strip(" -:,.*'\"|_=#[]()") + (
        "." if text.rstrip().endswith(("BHD.", "Co.", "CO.")) else ""
    )


def _score(name: str, row: Row, index: int, usual: float, domains: Sequence[str]) -> float:
    letters = sum(character.isalpha() for character in name)
    if letters < 2 or letters < 0.5 * len(name.replace(" ", "")):
        return 0.0
    company, trade = bool(_COMPANY.search(name)), bool(_TRADE.search(name))
    if index >= _TOP_ROWS and not company:
        return 0.0
    score = 3.0 - 0.3 * min(index, _TOP_ROWS) + 2.0 * min(1.0, max(0.0, row.height / usual - 1)) + row.score - 0.9
    compact = re.sub(r"[^a-zäöü0-9]", "", name.lower())
    if company:
        score += 3.0 if len(_COMPANY.sub("", name).strip()) >= 3 else -2.0
    score += 1.5 * trade
    if brand_named(name):
        score += 3.0
    if any(difflib.SequenceMatcher(None, domain, compact).ratio() > 0.8 or domain in compact for domain in domains):
        score += 1.5
    if _ADDRESS.search(name):
        score -= 1.0 if trade or company else 3.0
    if _NOISE.search(row.text):
        score -= 3.5
    if kind_of(row.text) and not trade and not company and (amounts(row.text) or len(name.split()) <= 2):
        score -= 2.0
    if letters < 4:
        score -= 1.5
    return score
