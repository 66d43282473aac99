"""What belongs to no single resource: logs, transfer to the internet, key requests, OpenAI."""

from __future__ import annotations

from collections.abc import Iterator

from plan.cost.lines import Costing, Line
from plan.cost.network import KIB_PER_GIB
from plan.cost.prices import Price
from preflight.assembly import Resource
from preflight.values import entries

_FREE_OUT_GB = 100
_FREE_KEY_REQUESTS = 20_000
_FREE_LOGS_GB = 5
_KEY_REQUESTS = 4
"""KMS requests of one receipt: bucket keys save the rest."""

_COMPRESSED = 0.2
"""Logs are billed compressed; how much smaller they are then is not published, so one fifth to all is the range."""

_BUDGET = "OPENAI_DAILY_BUDGET_USD"
_DAYS = 365 / 12


def shared_lines(costing: Costing) -> Iterator[Line]:
    """Lines about the environment as a whole. Raises UnpricedError where a price of its region is missing."""
    for region in sorted({one.stack.region or "us-east-1" for one in costing.assembly.of_type("AWS::ECS::Service")}):
        yield from _logs(costing, region)
        yield from _transfer(costing, region)
        if costing.assembly.of_type("AWS::KMS::Key"):
            requests = costing.usage.receipts_per_month * _KEY_REQUESTS
            yield _line(
                costing, region, "KMS", "requests", "kms.requests", max(0.0, requests - _FREE_KEY_REQUESTS),
                assumption=f"{_KEY_REQUESTS} a receipt, {_FREE_KEY_REQUESTS} are free",
            )  # fmt: skip
    yield from _openai(costing)


def _logs(costing: Costing, region: str) -> Iterator[Line]:
    gib = float(costing.usage.log_gib_per_month)
    yield _line(
        costing, region, "CloudWatch", "logs written", "cloudwatch.logs.ingest", max(0.0, gib - _FREE_LOGS_GB),
        assumption="usage.log_gib_per_month, 5 GB are free",
    )  # fmt: skip
    groups = costing.assembly.of_type("AWS::Logs::LogGroup")
    kept = [days for group in groups if isinstance(days := group.get("RetentionInDays").value, int)]
    months = max(kept, default=365) / _DAYS
    yield _line(
        costing, region, "CloudWatch", "logs kept", "cloudwatch.logs.storage", gib * months * _COMPRESSED,
        most=gib * months, assumption=f"{months:.0f} months, compressed to between a fifth and all of it",
    )  # fmt: skip


def _transfer(costing: Costing, region: str) -> Iterator[Line]:
    usage = costing.usage
    cdn = bool(costing.assembly.of_type("AWS::CloudFront::Distribution"))
    direct = 1 - usage.cdn_percent / 100 if cdn else 1.0
    gib = usage.requests_per_month * direct * usage.response_kib / KIB_PER_GIB
    gib += usage.receipts_per_month * usage.receipt_kib / KIB_PER_GIB  # people look at each image once
    yield _line(
        costing, region, "Data transfer", "to the internet", "data_transfer.internet_out.first_10tb",
        max(0.0, gib - _FREE_OUT_GB), most=max(0.0, gib + usage.nat_gib_per_month - _FREE_OUT_GB),
        assumption="responses outside of the CDN and each image once; at most all that passes the NAT gateways, too; "
        "100 GB are free",
    )  # fmt: skip


def _openai(costing: Costing) -> Iterator[Line]:
    budgets = {
        float(value): task
        for task in costing.assembly.of_type("AWS::ECS::TaskDefinition")
        for container in entries(task.get("ContainerDefinitions"))
        for variable in entries(container.get("Environment"))
        if variable.get("Name").value == _BUDGET
        and isinstance(value := variable.get("Value").value, str)
        and value.replace(".", "", 1).isdigit()
        and _uses_openai(task)
    }
    if budgets:
        daily = max(budgets)
        price = Price(
            key="openai.budget",
            region="any",
            usd=daily,
            per=1,
            unit="days",
            source=f"{_BUDGET} of the task definitions (budgets.openai_daily_usd)",
            date="with this commit",
            confidence="high",
        )
        yield Line(
            service="OpenAI",
            path="the whole environment",
            item="daily budget, at most",
            price=price,
            least=0.0,
            most=_DAYS,
            assumption="the application stops at the budget of a day; nothing is spent without receipts",
        )


def _uses_openai(task: Resource) -> bool:
    return any(
        variable.get("Name").value == "EXTRACTION_ENGINE" and variable.get("Value").value == "openai"
        for container in entries(task.get("ContainerDefinitions"))
        for variable in entries(container.get("Environment"))
    )


def _line(
    costing: Costing, region: str, service: str, item: str, key: str, quantity: float, *,
    assumption: str, most: float | None = None,
) -> Line:  # fmt: skip
    return Line(
        service=service,
        path="the whole environment",
        item=item,
        price=costing.prices.price(key, region),
        least=quantity,
        most=quantity if most is None else most,
        assumption=assumption,
    )
