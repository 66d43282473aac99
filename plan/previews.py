"""What a preview costs a day, from its template as it is deployed."""

from __future__ import annotations

from typing import Any

from infra.config.models import Usage
from plan.cost.bill import Bill, bill
from plan.cost.prices import PriceBook, price_book
from plan.resources import prefix_of
from preflight.assembly import Assembly, Stack

DAYS = 365 / 12
"""Of a month."""


def cost(*, name: str, template: dict[str, Any], region: str, usage: Usage, prices: PriceBook | None = None) -> Bill:
    """The bill of a month of one stack. What people cause is that of the environment, and in its own bill."""
    assembly = Assembly()
    assembly.stacks.append(Stack(name, template, assembly, file=f"the deployed stack {name}", region=region))
    return bill(assembly, prices or price_book(), usage, prefix_of([assembly]), shared=False)


def daily_usd(made: Bill) -> float | None:
    """USD a day at the most; None where something in it has no price, as a sum without it would be too low."""
    return None if made.unpriced else made.total.most / DAYS
