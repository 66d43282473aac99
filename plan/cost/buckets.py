"""S3: receipts by age and storage class as the lifecycle moves them, access logs, replication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plan.cost.lines import Costing, Line, priced
from plan.cost.network import KIB_PER_GIB
from plan.cost.prices import UnpricedError
from preflight.assembly import Resource, references_in
from preflight.values import entries

_PUTS, _GETS = 2, 5
"""Requests to S3 for one receipt: the upload and its smaller copy; reading it, and people looking at it."""

_LOG_KIB = 0.5
"""An entry of an access log."""

_DAYS = 365 / 12
_PRICES = {
    "STANDARD": "s3.standard.first_50tb",
    "STANDARD_IA": "s3.standard_ia",
    "GLACIER_IR": "s3.glacier_ir",
    "GLACIER": "s3.glacier_flexible",
}
_MOVES = {"STANDARD_IA": "s3.lifecycle_to.standard_ia", "GLACIER_IR": "s3.lifecycle_to.glacier_ir"}


@priced("AWS::S3::Bucket")
def _bucket(resource: Resource, costing: Costing) -> Iterator[Line]:
    steps = _steps(resource)
    if len(steps) == 1:
        yield from _logs(resource, costing)
        return
    usage = costing.usage
    for storage_class, gib in receipts_gib(resource, costing).items():
        if storage_class not in _PRICES:
            raise UnpricedError(f"no price for the storage class {storage_class}")
        yield costing.line(
            resource,
            "S3",
            f"receipts in {storage_class}",
            _PRICES[storage_class],
            gib,
            assumption="usage.receipts_per_month of usage.receipt_kib, for usage.receipts_kept_months, by age",
        )
    for _, storage_class in steps[1:]:
        if storage_class in _MOVES:
            yield costing.line(
                resource, "S3", f"moves to {storage_class}", _MOVES[storage_class], usage.receipts_per_month
            )
    if _is_replica(resource, costing):
        yield costing.line(resource, "S3", "copies received", "s3.req.standard.put", usage.receipts_per_month)
        return
    said = f"{_PUTS} writes and {_GETS} reads a receipt"
    yield costing.line(resource, "S3", "PUT", "s3.req.standard.put", usage.receipts_per_month * _PUTS, assumption=said)
    yield costing.line(resource, "S3", "GET", "s3.req.standard.get", usage.receipts_per_month * _GETS, assumption=said)
    if not resource.get("ReplicationConfiguration").absent:
        yield from _replication(resource, costing)


def _replication(resource: Resource, costing: Costing) -> Iterator[Line]:
    gib = costing.usage.receipts_per_month * costing.usage.receipt_kib / KIB_PER_GIB
    yield costing.line(resource, "Data transfer", "copies of receipts", "data_transfer.inter_region", gib)
    rules = entries(resource.get("ReplicationConfiguration", "Rules"))
    if any(rule.get("Destination", "ReplicationTime", "Status").value == "Enabled" for rule in rules):
        yield costing.line(resource, "S3", "replication within 15 minutes", "s3.replication.rtc", gib)


def receipts_gib(resource: Resource, costing: Costing) -> dict[str, float]:
    """GiB by storage class of a bucket that has been filled for `receipts_kept_months`."""
    usage, steps = costing.usage, _steps(resource)
    monthly = usage.receipts_per_month * usage.receipt_kib / KIB_PER_GIB
    expiry = _expiry(resource)
    found: dict[str, float] = dict.fromkeys((name for _, name in steps), 0.0)
    for month in range(usage.receipts_kept_months):
        age = (month + 0.5) * _DAYS
        if age <= expiry:
            found[max(step for step in steps if step[0] <= age)[1]] += monthly
    return found


def _steps(resource: Resource) -> list[tuple[float, str]]:
    """From which age in days an object lies in which storage class."""
    steps = [(0.0, "STANDARD")]
    for rule in entries(resource.get("LifecycleConfiguration", "Rules")):
        for step in entries(rule.get("Transitions")):
            days, storage_class = step.get("TransitionInDays").value, step.get("StorageClass").value
            if isinstance(days, int) and isinstance(storage_class, str):
                steps.append((float(days), storage_class))
    return sorted(steps)


def _expiry(resource: Resource) -> float:
    days: list[Any] = [
        rule.get("ExpirationInDays").value for rule in entries(resource.get("LifecycleConfiguration", "Rules"))
    ]
    return min((float(one) for one in days if isinstance(one, int)), default=float("inf"))


def _is_replica(resource: Resource, costing: Costing) -> bool:
    return any(
        resource in references_in(other.get("ReplicationConfiguration").value)
        for other in costing.assembly.of_type("AWS::S3::Bucket")
    )


def _logs(resource: Resource, costing: Costing) -> Iterator[Line]:
    months = min(_expiry(resource), 365.0) / _DAYS
    gib = costing.usage.requests_per_month * _LOG_KIB / KIB_PER_GIB * months
    yield costing.line(
        resource,
        "S3",
        "access logs",
        "s3.standard.first_50tb",
        gib,
        assumption=f"{_LOG_KIB} KiB a request, kept {months:.0f} months",
    )
