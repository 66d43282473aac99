"""What a row is about: total, subtotal, tax, payment … in English, Malay and German, misread letters allowed."""

from __future__ import annotations

import re
from enum import StrEnum, auto
from functools import lru_cache

# Words that decide a row's kind. A recognized word one letter off ("Tatal", "TOTL", "Rückge1d") counts as the word.
_VOCABULARY = frozenset((
    "total", "subtotal", "grand", "amount", "payable", "balance", "rounding", "rounded", "adjustment", "change",
    "tendered", "discount", "summary", "service", "charge", "inclusive", "exclusive", "including", "excluding",
    "gratuity", "payment", "summe", "gesamt", "gesamtbetrag", "zwischensumme", "zahlen", "betrag", "rückgeld",
    "zurück", "gegeben", "bargeld", "mwst", "netto", "brutto", "steuer", "jumlah", "baki", "tunai", "kreditkarte",
    "kartenzahlung", "mastercard", "girocard", "savings", "visa", "cash",
))  # fmt: skip
_LONG = sorted(word for word in _VOCABULARY if len(word) >= 5)
_LOOKALIKE = str.maketrans("015|", "oisi")


class Kind(StrEnum):
    """What the amount on a row means."""

    TOTAL = auto()
    ROUNDED = auto()  # the total after rounding to the smallest coin
    SUBTOTAL = auto()
    TAX = auto()
    TIP = auto()
    SERVICE = auto()
    DISCOUNT = auto()
    ROUNDING = auto()
    CASH = auto()
    CHANGE = auto()
    CARD = auto()
    TAX_TABLE = auto()  # the header of a table of tax rates
    OTHER = auto()  # counts, points, savings: never money that was paid


# First match wins: the exceptions stand before the rule.
_PATTERNS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.TAX_TABLE, (
        r"(gst|tax|sst|vat|cst) ?sum", r"(mwst|ust|steuer|mehrwertst).*(netto|brutto|betrag|ohne|mit\b)",
        r"netto.*(mwst|brutto)", r"tax ?code", r"(gst|tax).*rate", r"^code\b(?!.*(desc|item|name)).*(amount|amt|tax)",
    )),
    (Kind.OTHER, (
        r"total.{0,12}(qty|quantity|item|saving|disc|point|no\b|count|gv|sv|number)", r"qty.{0,6}total",
        r"(item|qty|type).*\bcount", r"points?\b", r"you saved", r"savings", r"u\.?price", r"unit price",
        r"price.*(total|amount)", r"item.*(amount|total)", r"anzahl", r"einzelpreis", r"balance (before|after)",
        r"new balance", r"(card|ebt|snap|cash ?back|remaining|gift|points|reward\w*) bal", r"(mtd|ytd)\b", r"suggest",
        r"guide", r"\bsaved\b", r"\b(non-?)?taxable\b", r"tax.?exempt",
        r"tip (is )?(not )?included", r"price/", r"/gal",
    )),
    (Kind.TOTAL, (r"total.{0,4}(after|with|w/|plus|incl\w*|\+).{0,4}tip",)),
    (Kind.CASH, (r"total.{0,8}tender", r"tender.{0,8}total")),
    (Kind.TIP, (r"\b(tip|tips|gratuity|trinkgeld)\b",)),
    (Kind.ROUNDED, (r"total.*\bround", r"\bround\w*.{0,6}total")),
    (Kind.ROUNDING, (r"\bround(ing)?\b", r"\brundung", r"rnd.?g? adj", r"pelarasan")),
    (Kind.CHANGE, (r"\bchange\b", r"rückgeld", r"ruckgeld", r"zurück", r"zuruck", r"\bbaki\b")),
    (Kind.SUBTOTAL, (
        r"\bsub ?[-.]? ?(total|ttl|tot|tl)\b", r"zwischensumme", r"\bnet sales",
        r"\b(fuel|food|bev\w*|liq(uor)?|merch\w*) (total|sale)",
        r"^(food|liquor|bev(erages?)?|beer|wine|alcohol)\W*[\d.,]*$",
        r"(total|sales|amt|amount).*(excl|before (tax|gst)|ex\.? gst|nett?o)",
    )),
    (Kind.TAX, (r"\bincludes\b.*(gst|tax|sst|vat)", r"\benth\w*\.?.*(mwst|ust|steuer)")),
    (Kind.TOTAL, (
        r"(total|paid|sales|amt|amount).*\binc", r"(net|grand|gross) total",
        r"total.{0,4}(after|with|w/|plus|\+).{0,4}tax",
    )),
    (Kind.TAX, (r"\b(gst|tax(es)?|sst|vat|mwst|ust|hst)\d?\b(?!.*(invoice|id|reg|no\b))",)),
    (Kind.SERVICE, (r"serv(ice)?\.? ?(charge|chg)", r"bedienung")),
    (Kind.DISCOUNT, (r"discount", r"rabatt", r"coupon", r"voucher", r"diskaun")),
    (Kind.TOTAL, (
        r"\btotal", r"\b(amount|amt) (due|payable|paid)", r"\bbal(ance)?\b", r"to pay", r"zu zahlen", r"\bsumme\b",
        r"gesamt", r"jumlah", r"\bdue\b", r"\bendbetrag", r"net amount",
        r"\bttl\b",
    )),
    (Kind.CARD, (
        r"visa", r"master ?card", r"amex", r"american express", r"debit", r"credit", r"girocard",
        r"\bec[- ]?(karte|cash)", r"kreditkarte", r"kartenzahlung", r"\bcard\b", r"elec\.?-?cash", r"maestro",
        r"\bbetrag\b", r"paypal", r"contactless", r"apple pay", r"google pay", r"edc\b", r"discover\b",
        r"\b(ebt|snap)\b", r"^(sale|purchase|base|pre-?tip)? ?(amount|amt)\b",
    )),
    (Kind.CASH, (
        r"\bcash\b", r"tendered", r"tender\b", r"bargeld", r"^\W*bar\b", r"\bbarzahl", r"gegeben", r"\btunai\b",
        r"\bpaid\b", r"\bpay\b", r"\bpaym",
    )),
)  # fmt: skip
_RULES = tuple((kind, re.compile("|".join(patterns))) for kind, patterns in _PATTERNS)


@lru_cache(maxsize=4096)
def kind_of(text: str) -> Kind | None:
    """The kind of a row by its words; None for a row without any telling word."""
    line = normalize(text)
    return next((kind for kind, pattern in _RULES if pattern.search(line)), None)


def normalize(text: str) -> str:
    """Lower case, near misses of known words repaired."""
    return " ".join(_repair(word) for word in re.findall(r"[^\s:;()*=]+", text.lower()))


@lru_cache(maxsize=8192)
def _repair(word: str) -> str:
    letters = word.strip(".,-").translate(_LOOKALIKE)
    if len(letters) < 4 or sum(c.isalpha() for c in word) < len(word) / 2:
        return word
    if letters in _VOCABULARY:
        return letters
    for known in _LONG:
        if abs(len(known) - len(letters)) <= 1 and within_one_edit(letters, known):
            return known
    return word


def within_one_edit(a: str, b: str) -> bool:
    """Whether one letter put in, left out or exchanged makes one word of the other."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    if len(a) == len(b):
        return a[start + 1 :] == b[start + 1 :]
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[start + 1 :] == shorter[start:]
