"""Whether a database that was brought back holds what it must, by the ledger. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localcloud.ledger import entries
from localcloud.ledger.entries import Entry
from localcloud.ledger.stored import Row

_NOT_UPLOADED = "awaiting_upload"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """Of a database at a moment: how many receipts had been `promised` by then and asked for only `afterwards`; those
    of the first that are `lost`, and those of the second that are there all the same (`early`)."""

    promised: int
    afterwards: int
    lost: Sequence[str]
    early: Sequence[str]

    @property
    def ok(self) -> bool:
        """Nothing is proven where nothing was promised, or nothing came afterwards."""
        return bool(self.promised and self.afterwards) and not self.lost and not self.early

    def said(self) -> str:
        return (
            f"{self.promised - len(self.lost)} of {self.promised} receipts acknowledged before it are there, "
            f"{len(self.early)} of {self.afterwards} asked for after it"
        )


def at_moment(promises: Sequence[Entry], rows: Mapping[str, Row], moment: float) -> Restored:
    """`moment` is a Unix time."""
    before, after = _receipts(entries.until(promises, moment)), _receipts(entries.after(promises, moment))
    return Restored(
        promised=len(before),
        afterwards=len(after),
        lost=[each for each in before if each not in rows or rows[each].state == _NOT_UPLOADED],
        early=[each for each in after if each in rows],
    )


def newest_kept(promises: Sequence[Entry], rows: Mapping[str, Row]) -> float:
    """The Unix time up to which every promise was kept: before the first that was not, or of the last of all."""
    kept = 0.0
    for entry in sorted((each for each in promises if each.kind == "receipt"), key=lambda each: each.at):
        if entry.receipt not in rows or rows[entry.receipt].state == _NOT_UPLOADED:
            break
        kept = entry.at
    return kept


def _receipts(promises: Sequence[Entry]) -> list[str]:
    return [entry.receipt for entry in promises if entry.kind == "receipt"]
