"""`make drill NAME=restore`: a table is dropped and images are overwritten while clients write; all of it comes back.

The primary is restored to a second into a new instance, which must hold every receipt acknowledged before that second
and none that was asked for after it. The table comes out of it; the images come out of the bucket's versions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud import commands
from localcloud.drill.plan import Plan
from localcloud.drill.platform import Platform
from localcloud.drill.recovery import instances, prefix, table
from localcloud.drill.recovery.clock import Clock
from localcloud.drill.recovery.judge import Restored, at_moment
from localcloud.drill.recovery.uploads import Uploads
from localcloud.drill.report import files
from localcloud.drill.report.page import Look
from localcloud.drill.report.table import Row, Table, as_text
from localcloud.ledger.entries import Entry, until

_BEFORE, _MEANWHILE, _AFTER = 60.0, 12.0, 10.0
"""Seconds of load before the second that is restored to, from then until the table is dropped, and after it."""

_WRONG = 8.0
"""Seconds by which the wrong expectation is off: the check must fail for it."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """How many the table had a second before the moment, when it was dropped, in the restored instance, and in the
    primary afterwards."""

    least: int
    most: int
    restored: int
    afterwards: int

    @property
    def ok(self) -> bool:
        return 0 < self.least <= self.restored <= self.most and self.afterwards == self.restored


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`wrong` is the same check with a moment that is not the one restored to; `rows` of the table; `damaged` images
    after the roll-back of `images` that were overwritten or deleted."""

    moment: float
    found: Restored
    wrong: Restored
    rows: Rows
    images: int
    damaged: Sequence[str]
    failed: int
    clock: Clock

    @property
    def ok(self) -> bool:
        return self.found.ok and bool(self.wrong.lost) and self.rows.ok and self.images > 0 and not self.damaged

    @property
    def headline(self) -> str:
        return f"restored to {_clock(self.moment)}: {self.found.said()}"


def run(plan: Plan) -> int:
    """0 when everything came back. Raises LocalCloudError when there could be no drill."""
    env = commands.up_if_down(env=plan.env)
    platform, name = Platform.find(env), f"spendsmart-{env}-restored"
    began = datetime.now(UTC)
    instances.delete(platform, name)
    try:
        outcome = _drill(plan, platform, name)
    finally:
        instances.delete(platform, name)
    tables = [_steps(outcome), _checks(outcome)]
    page = files.write(
        plan.output / "restore",
        title=f"A restore of {env} to a second",
        tables=tables,
        summary=as_json(outcome, env=env, began=began),
        look=Look(guide="docs/disaster-recovery.md"),
    )
    print("\n\n".join(["", *(as_text(each) for each in tables), outcome.headline, f"the report: {page}"]))
    return 0 if outcome.ok else 1


def _drill(plan: Plan, platform: Platform, name: str) -> Outcome:
    clock, ledger = Clock(), plan.output / "restore" / "ledger.jsonl"
    ledger.unlink(missing_ok=True)
    with clock.step("a snapshot of the primary"):
        instances.snapshot(platform)
    with Uploads(url=commands.web_url(), ledger=ledger, rate=plan.rate) as uploads:
        with clock.step("clients upload receipts"):
            time.sleep(_BEFORE)
        least = table.rows(platform, platform.writer)
        time.sleep(1.0)
        moment = float(math.floor(time.time()))
        time.sleep(_MEANWHILE)
        most = table.rows(platform, platform.writer)
        with clock.step(f"somebody drops {table.TABLE}; clients go on"):
            table.drop(platform)
            time.sleep(_AFTER)
    promises = uploads.promises()
    with clock.step("the log of that second is in the archive"):
        instances.wait_until_restorable(platform, moment)
    with clock.step("restore to the second, into a new instance"):
        instances.restore(platform, name=name, moment=moment)
    rows = instances.receipts(platform, name)
    restored = table.rows(platform, name)
    with clock.step("bring the table back into the primary"):
        table.bring_back(platform, source=name)
    images, damaged = _images(platform, promises, clock)
    return Outcome(
        moment=moment,
        found=at_moment(promises, rows, moment),
        wrong=at_moment(promises, rows, moment + _WRONG),
        rows=Rows(least=least, most=most, restored=restored, afterwards=table.rows(platform, platform.writer)),
        images=images,
        damaged=damaged,
        failed=uploads.failed,
        clock=clock,
    )


def _images(platform: Platform, promises: Sequence[Entry], clock: Clock) -> tuple[int, list[str]]:
    """Corrupt the images of one user, and roll the user's prefix back."""
    mine = [each for each in promises if each.user == promises[0].user]
    moment = time.time()
    time.sleep(1.5)  # the bucket's times are whole seconds
    count = prefix.damage(platform, until(mine, moment))
    with clock.step("roll a prefix of the bucket back"):
        prefix.roll_back(prefix=mine[0].key.rsplit("/", 1)[0] + "/", moment=moment)
    return count, prefix.damaged(platform.client("s3"), prefix.bucket(), mine)


def _steps(outcome: Outcome) -> Table:
    rows = tuple(Row(cells=(step, f"{seconds:.1f} s")) for step, seconds in outcome.clock.seconds.items())
    title = f"Steps; the machine's load average was {outcome.clock.machine:.0f} at most"
    return Table(title=title, columns=("step", "took"), rows=rows)


def _checks(outcome: Outcome) -> Table:
    rows = (
        Row(cells=(f"the instance restored to {_clock(outcome.moment)}", outcome.found.said()), ok=outcome.found.ok),
        Row(
            cells=(f"a wrong expectation, {_WRONG:.0f} s later, is found out", f"{len(outcome.wrong.lost)} missing"),
            ok=bool(outcome.wrong.lost),
        ),
        Row(
            cells=(
                "rows of the table: a second before it, when dropped, restored, afterwards",
                "{least}, {most}, {restored}, {afterwards}".format(**asdict(outcome.rows)),
            ),
            ok=outcome.rows.ok,
        ),
        Row(
            cells=("images overwritten or deleted, and still damaged", f"{outcome.images}, {len(outcome.damaged)}"),
            ok=outcome.images > 0 and not outcome.damaged,
        ),
    )
    return Table(title="What came back", columns=("check", "found"), rows=rows)


def as_json(outcome: Outcome, *, env: str, began: datetime) -> dict[str, Any]:
    """The content of summary.json (docs/disaster-recovery.md says what its keys mean)."""
    return {
        "ok": outcome.ok,
        "headline": outcome.headline,
        "environment": env,
        "started_at": began.isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "restored_to": datetime.fromtimestamp(outcome.moment, UTC).isoformat(),
        "promised": outcome.found.promised,
        "lost": list(outcome.found.lost),
        "asked_for_afterwards": outcome.found.afterwards,
        "early": list(outcome.found.early),
        "wrong_expectation_missing": len(outcome.wrong.lost),
        "rows_of_the_table": asdict(outcome.rows),
        "images": outcome.images,
        "images_damaged": list(outcome.damaged),
        "failed_uploads": outcome.failed,
        "seconds": outcome.clock.seconds,
        "machine_load": outcome.clock.machine,
    }


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"
