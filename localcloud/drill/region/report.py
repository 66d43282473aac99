"""The loss of a region as tables, and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from localcloud.drill.region.record import Record
from localcloud.drill.report.table import Row, Table


def tables(record: Record) -> list[Table]:
    """Promises beside what was measured, what else must hold, and the steps."""
    return [
        Table(
            title=f"{record.first} was lost at {_clock(record.loss)}; {record.second} serves",
            columns=("figure", "promised", "measured"),
            rows=tuple(_figures(record)),
        ),
        Table(title="What came of it", columns=("check", "found"), rows=tuple(_checks(record))),
        Table(
            title=f"Steps; the machine's load average was {record.clock.machine:.0f} at most",
            columns=("step", "took"),
            rows=tuple(Row(cells=(step, f"{seconds:.1f} s")) for step, seconds in record.clock.seconds.items()),
        ),
    ]


def _figures(record: Record) -> Iterator[Row]:
    found = record.outcome
    for what, promised, seconds in (
        ("RTO: from the loss until as many tasks run as before and a new receipt was read", found.promises.rto,
         found.whole),
        ("until the first good answer to somebody with a login", found.promises.rto,
         found.clients.answered),
        ("until the first receipt was taken", found.promises.rto, found.clients.wrote),
        ("RPO of the database: the newest seconds of writes that are gone", found.promises.database_rpo,
         found.kept.database),
        ("RPO of images", found.promises.images_rpo, found.kept.images),
    ):  # fmt: skip
        cells = (what, f"{promised:.0f} s", "never" if seconds is None else f"{seconds:.0f} s")
        yield Row(cells=cells, ok=seconds is not None and seconds <= promised)


def _checks(record: Record) -> Iterator[Row]:
    found, kept = record.outcome, record.outcome.kept
    yield Row(
        cells=(
            f"receipts acknowledged until {_clock(record.latest)}, to which the backup is said to go",
            f"{kept.covered - len(kept.lost)} of {kept.covered} are there",
        ),
        ok=kept.proves and not kept.lost,
    )
    said = kept.findings.said()
    yield Row(
        cells=(
            f"those and the {kept.afterwards} that the second region took, with corrections, images and readings",
            "; ".join(said) or "all as acknowledged",
        ),
        ok=not said,
    )
    yield Row(
        cells=(
            f"that nothing of the last {record.loss - record.latest:.0f} s is lost would be wrong, and is found out",
            f"{len(kept.gone)} of {kept.promised - kept.covered} receipts are missing",
        ),
        ok=bool(kept.gone),
    )
    yield Row(
        cells=(
            "calls to OpenAI whose record went with those seconds",
            f"{kept.unknown_bills}, pictures billed again {len(kept.billed_again)}",
        )
    )
    yield Row(
        cells=("tokens that were given before the loss", "taken" if found.logged_in else "refused"), ok=found.logged_in
    )
    failed = ", ".join(f"{count} × {what}" for what, count in found.clients.failed) or "none"
    yield Row(cells=("requests that failed until the first good answer, and afterwards",
                     f"{found.clients.refused}; {failed}"))  # fmt: skip
    yield Row(cells=("secrets whose copies became independent", str(len(record.secrets))), ok=bool(record.secrets))
    yield Row(
        cells=(
            f"{record.first} cannot serve: calls refused, its {record.killed} processes that live, what answers",
            f"{found.refused} of {found.asked}, {found.alive}, {'; '.join(found.served) or 'nothing'}",
        ),
        ok=found.lost_region_is_silent,
    )


def headline(record: Record) -> str:
    """What held, or what did not, in a sentence."""
    wrong = record.outcome.wrong()
    return f"it did not hold: {'; '.join(wrong)}" if wrong else (
        f"{record.second} served {record.outcome.whole or 0:.0f} s after the loss of {record.first}, without the last "
        f"{record.outcome.kept.database:.0f} s of writes"
    )  # fmt: skip


def as_json(record: Record) -> dict[str, Any]:
    """The content of summary.json (docs/disaster-recovery.md says what its keys mean)."""
    found, kept = record.outcome, record.outcome.kept
    return {
        "ok": not found.wrong(),
        "headline": headline(record),
        "environment": record.env,
        "started_at": record.began.isoformat(timespec="seconds"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "lost_region": record.first,
        "serving_region": record.second,
        "promised_seconds": asdict(found.promises),
        "measured_seconds": {
            "whole": found.whole,
            "first_answer": found.clients.answered,
            "first_write": found.clients.wrote,
            "database_lost": kept.database,
            "images_lost": kept.images,
        },
        "backup_goes_up_to": datetime.fromtimestamp(record.latest, UTC).isoformat(),
        "lost_at": datetime.fromtimestamp(record.loss, UTC).isoformat(),
        "promised": kept.promised,
        "covered": kept.covered,
        "covered_lost": list(kept.lost),
        "gone": len(kept.gone),
        "afterwards": kept.afterwards,
        "billed_again": len(kept.billed_again),
        "bills_without_record": kept.unknown_bills,
        "failed_afterwards": dict(found.clients.failed),
        "tokens_taken": found.logged_in,
        "lost_region_serves": list(found.served),
        "wrong": found.wrong(),
        "seconds": record.clock.seconds,
        "machine_load": record.clock.machine,
    }


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"
