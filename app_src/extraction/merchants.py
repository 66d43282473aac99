"""Who sold it: the row that looks most like a shop's name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from extraction.categories import brand_named, starts_with_brand
from extraction.labels import Kind, kind_of
from extraction.money import amounts, find_amounts
from extraction.rows import Row

_TOP_ROWS = 9
_COMPANY = re.compile(
    r"\b(sdn\.?\s?bhd|sdn\b|s/b|bhd|gmbh|\bag\b|kg\b|e\.?\s?k\.?\b|ohg|inc\b|llc|ltd|limited|corp(oration)?|plc|co\.)",
    re.IGNORECASE,
)
_TRADE = re.compile(
    r"\b(trading|enterprise|hardware|restaurante?s?|restoran|kedai|marts?|market|supermarkt|supermarket|stores?|shop|cafe"
    r"|café|caffe|coffee|bakery|bakes?|bäckerei|konditorei|pharmacy|apotheke|farmasi|bistro|pub|bar|grill|kitchen|pizza"
    r"|pizzeria|burgers?|deli|hotel|inn|station(ery|er)?|books?(tores?)?|gallery|motors?|petrol|fuel|gas|tankstelle|foods?"
    r"|express|syarikat|perniagaan|baumarkt|drogerie|metzgerei|company|house|diner|salon|florist|outlet|centre|center"
    r"|carry|minimarket|clinic|klinik|taqueria|cantina|tavern|saloon|brewery|brewing|bbq|barbecue|steakhouse|sushi|ramen"
    r"|noodles?|tacos?|wings|donuts?|bagels?|creamery|roasters|eatery|cuisine|catering|liquors?|wine|spirits|drugs?|nursery"
    r"|cleaners|parking|taxi|cinemas?|theatre|museum|gasthaus|gaststätte|imbiss|buchhandlung|möbel|optik|textil|moden?)\b"
    r"|(haus|markt|laden|shop|mart|carry)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(jalan|jln|lot|taman|tmn|kawasan|bandar|selangor|kuala|johor|street|ave(nue)?|road|rd|blvd|boulevard|drive|hwy"
    r"|highway|pkwy|parkway|lane|suite|ste|floor|unit|no\.?\s?\d|plot|malaysia|weg|platz|allee|\d{5})\b|stra(ß|ss)e"
    r"|\bstr\.|\bst\.|^[\w.-]*(weg|platz|allee|ring|gasse|damm|ufer|chaussee)\s\d{1,4}\s?[a-z]?$"
    r"|^[a-zäöüß]{4,}[.\s]+\d{1,4}\s?[a-z]?$|^#?\d+[,\s]|,\s?[A-Z0]{2}\.?(\s?\d{5})?(-\d{4})?$",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"\btele?\b|\btel[.:]|\bfax|phone|invoice|receipt|rec[ei]+pi|quittung|kassenbon|rechnung|beleg\b|bill\b|guests?\b"
    r"|check\b|copy|welcome|willkommen|thank|danke|survey|\bgst|\btax|www\.|http|@|\breg\b|\bno\.?:|\bid\b|number"
    r"|store ?#|\bst# ?\d|company \w{0,3} ?[:#]|licensee|\bdate|datum|\btime\b|\buhr\b|öffnungszeiten|\bopen\b|cashier"
    r"|kasse\b|\b(table|tbl|chk)\b\s*[:#]?\s*\d|\border|counter|manager|server|bediener|^cash$|goods sold|return"
    r"|shopping with|home of|save money|\bvisa\b|mastercard|\bcard\b|\bauth\b|approved|transaction|terminal|merchant id"
    r"|customer|kunden|reprint|duplicate|register\b|dine.?in|eat.?in|take.?(out|away)|^to.?go\b|hotline|steuer|\bust\b"
    r"|ust-?id|\bacc(oun)?t\b|[x*#]{4}|\d{3}[-.) ]+\d{4}\b|\bmgr\b",
    re.IGNORECASE,
)
# A sentence to the reader is not a name.
_SLOGAN = re.compile(
    r"\b(your?|you'?re|we|our|us|better|save|saving|always|every(day)?|quality|since|est\.?|ihre?n?|wir|für|mehr|immer"
    r"|besser)\b|[.!?]\s+\w",
    re.IGNORECASE,
)
_REGISTRATION = re.compile(
    r"\(?\b(?:co\.?\s?)?(?:reg\.?\s?)?(?:no\.?\s?)?[A-Z]{0,3}\d{4,}\s?-?\s?(?:[A-Z0-9]\b)?\s?\)?|\(\s*\d[\w-]*\s*\)"
)
_PREFIX = re.compile(
    r"^\s*(dimiliki|operated by|owned by|merchant|welcome to|willkommen bei"
    r"|thank you for (?:shopping|dining|visiting|eating)(?: at| with)?)\s*:?\s+(?=\S{3})",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    r"(?:www\.|@|https?://)(?:[a-z0-9-]+\.)*?([a-z0-9-]{3,})\.(?:com|de|my|net|org|co)\b", re.IGNORECASE
)
# 33102 Paderborn, and Oakland, CA 94607
_TOWN = re.compile(r"\b\d{5} ([A-Za-zÄÖÜäöüß .-]{3,})|([A-Za-z .]{3,}),? [A-Z0]{2}\.? \d{5}")


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
    head = _Head.of(rows)
    best: Merchant | None = None
    best_score = 0.0
    for index, row in enumerate(rows):
        name = tidy(row.text)
        score = _score(name, row, index, head)
        if score > best_score:
            best, best_score = Merchant(name, max(0.0, min(0.97, score / 8)), index), score
    brand = brand_named(best.name) if best else None
    if best and brand:
        return Merchant(brand, max(best.confidence, 0.9), best.row)
    if best is None or not _COMPANY.search(best.name):
        return _brand_over_rows(rows) or _brand_online(rows) or best
    return best


@dataclass(frozen=True)
class _Head:
    """What the receipt as a whole says about its rows.

    Attributes:
        usual: Median height of the rows, in pixels.
        until: Index of the first row with an amount: below it stand goods.
        towns: Names beside a postal code.
        domains: Names in web and e-mail addresses.
        texts: All rows without addresses in the web, letters and digits alone.
    """

    usual: float
    until: int
    towns: frozenset[str]
    domains: tuple[str, ...]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Head:
        heights = sorted(row.height for row in rows)
        return cls(
            usual=max(1.0, heights[len(heights) // 2]),
            until=next((index for index, row in enumerate(rows) if amounts(row.text)), len(rows)),
            towns=frozenset(_compact(match[1] or match[2]) for row in rows for match in _TOWN.finditer(row.text)),
            domains=tuple(
                part
                for row in rows
                for match in _DOMAIN.finditer(row.text)
                for part in {match[1].lower(), *match[1].lower().split("-")}
                if len(part) >= 3
            ),
            texts=tuple(_compact(row.text) for row in rows if not _DOMAIN.search(row.text)),
        )


def _brand_over_rows(rows: Sequence[Row]) -> Merchant | None:
    """TRADER / JOE'S, and WHOLE / FOODS / MARKET."""
    names = [tidy(row.text) for row in rows[:_TOP_ROWS]]
    for count in (3, 2):
        for index in range(len(names) - count + 1):
            if brand := brand_named(" ".join(names[index : index + count])):
                return Merchant(brand, 0.85, index)
    return None


def _brand_online(rows: Sequence[Row]) -> Merchant | None:
    """A chain whose name is a picture nobody can read is still www.its-name.com."""
    for index, row in enumerate(rows):
        for match in _DOMAIN.finditer(row.text):
            if len(match[1]) > 4 and (brand := brand_named(match[1])):
                return Merchant(brand, 0.8, index)
    return None


def find_address(rows: Sequence[Row], merchant_row: int) -> list[int]:
    """Indexes of the rows like an address right below the merchant's."""
    found: list[int] = []
    for index, row in enumerate(rows[merchant_row + 1 : merchant_row + 8], start=merchant_row + 1):
        text = row.text.strip()
        priced = any(amount.end == len(text) for amount in find_amounts(text))
        if _ADDRESS.search(text) and not priced and not _NOISE.search(text) and not _REGISTRATION.fullmatch(text):
            found.append(index)
        elif found:
            break
    return found


def tidy(text: str) -> str:
    """A name without registration numbers, label words and stray punctuation."""
    text = text.replace("\uff08", "(").replace("\uff09", ")")  # full-width ones, as recognized
    text = _PREFIX.sub("", text)
    text = re.sub(r"(?<=[A-Za-z])0(?!\d)|\b0(?=[A-Za-z])", "O", text)
    text = _REGISTRATION.sub(" ", text)
    return " ".join(text.split()).strip(" -:,.*'\"|_=#[]()") + (
        "." if text.rstrip().endswith(("BHD.", "Co.", "CO.")) else ""
    )


def _score(name: str, row: Row, index: int, head: _Head) -> float:
    letters = sum(character.isalpha() for character in name)
    compact = _compact(name)
    brand = brand_named(name)
    if not brand and (letters < 2 or letters < 0.5 * len(name.replace(" ", ""))):
        return 0.0
    company = bool(_COMPANY.search(name))
    trade = bool(_TRADE.search(name)) and len(_compact(_TRADE.sub("", name))) > 2  # "Coffee House" is nobody's name
    introduced = bool(_PREFIX.match(row.text))
    if index >= _TOP_ROWS and not company and not introduced:
        return 0.0
    score = 3.0 - 0.3 * min(index, _TOP_ROWS) + 2.0 * min(1.0, max(0.0, row.height / head.usual - 1)) + row.score - 0.9
    if company:
        score += 3.5 if len(_COMPANY.sub("", name).strip()) >= 3 else -2.0
    score += 1.5 * (trade or starts_with_brand(name)) + 3.0 * bool(brand) + 1.0 * introduced
    if any(
        difflib.SequenceMatcher(None, domain, compact).ratio() > 0.8 or domain in compact for domain in head.domains
    ):
        score += 1.5
    if len(compact) >= 4 and sum(compact in text for text in head.texts) > 1:
        score += 1.0
    if index > head.until and not company and not introduced:
        score -= 3.0
    if amounts(row.text):
        score -= 3.0
    if not brand:
        score -= _unlike_a_name(name, row.text, trade=trade, company=company, introduced=introduced)
    if compact in head.towns:
        score -= 3.0
    return score - 1.5 * (letters < 3 and not brand)


def _unlike_a_name(name: str, text: str, *, trade: bool, company: bool, introduced: bool) -> float:
    """What speaks against: addresses, labels, sentences."""
    against = 0.0
    if _ADDRESS.search(name) or _ADDRESS.search(text):
        against += 1.0 if trade or company else 3.0
    if _NOISE.search(text) and not introduced:
        against += 3.5
    if _SLOGAN.search(name) and not company and not introduced:
        against += 1.0 if trade else 2.0
    if kind_of(text) and not trade and not company and amounts(text):
        against += 2.0
    if kind_of(text) in (Kind.TOTAL, Kind.SUBTOTAL, Kind.TAX) and len(name.split()) <= 2 and not trade:
        against += 2.0
    return against


def _alike(a: str, b: str) -> bool:
    return difflib.SequenceMatcher(None, a, b).ratio() > 0.8


def _compact(text: str) -> str:
    return re.sub(r"[^a-zäöüß0-9]", "", text.lower())
