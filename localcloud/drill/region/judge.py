"""What the loss of a region came to, beside what is promised. Pure functions of what was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from localcloud.drill.recovery.judge import at_moment, newest_kept
from localcloud.ledger import check, entries
from localcloud.ledger.check import Billed, Findings
from localcloud.ledger.entries import Entry
from localcloud.ledger.stored import Call, Row
from localcloud.rollout.load.answers import Answer

WITH_LOGIN = frozenset({"list", "poll", "spending"})
"""Reads that only somebody with a valid token gets."""


@dataclass(frozen=True, kw_only=True)
class Promises:
    """Of the configuration, in seconds."""

    rto: float
    database_rpo: float
    images_rpo: float


@dataclass(frozen=True, kw_only=True)
class Clients:
    """What clients saw, in seconds since the loss; None for what did not happen. `failed` are requests sent after the
    first good answer that failed, by what they were."""

    answered: float | None
    wrote: float | None
    refused: int
    failed: Sequence[tuple[str, int]]


def clients(answers: Sequence[Answer], loss: float) -> Clients:
    """Requests under way at the loss count for neither side."""
    since = [answer for answer in answers if answer.at > loss]
    answered = _first(since, WITH_LOGIN, loss)
    wrote = _first(since, {"complete"}, loss)
    after = [] if answered is None else [answer for answer in since if answer.at > loss + answered]
    bad = Counter(f"{answer.action} {answer.status or 'no answer'}" for answer in after if not answer.good)
    return Clients(
        answered=answered,
        wrote=wrote,
        refused=sum(not answer.good for answer in since) - bad.total(),
        failed=bad.most_common(4),
    )


def _first(answers: Sequence[Answer], actions: Collection[str], loss: float) -> float | None:
    good = [answer.ended for answer in answers if answer.good and answer.action in actions]
    return min(good) - loss if good else None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Receipts and corrections by what became of them.

    `promised` receipts were acknowledged before the loss, `covered` of them before the time that the backup is said to
    go up to; `lost` are those of the covered ones that are not there, `gone` all that are not. `database` and `images`
    are the seconds of writes that are gone: from the newest promise with all before it kept, to the loss. `afterwards`
    were acknowledged by the second region. `findings` are of the covered ones and of those.
    """

    promised: int
    covered: int
    lost: Sequence[str]
    gone: Sequence[str]
    database: float
    images: float
    afterwards: int
    findings: Findings
    billed_again: Sequence[str]
    unknown_bills: int

    @property
    def proves(self) -> bool:
        """Without promises before, in the minutes that are lost, and afterwards, nothing is proven."""
        return 0 < self.covered < self.promised and self.afterwards > 0


def kept(
    promises: Sequence[Entry],
    *,
    loss: float,
    latest: float,
    rows: Mapping[str, Row],
    objects: Collection[str],
    calls: Sequence[Call],
    bill: Sequence[Billed],
    doubtful: Collection[str],
) -> Kept:
    before, after = entries.until(promises, loss), entries.after(promises, loss)
    covered = entries.until(promises, latest)
    receipts = [entry for entry in before if entry.kind == "receipt"]
    # One of the minutes after the backup's end may be there or not, and hides an earlier one if it is.
    overwritten = {entry.receipt for entry in before if entry.kind == "correction" and entry.at > latest}
    found = check.reconcile(
        [*covered, *after], rows=rows, objects=objects, calls=calls, doubtful={*doubtful, *overwritten}
    )
    return Kept(
        promised=len(receipts),
        covered=sum(entry.kind == "receipt" for entry in covered),
        lost=at_moment(promises, rows, latest).lost,
        gone=at_moment(promises, rows, loss).lost,
        database=loss - newest_kept(before, rows),
        images=loss - newest_image(before, objects),
        afterwards=sum(entry.kind == "receipt" for entry in after),
        findings=found,
        billed_again=check.billed_twice(bill, superseded={call.id for call in calls if call.superseded}),
        unknown_bills=len(check.reconcile([], rows=rows, objects=objects, calls=calls, bill=bill).unwritten),
    )


def newest_image(promises: Sequence[Entry], objects: Collection[str]) -> float:
    """The Unix time up to which every image that was acknowledged is in the bucket."""
    newest = 0.0
    for entry in sorted((each for each in promises if each.kind == "receipt"), key=lambda each: each.at):
        if entry.key not in objects:
            break
        newest = entry.at
    return newest


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`whole` is when all tasks ran and the first new receipt was read, in seconds since the loss. `refused` are the
    calls that the lost region's endpoints did not answer, of those in `asked`; `alive` are its processes that still
    run; `served` says what of it still answers. `logged_in`: whether tokens of before the loss were taken."""

    promises: Promises
    clients: Clients
    kept: Kept
    whole: float | None
    asked: int
    refused: int
    alive: int
    served: Sequence[str]
    logged_in: bool

    @property
    def lost_region_is_silent(self) -> bool:
        return self.asked > 0 and self.refused == self.asked and not self.alive and not self.served

    def wrong(self) -> list[str]:
        """What did not hold, a sentence each."""
        said = []
        for what, seconds, promised in (
            ("until the second region was whole", self.whole, self.promises.rto),
            ("until the first good answer", self.clients.answered, self.promises.rto),
            ("until the first good write", self.clients.wrote, self.promises.rto),
            ("of the database's writes are gone", self.kept.database, self.promises.database_rpo),
            ("of images are gone", self.kept.images, self.promises.images_rpo),
        ):
            if seconds is None or seconds > promised:
                figure = "never" if seconds is None else f"{seconds:.0f} s"
                said.append(f"{figure} {what}, {promised:.0f} s are promised")
        if not self.kept.proves:
            said.append("there were no promises on all sides: nothing is proven")
        if not self.kept.gone:
            said.append("the wrong expectation that nothing is lost was not found out")
        if self.kept.lost:
            said.append(f"{len(self.kept.lost)} receipts of before the backup's end are lost")
        said += self.kept.findings.said()
        if not self.logged_in:
            said.append("people who were logged in are not any more")
        if not self.lost_region_is_silent:
            said.append("the lost region can still serve")
        return said
