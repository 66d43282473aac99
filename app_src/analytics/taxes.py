"""Taxes by month and rate: from the table of taxes that a receipt has, or else from its amounts."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from analytics.counted import counted
from receipts.models import Receipt
from spendsmart.statements import Statement

# A table is believed where it adds up to the receipt's tax and holds no more than its total: a corrected receipt may
# have another tax by now than the one that was printed. What of the total is in none of its rows bore no tax.
# Without a table the rate is the one that the amounts give. Taxes of a few cents are rounded so roughly that anything
# finer than half a percent would be noise.
_TABLE = """
WITH receipt AS ({rows}),
line AS (
    SELECT id, round(rate, 1) AS rate, amount, coalesce(net, round(amount * 100 / nullif(rate, 0), 2)) AS net
    FROM receipt, jsonb_array_elements(tax_lines) AS row,
        LATERAL (SELECT {number of rate} AS rate, {number of net} AS net, {number of amount} AS amount) AS printed
),
believed AS (
    SELECT id, total, sum(net + amount) AS printed
    FROM line JOIN receipt USING (id)
    GROUP BY id, total, tax
    HAVING bool_and(num_nonnulls(rate, net, amount) = 3) AND sum(amount) = tax AND sum(net + amount) <= total
),
share AS (
    SELECT id, rate, net + amount AS total, amount AS tax, net FROM line WHERE id IN (SELECT id FROM believed)
    UNION ALL
    SELECT id, NULL, total - printed, NULL, NULL FROM believed WHERE total <> printed
    UNION ALL
    SELECT id, CASE WHEN total - tax <> coalesce(tip, 0)
                    THEN round(round(tax * 200 / (total - tax - coalesce(tip, 0))) / 2, 1) END,
           total, tax, total - tax - coalesce(tip, 0)
    FROM receipt WHERE id NOT IN (SELECT id FROM believed)
)
SELECT currency, round(sum(share.total), 2), round(sum(share.tax), 2), count(DISTINCT id),
       date_trunc('month', purchased_on)::date AS month, rate, round(sum(net), 2), grouping(rate) = 1 AS whole
FROM share JOIN receipt USING (id)
GROUP BY GROUPING SETS ((date_trunc('month', purchased_on)::date, rate, currency), (currency))
ORDER BY month, rate, currency
"""

# What is no plain number is none: text that an engine read must not break the statement.
_NUMBER = "substring(row ->> '{name}' FROM '^-?[0-9]{1,9}(?:[.][0-9]{1,9})?$')::numeric"


def _sql() -> str:
    sql = _TABLE
    for name in ("rate", "net", "amount"):
        sql = sql.replace(f"{{number of {name}}}", _NUMBER.replace("{name}", name))
    return sql


_NAMES = ("currency", "total", "tax", "receipts", "month", "rate", "net")


def taxes(*, user_id: UUID, **period: date) -> dict[str, list[dict[str, Any]]]:
    """`results`: one row for each month, rate and currency; a receipt counts in each that it has. `totals` of all.

    A rate is in percent, as it is printed or, without a table, to the half. It is null, as `net` is, for what bore no
    tax that was found.
    """
    rows = _statement(tuple(period)).rows(user_id=user_id, **period)
    totals = [dict(zip(_NAMES[:4], row[:4], strict=True)) for row in rows if row[-1]]
    results = [dict(zip(_NAMES, row[:-1], strict=True)) for row in rows if not row[-1]]
    return {"results": results, "totals": sorted(totals, key=lambda total: str(total["currency"]))}


@cache
def _statement(period: tuple[str, ...]) -> Statement:
    def rows(**parameters: Any) -> QuerySet[Receipt, Any]:
        found = counted(**parameters)
        return found.values_list("id", "currency", "purchased_on", "total", "tax", "tip", "tax_lines")

    return Statement(rows, around=_sql(), user_id=UUID, **dict.fromkeys(period, date))
