"""Receipts by what was read on them: words in any language, begun words, and words that are only alike.

The words of a query are taken out of it one by one, so nothing in it means anything to PostgreSQL. All of them must
be on the receipt, each as a whole or as a beginning; where none has them all, names that are alike are looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connections, router, transaction

from receipts.models import Receipt

MOST_WORDS = 8
RANKED = 1000
"""Up to so many matches are ranked, which reads each of them; a word that is on more of them ranks none."""

ALIKE = 0.5
"""pg_trgm's similarity of a word to a part of the names, of 0 to 1: one letter left out of six."""

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
_BEGIN, _END = "\ue000", "\ue001"
_HEADLINE = f"StartSel={_BEGIN}, StopSel={_END}, MaxFragments=2, MaxWords=14, MinWords=5, FragmentDelimiter= … "


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a snippet; `match` says that it is one of the words looked for."""

    text: str
    match: bool


@dataclass(frozen=True, kw_only=True)
class Hit:
    receipt: Receipt
    snippet: list[Part]


@dataclass(frozen=True, kw_only=True)
class Found:
    """`alike`: no receipt has the words, these have similar ones. `ranked`: the best are first, otherwise the newest.

    `more`: there are further ones behind these.
    """

    hits: list[Hit]
    alike: bool
    ranked: bool
    more: bool


def search(user_id: UUID, query: str, *, limit: int, offset: int = 0) -> Found:
    """The person's receipts with all words of `query`. Reads only, from the database that reads go to just now."""
    words = _words(query)
    if not words:
        return Found(hits=[], alike=False, ranked=True, more=False)
    wanted = " & ".join(map(_wanted, words))
    alias = router.db_for_read(Receipt)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        # For a common word and a limit PostgreSQL would rather read the whole table, hoping to find enough soon.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(_COUNT, (user_id, wanted, RANKED + 1))
        count = cursor.fetchone()[0]
        page = {"user": user_id, "wanted": wanted, "limit": limit + 1, "offset": offset}
        if count:
            cursor.execute(_RANKED if count <= RANKED else _NEWEST, page)
        else:
            cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", (str(ALIKE),))
            cursor.execute(_alike(len(words)), page | {f"word{n}": word for n, word in enumerate(words)})
        ids = [row[0] for row in cursor.fetchall()]
        snippets = _snippets(cursor, ids[:limit], wanted)
    receipts = Receipt.objects.defer("text", "boxes").prefetch_related("items").in_bulk(ids[:limit])
    return Found(
        hits=[Hit(receipt=receipts[key], snippet=snippets.get(key, [])) for key in ids[:limit] if key in receipts],
        alike=bool(ids) and not count,
        ranked=count <= RANKED,
        more=len(ids) > limit,
    )


_COUNT = """
SELECT count(*) FROM (
    SELECT 1 FROM receipts_searchdocument
    WHERE user_id = %s AND words @@ to_tsquery('receipts', %s) LIMIT %s
) matches
"""
_RANKED = """
SELECT r.id FROM receipts_searchdocument d JOIN receipts_receipt r ON r.id = d.receipt_id
WHERE d.user_id = %(user)s AND d.words @@ to_tsquery('receipts', %(wanted)s)
ORDER BY ts_rank(d.words, to_tsquery('receipts', %(wanted)s)) DESC, r.created_at DESC, r.id DESC
LIMIT %(limit)s OFFSET %(offset)s
"""
# Walks the person's receipts from the newest and stops when the page is full. A join would not:
# PostgreSQL thinks that few words begin like this, and would collect and sort all of them.
_NEWEST = """
SELECT r.id FROM receipts_receipt r
WHERE r.user_id = %(user)s AND (
    SELECT d.words @@ to_tsquery('receipts', %(wanted)s) FROM receipts_searchdocument d WHERE d.receipt_id = r.id
)
ORDER BY r.created_at DESC, r.id DESC
LIMIT %(limit)s OFFSET %(offset)s
"""
_ALIKE = """
SELECT r.id FROM receipts_searchdocument d JOIN receipts_receipt r ON r.id = d.receipt_id
WHERE d.user_id = %(user)s AND {alike}
ORDER BY {likeness} DESC, r.created_at DESC, r.id DESC
LIMIT %(limit)s OFFSET %(offset)s
"""
_SNIPPETS = """
SELECT id, ts_headline(
    'receipts',
    translate(concat_ws(E'\\n', merchant, address, left(text, 20000)), %(marks)s, ''),
    to_tsquery('receipts', %(wanted)s),
    %(options)s
)
FROM receipts_receipt WHERE id = ANY (%(ids)s)
"""


def _words(query: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", query))[:MOST_WORDS]


def _wanted(word: str) -> str:
    """As PostgreSQL writes it: a beginning, and an amount with either of the two decimal separators."""
    parts = re.split(r"[.,]", word)
    beginning = ":*" if len(word) > 1 else ""
    if len(parts) == 1:
        return f"'{word}'{beginning}"
    # "12.50" is one word to PostgreSQL, "12,50" are two.
    comma = " <-> ".join(f"'{part}'" for part in parts)
    return f"('{'.'.join(parts)}':* | ({comma}:*))"


def _alike(words: int) -> str:
    """Each of the words must be alike to one of the names, so that a shop is not found by the street it shares."""
    folded = [f"lower(unaccent(%(word{n})s))" for n in range(words)]
    return _ALIKE.format(
        alike=" AND ".join(f"{word} <%% d.names" for word in folded),
        likeness=" + ".join(f"word_similarity({word}, d.names)" for word in folded),
    )


def _snippets(cursor: Any, ids: Sequence[UUID], wanted: str) -> dict[UUID, list[Part]]:
    if not ids:
        return {}
    cursor.execute(_SNIPPETS, {"ids": list(ids), "wanted": wanted, "marks": _BEGIN + _END, "options": _HEADLINE})
    return {key: _parts(headline) for key, headline in cursor.fetchall() if _BEGIN in headline}


def _parts(headline: str) -> list[Part]:
    parts = []
    for piece in re.split(f"({_BEGIN}[^{_END}]*{_END})", " ".join(headline.split())):
        if piece:
            match = piece.startswith(_BEGIN)
            parts.append(Part(text=piece.strip(_BEGIN + _END), match=match))
    return parts
