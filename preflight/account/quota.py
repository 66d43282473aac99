"""Service quotas as they apply to the account, and the comparison with what the stacks add."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account, UnansweredError


@dataclass(frozen=True)
class Quota:
    name: str
    value: float
    metric: dict[str, Any]
    """The usage metric that belongs to the quota; empty when there is none."""
    adjustable: bool = True


def quota(account: Account, region: str, service: str, code: str) -> Quota:
    """The quota that applies to the account; AWS's default where none was ever set for it."""
    found = None
    for operation in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
        found = account.ask(
            "service-quotas",
            operation,
            region=region,
            absent=("NoSuchResourceException",),
            ServiceCode=service,
            QuotaCode=code,
        )
        if found is not None:
            break
    described = (found or {}).get("Quota", {})
    if "Value" not in described:
        raise UnansweredError(f"Service Quotas knows no quota {service}/{code} in {region}")
    return Quota(
        name=str(described.get("QuotaName", code)),
        value=float(described["Value"]),
        metric=dict(described.get("UsageMetric", {})),
        adjustable=bool(described.get("Adjustable", True)),
    )


def used(account: Account, region: str, quota: Quota) -> float | None:
    """The highest use in the last hour, by the quota's own metric. None when it has none or says nothing."""
    if "MetricName" not in quota.metric:
        return None
    # Whole hours, so that several checks ask the same question and AWS is asked it once.
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    found = account.every(
        "cloudwatch",
        "GetMetricStatistics",
        "Datapoints",
        region=region,
        Namespace=quota.metric.get("MetricNamespace", "AWS/Usage"),
        MetricName=quota.metric["MetricName"],
        Dimensions=[{"Name": k, "Value": v} for k, v in sorted(quota.metric.get("MetricDimensions", {}).items())],
        StartTime=end - timedelta(hours=2),
        EndTime=end,
        Period=300,
        Statistics=["Maximum"],
    )
    return max((float(point.get("Maximum", 0)) for point in found), default=None)


def compare(
    subject: str, *, needed: float, in_use: float, limit: float, unit: str, remedy: str, note: str = ""
) -> Answer:
    """Whether what the stacks add fits under the limit beside what is in use."""
    figures = f"{needed:g} {unit} needed, {limit - in_use:g} available ({in_use:g} of {limit:g} in use)"
    detail = f"{figures}; {note}" if note else figures
    if needed > limit - in_use:
        return failed(subject, detail, remedy=remedy)
    return passed(subject, detail)


def increase(region: str, service: str, code: str, value: float) -> str:
    """The command that asks for a higher quota."""
    return (
        f"aws service-quotas request-service-quota-increase --region {region} "
        f"--service-code {service} --quota-code {code} --desired-value {value:g}"
    )
