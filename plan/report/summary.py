"""A plan as JSON; docs/plan.md names the keys."""

from __future__ import annotations

from typing import Any

from plan.changes import Change
from plan.cost.bill import Bill, Sum
from plan.outcome import Outcome
from plan.report.words import a_day
from plan.resources import shown


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything that the reports say, and what they leave out."""
    comparison = outcome.comparison
    return {
        "ok": outcome.ok,
        "environment": outcome.environment.name,
        "against": outcome.against,
        "nothing_changes": outcome.nothing,
        "refused": [
            {
                "path": one.path,
                "type": one.change.before.type if one.change.before else "",
                "fate": one.fate,
                "reasons": list(one.reasons),
                "allowed": one.allowed,
            }
            for one in outcome.judgement.refusals
        ],
        "allowances_without_use": list(outcome.judgement.unused),
        "changes": [_change(one, comparison.path(one.resource)) for one in comparison.changes],
        "new_image_or_code": [{"path": comparison.path(one), "type": one.type} for one in comparison.rehashed],
        "stacks_left_behind": [stack.name for stack in comparison.left_behind],
        "security": [
            {"direction": one.direction.value, "path": one.path, "text": one.text} for one in outcome.findings
        ],
        "cost": _cost(outcome),
        "time": _time(outcome),
        "interruptions": [
            {
                "path": one.path,
                "text": one.text,
                "least_seconds": one.least,
                "most_seconds": one.most,
                "when": one.when or "during the deploy",
                "source": one.source,
                "confidence": one.confidence,
            }
            for one in outcome.interruptions
        ],
    }


def _change(one: Change, path: str) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "path": path,
        "stack": one.resource.stack.name,
        "logical_id": one.resource.logical_id,
        "renamed_from": one.before.logical_id if one.renamed and one.before else None,
        "type": one.resource.type,
        "retained": one.retained,
        "properties": [{"name": two.name, "old": shown(two.old), "new": shown(two.new)} for two in one.differences],
        "why": list(one.why),
    }


def _cost(outcome: Outcome) -> dict[str, Any]:
    bills = outcome.bills
    return {
        "currency": "USD",
        "estimate": True,
        "monthly_before": _sum(bills.before.total),
        "monthly_after": _sum(bills.after.total),
        "monthly_difference": _sum(bills.after.total - bills.before.total),
        "daily_after": _sum(a_day(bills.after.total)),
        "budget_monthly_usd": outcome.environment.budgets.monthly_usd,
        "by_service": {
            name: {"before": _sum(bills.old(name)), "after": _sum(bills.new(name))} for name in bills.services
        },
        "by_resource": [
            {"path": path, "before": _sum(before), "after": _sum(after)} for path, before, after in bills.differences
        ],
        "lines": _lines(bills.after),
        "not_priced": [{"path": one.path, "type": one.resource_type, "why": one.why} for one in bills.after.unpriced],
        "counted_as_nothing": bills.after.by_use,
        "usage": outcome.environment.usage.model_dump(),
    }


def _lines(bill: Bill) -> list[dict[str, Any]]:
    return [
        {
            "service": line.service,
            "path": line.path,
            "item": line.item,
            "least_quantity": line.least,
            "most_quantity": line.most,
            "unit": line.price.unit,
            "usd": line.price.usd,
            "for": line.price.per,
            "factor": line.factor,
            "least_usd": round(line.least_usd, 4),
            "most_usd": round(line.most_usd, 4),
            "price": line.price.key,
            "region": line.price.region,
            "source": line.price.source,
            "date": line.price.date,
            "confidence": line.price.confidence,
            "assumption": line.assumption,
        }
        for line in bill.lines
    ]


def _time(outcome: Outcome) -> dict[str, Any]:
    plan = outcome.schedule
    return {
        "estimate": True,
        "low_seconds": round(plan.low),
        "typical_seconds": round(plan.typical),
        "high_seconds": round(plan.high),
        "steps": [
            {
                "stack": bar.step.stack,
                "step": bar.step.label,
                "start_seconds": round(bar.start),
                "end_seconds": round(bar.end),
                "critical": bar.critical,
                "source": bar.step.duration.source,
                "confidence": bar.step.duration.confidence,
            }
            for bar in plan.bars
        ],
    }


def _sum(sum_: Sum) -> dict[str, float]:
    return {"least": round(sum_.least, 2), "most": round(sum_.most, 2)}
