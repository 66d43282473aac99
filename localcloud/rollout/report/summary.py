"""Figures of rehearsals, and `summary.json` (docs/rollout.md says what its keys mean)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.rollout.judge import Check, affected, back_at, failure
from localcloud.rollout.load.answers import percentile
from localcloud.rollout.record import Record


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A rehearsal and what was found about it."""

    record: Record
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.holds for check in self.checks)


def as_json(rehearsals: Sequence[Judged], *, env: str, rate: float) -> dict[str, Any]:
    """The content of summary.json."""
    return {
        "ok": bool(rehearsals) and all(one.ok for one in rehearsals),
        "environment": env,
        "actions_per_second": rate,
        "rehearsals": [_one(one) for one in rehearsals],
    }


def _one(judged: Judged) -> dict[str, Any]:
    record = judged.record
    hit = affected(record)
    back = back_at(record)
    alarm = record.alarm_at
    return {
        "ok": judged.ok,
        "scenario": record.scenario,
        "strategy": record.strategy,
        "expects": record.expects,
        "old_release": record.old_release,
        "new_release": record.new_release,
        "reason": failure(record),
        "seconds": round(record.ended - record.began, 1),
        "requests": len(record.answers),
        "failed": sum(not answer.good for answer in record.answers),
        "met_new_version": len(hit),
        "receipts_acknowledged": record.promised,
        "receipts_by_state": record.states,
        "receipts_lost": list(record.lost),
        "seconds_from_alarm_to_back": round(max(0.0, back - alarm), 1) if back is not None and alarm else None,
        "latency_seconds": {
            name: _latency(record, release)
            for name, release in (("old", record.old_release), ("new", record.new_release))
        },
        "checks": [{"name": check.name, "holds": check.holds, "said": check.said} for check in judged.checks],
        "events": [{"second": round(event.at - record.began, 1), "text": event.text} for event in record.events],
    }


def _latency(record: Record, release: str) -> dict[str, float | None]:
    times = [answer.seconds for answer in record.answers if answer.release == release]
    return {name: _rounded(percentile(times, share)) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
