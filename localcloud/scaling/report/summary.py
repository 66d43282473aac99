"""The outcome as JSON; docs/scaling.md names the keys."""

from __future__ import annotations

import math
from typing import Any

from localcloud.scaling import checks, load, simulator
from localcloud.scaling.outcome import Outcome, Result
from localcloud.scaling.real import compare
from localcloud.scaling.real.compare import Comparison
from localcloud.scaling.traces import IDLE_CPU


def as_json(outcome: Outcome, comparison: Comparison | None = None) -> dict[str, Any]:
    """Everything that was judged, and what the model assumes."""
    real = {"real": compare.as_json(comparison)} if comparison else {}
    return {
        "ok": outcome.ok and (comparison is None or comparison.ok),
        "environment": outcome.environment,
        "policy": outcome.policy,
        "extras": list(outcome.extras),
        **real,
        "runs": [_run(result) for result in outcome.results],
        "assumptions": {
            "tick_seconds": simulator.TICK,
            "metric_delay_seconds": simulator.METRIC_DELAY,
            "idle_cpu_share": IDLE_CPU,
            "cpu_seconds_per_request": load.CPU_PER_REQUEST,
            "patience_seconds": load.PATIENCE,
            "busy_percent": checks.BUSY,
        },
    }


def _run(result: Result) -> dict[str, Any]:
    run, minutes = result.run, result.run.minutes
    return {
        "ok": result.ok,
        "service": run.service.name,
        "trace": run.trace.name,
        "about": run.trace.about,
        "seed": run.trace.seed,
        "hours": len(minutes) / 60,
        "checks": [
            {
                "name": one.name,
                "ok": one.ok,
                "number": one.number,
                "least" if one.least else "most": one.bound,
                "unit": one.unit,
                "reason": one.reason,
            }
            for one in result.checks
        ],
        "tasks": {"least": min(one.desired for one in minutes), "most": max(one.desired for one in minutes)},
        "timing_seconds": vars(run.service.timing),
        "task_hours": round(run.task_hours, 2),
        "cost_usd": round(result.cost, 4),
        "cost_of_most_usd": round(result.cost_of_most, 4),
        "task_hour_usd": round(result.price.usd_per_hour, 6),
        "price_source": result.price.source,
        "mean_cpu_percent": round(result.cpu, 1),
        "busy_minutes": result.busy_minutes,
        "worst_latency_seconds": None if math.isinf(result.worst_latency) else round(result.worst_latency, 3),
        "activities": [
            {"minute": round(one.at / 60, 2), "before": one.before, "after": one.after, "by": one.cause}
            for one in run.activities
        ],
    }
