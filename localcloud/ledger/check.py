"""Promises against what is there. Pure functions: who reads the database, the bucket and the bill is elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from localcloud.ledger.entries import Entry
from localcloud.ledger.stored import Call, Row

READ = frozenset({"extracted", "needs_review"})
FINAL = READ | {"failed", "rejected"}


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is wrong, by receipt or by call; all empty when every promise was kept.

    `lost` receipts are in no row, `unread` ones not in a state in which somebody's receipt was read, `strange` ones
    were read from another image than the one that was sent. `objectless` have no object in the bucket. `uncorrected`
    do not have what a person set last. `billed_twice` are images that OpenAI billed more than once by one model,
    `unwritten` calls that it billed and the application does not know as billed or in doubt.
    """

    promised: int
    corrections: int
    billed: int
    lost: Sequence[str] = ()
    unread: Sequence[str] = ()
    strange: Sequence[str] = ()
    objectless: Sequence[str] = ()
    uncorrected: Sequence[str] = ()
    billed_twice: Sequence[str] = ()
    unwritten: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        return not any(
            (self.lost, self.unread, self.strange, self.objectless, self.uncorrected, self.billed_twice, self.unwritten)
        )

    def said(self) -> list[str]:
        """A sentence for each kind of thing that is wrong."""
        kinds = {
            "receipts lost": self.lost,
            "receipts not read": self.unread,
            "receipts read from another image": self.strange,
            "receipts without their image": self.objectless,
            "corrections lost": self.uncorrected,
            "images billed twice": self.billed_twice,
            "bills that the application does not know": self.unwritten,
        }
        return [f"{len(found)} {kind}: {', '.join(found[:3])}" for kind, found in kinds.items() if found]


@dataclass(frozen=True, kw_only=True)
class Billed:
    """One call on OpenAI's bill: what the client called it, the model, and what tells its picture from all others."""

    call: str
    model: str
    picture: str


def lost(entries: Iterable[Entry], rows: Collection[str] | Mapping[str, Row]) -> list[str]:
    """Acknowledged receipts that are not there."""
    return [entry.receipt for entry in entries if entry.kind == "receipt" and entry.receipt not in rows]


def uncorrected(entries: Iterable[Entry], rows: Mapping[str, Row], *, doubtful: Collection[str] = ()) -> list[str]:
    """Receipts whose last acknowledged correction is not what is there.

    `doubtful` are receipts of which a later correction got no answer: it may have been made, and is not held against
    anybody.
    """
    last: dict[tuple[str, str], str] = {}
    for entry in entries:
        if entry.kind == "correction":
            last |= {(entry.receipt, name): value for name, value in entry.fields.items()}
    wrong = {
        receipt
        for (receipt, name), value in last.items()
        if receipt not in doubtful and (receipt not in rows or rows[receipt].fields.get(name) != value)
    }
    return sorted(wrong)


def billed_twice(bill: Iterable[Billed], *, superseded: Collection[str] = ()) -> list[str]:
    """Pictures for which one model was paid more than once, leaving out calls that a person asked to have repeated."""
    counts = Counter((billed.picture, billed.model) for billed in bill if billed.call not in superseded)
    return sorted({picture for (picture, _), count in counts.items() if count > 1})


def reconcile(
    entries: Sequence[Entry],
    *,
    rows: Mapping[str, Row],
    objects: Collection[str],
    calls: Sequence[Call] = (),
    bill: Sequence[Billed] = (),
    doubtful: Collection[str] = (),
    replaced: Collection[str] = (),
    unreadable: Collection[str] = (),
) -> Findings:
    """Everything at once. `objects` are the keys in the bucket.

    `replaced` are receipts whose image was replaced on purpose after it had been sent, or taken away: what was read
    may be either image, and the object may be gone. `unreadable` were made so that nobody can read them: they must be
    there, in whatever final state.
    """
    receipts = [entry for entry in entries if entry.kind == "receipt"]
    there = [entry for entry in receipts if entry.receipt in rows]
    known = {call.id for call in calls if call.state in ("billed", "in_doubt", "sent")}
    wanted = {entry.receipt: FINAL if entry.receipt in {*unreadable, *replaced} else READ for entry in there}
    return Findings(
        promised=len(receipts),
        corrections=sum(entry.kind == "correction" for entry in entries),
        billed=len(bill),
        lost=lost(receipts, rows),
        unread=[
            f"{entry.receipt} ({rows[entry.receipt].state}: {rows[entry.receipt].reason})"
            for entry in there
            if rows[entry.receipt].state not in wanted[entry.receipt]
        ],
        strange=[
            entry.receipt
            for entry in there
            if entry.sha256
            and rows[entry.receipt].sha256 not in ("", entry.sha256)
            and entry.receipt not in {*replaced, *unreadable}
        ],
        objectless=[entry.receipt for entry in there if entry.key not in objects and entry.receipt not in replaced],
        uncorrected=uncorrected(entries, rows, doubtful=doubtful),
        billed_twice=billed_twice(bill, superseded={call.id for call in calls if call.superseded}),
        unwritten=[billed.call for billed in bill if billed.call not in known],
    )
