"""What a person corrected once comes out right the next time: by the merchant's name as it is printed.

The names are compared without case, accents, punctuation and legal forms, and a small slip of the reader is forgiven:
a letter taken for a digit that looks like it, or about one letter in eight.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connections, router
from django.db.models import Q, QuerySet
from django.utils import timezone

from extraction import Extraction
from receipts.models import Receipt, RememberedCorrection
from receipts.states import READ

ALIKE = 0.88
"""difflib's ratio from which two names of LONG_ENOUGH letters are one name: one wrong letter of nine, not of eight."""

LONG_ENOUGH = 8
COMPARED = 1000
"""Names that a name which is not known exactly is compared with, the newest: a few milliseconds."""

# Anywhere behind the first word, and, as they are words of their own as well, at the end only.
_LEGAL = frozenset(
    [
        *("gmbh", "mbh", "kgaa", "ohg", "sdn", "bhd", "llc", "ltd", "limited", "inc", "corp", "corporation", "plc"),
        *("pte", "sarl", "srl"),
    ]
)
_LEGAL_AT_END = frozenset(
    ["ag", "ab", "as", "bv", "co", "company", "ek", "ev", "kg", "nv", "oy", "sa", "sb", "se", "spa", "sl", "ug"]
)
_AND = frozenset(("and", "und"))
_LOOKS_LIKE = str.maketrans("015826i", "olsbzbl")


def key(name: str) -> str:
    """A printed name without what differs from print to print."""
    folded = unicodedata.normalize("NFKD", name.casefold().replace("|", "l").replace("s/b", "sb"))
    folded = "".join(character for character in folded if not unicodedata.combining(character))
    folded = re.sub(r"\b(\w)\.\s?(?=\w\b)", r"\1", folded)  # s.a., e. k.
    words = [word for word in re.findall(r"[^\W_]+", folded.replace("'", "")) if word not in _AND]
    kept = words[:1] + [word for word in words[1:] if word not in _LEGAL]
    while len(kept) > 1 and (kept[-1] in _LEGAL_AT_END or (kept[-1].isdigit() and len(kept[-1]) > 2)):
        kept.pop()  # a branch's number as well
    return "".join(kept)[:200]


def apply(user_id: UUID, found: Extraction) -> Extraction:
    """The extraction with the merchant and category that this person wants for a name printed like this."""
    memory = _recall(user_id, found.merchant or "")
    if memory is None:
        return found
    changes: dict[str, Any] = {"merchant": memory.merchant}
    if memory.category:
        changes["category"] = memory.category
    return found.model_copy(update=changes)


def learn(receipt: Receipt, changes: dict[str, Any]) -> RememberedCorrection | None:
    """Remember a correction, given the receipt as it was before; None when there is nothing to remember."""
    changed = {
        name: changes[name]
        for name in ("merchant", "category")
        if name in changes and changes[name] != getattr(receipt, name)
    }
    printed = key(receipt.printed_merchant or receipt.merchant)
    merchant = changed.get("merchant", receipt.merchant)
    if not changed or not printed or not merchant:
        return None
    memory, _ = RememberedCorrection.objects.update_or_create(
        user_id=receipt.user_id,
        printed=printed,
        defaults={"merchant": merchant} | ({"category": changed["category"]} if "category" in changed else {}),
    )
    return memory


def earlier(memory: RememberedCorrection) -> QuerySet[Receipt]:
    """The person's receipts of the same printed name that nobody corrected and that say something else."""
    mine = Receipt.objects.filter(user_id=memory.user_id)
    names = _printed_names(memory.user_id)
    others = list(_newest(memory.user_id))
    same = [name for name in names if _choose([memory], key(name)) and _choose(others, key(name)) == memory]
    differs = ~Q(merchant=memory.merchant)
    if memory.category:
        differs |= ~Q(category=memory.category)
    return mine.filter(differs, printed_merchant__in=same, state__in=READ, corrected_at=None)


def apply_to_earlier(memory: RememberedCorrection) -> int:
    """Put the earlier receipts right, too; how many were changed."""
    category = {"category": memory.category} if memory.category else {}
    return earlier(memory).update(merchant=memory.merchant, updated_at=timezone.now(), **category)


# One look into the index for each name: DISTINCT would read all the person's receipts.
_NAMES = """
WITH RECURSIVE names (name) AS (
    (SELECT printed_merchant FROM receipts_receipt
     WHERE user_id = %(user)s AND printed_merchant > '' ORDER BY printed_merchant LIMIT 1)
    UNION ALL
    SELECT (SELECT printed_merchant FROM receipts_receipt
            WHERE user_id = %(user)s AND printed_merchant > names.name ORDER BY printed_merchant LIMIT 1)
    FROM names WHERE names.name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL
"""


def _printed_names(user_id: UUID) -> list[str]:
    with connections[router.db_for_read(Receipt)].cursor() as cursor:
        cursor.execute(_NAMES, {"user": user_id})
        return [name for (name,) in cursor.fetchall()]


def _recall(user_id: UUID, name: str) -> RememberedCorrection | None:
    printed = key(name)
    if not printed:
        return None
    known = RememberedCorrection.objects.filter(user_id=user_id, printed=printed).first()
    return known or _choose(_newest(user_id), printed)


def _newest(user_id: UUID) -> QuerySet[RememberedCorrection]:
    return RememberedCorrection.objects.filter(user_id=user_id).order_by("-updated_at", "-id")[:COMPARED]


def _choose(memories: Iterable[RememberedCorrection], printed: str) -> RememberedCorrection | None:
    """The one whose name is the same or, if there is none, most alike, if it is alike enough."""
    memories = list(memories)
    for memory in memories:
        if memory.printed == printed:
            return memory
    wanted = _without_slips(printed)
    best, best_ratio = None, 0.0
    matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
    for memory in memories:
        known = _without_slips(memory.printed)
        if known == wanted:
            return memory
        if min(len(known), len(wanted)) < LONG_ENOUGH:
            continue
        matcher.set_seq1(known)
        if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
            continue
        ratio = matcher.ratio()
        if ratio >= ALIKE and ratio > best_ratio:
            best, best_ratio = memory, ratio
    return best


def _without_slips(printed: str) -> str:
    return printed.translate(_LOOKS_LIKE).replace("rn", "m").replace("vv", "w")
