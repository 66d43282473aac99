"""No endpoint that reads makes PostgreSQL go through a whole large table: every GET of the schema, on 200,000 receipts.

An endpoint that is added is walked, too: what identifies an object is taken from the list above it, and what a
parameter may be from the schema or from EXAMPLES.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import many_receipts
import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator

from accounts.models import SUPPORT
from analytics import figures
from analytics.models import Budget, BudgetAlert
from analytics.months import today
from receipts.models import BulkUpload, Duplicate, Receipt, RememberedCorrection

LARGE = 10_000
"""Rows from which a table is large. Those of ours that have fewer here may have more elsewhere."""

OURS = ("accounts_", "receipts_", "analytics_")
EXAMPLES: dict[str, Any] = {
    "merchant": "hop 69",
    "category": "groceries",
    "currency": "EUR",
    "since": "2026-01-01",
    "until": "2026-06-30",
    "reason": "Somebody asked for help.",
}
"""By parameter, for those whose schema does not say what would find anything."""

ANSWERS = {200, 302, 403, 404, 409}
"""Support's endpoints refuse who is not staff, and there is no image in the bucket. A 400 would be no test at all."""

pytestmark = [pytest.mark.django_db(databases=["default", "reader"]), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """The user with the most receipts, and one of those with few; everything is gone afterwards."""
    from django.core.management import call_command

    with django_db_blocker.unblock():
        try:
            users = dict(zip(("heavy", "light"), many_receipts.load(), strict=True))
            for user in users.values():
                small_tables(user)
            users["heavy"].groups.add(Group.objects.get_or_create(name=SUPPORT)[0])
            believe_in_more_rows()
            yield users
        finally:
            call_command("flush", interactive=False, verbosity=0)
            connections.close_all()


def small_tables(user: Any) -> None:
    """One of everything that an address may name."""
    budget = Budget.objects.create(user=user, category="groceries", currency="EUR", monthly_amount=1)
    BudgetAlert.objects.create(user=user, budget=budget, month=today(), level=80, spent=1, monthly_amount=1)
    RememberedCorrection.objects.create(user=user, printed="shop 1", merchant="Shop 1")
    bulk = BulkUpload.objects.create(user=user)
    first, second, *others = Receipt.objects.filter(user=user).order_by("-created_at")[:10]
    Receipt.objects.filter(id__in=[receipt.id for receipt in others]).update(bulk_upload=bulk)
    Receipt.objects.filter(id=second.id).update(duplicate_of=first, duplicate=Duplicate.SUSPECTED)


def believe_in_more_rows() -> None:
    """For one row, any index costs the same as the right one; the planner shall take our small tables for larger."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "UPDATE pg_class SET relpages = 1, reltuples = 1000"
            " WHERE relkind = 'r' AND reltuples < 1000 AND relname ^@ ANY(%s)",
            [list(OURS)],
        )


def operations() -> list[tuple[str, dict[str, Any]]]:
    """Path and description of every GET, lists before what hangs on them."""
    schema = SchemaGenerator().get_schema(public=True)
    found = [(path, methods["get"]) for path, methods in schema["paths"].items() if "get" in methods]
    return sorted(found, key=lambda one: one[0].count("{"))


def requests(api: Any, user: Any, path: str, operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The address with the parameters that it needs, with each other one alone, and with all together.

    None for an address below a list that this user may not see.
    """
    given = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
    examples = {parameter["name"]: example(parameter) for parameter in given if parameter["name"] != "cursor"}
    needed = {parameter["name"]: examples[parameter["name"]] for parameter in given if parameter.get("required")}
    address = path
    while named := re.search(r"\{(\w+)\}", address):
        before = address[: named.start()]
        value = user.pk if named[1] == "user_id" else first_in(api, before, needed)
        if value is None:
            return []
        address = f"{before}{value}{address[named.end() :]}"
    combinations = [needed, *(needed | {name: value} for name, value in examples.items()), examples]
    if any(parameter["name"] == "cursor" for parameter in given):
        combinations += [needed | {"cursor": cursor} for cursor in [cursor_of(api, address, needed)] if cursor]
    return [(address, parameters) for parameters in combinations]


def first_in(api: Any, listing: str, needed: dict[str, Any]) -> str | None:
    answer = api.get(listing, needed)
    if answer.status_code == 403:
        return None
    found = answer.json()["results"] if answer.status_code == 200 else None
    assert found, f"nothing under {listing} to walk on from: make some in `small_tables`"
    return str(found[0]["id"])


def cursor_of(api: Any, listing: str, needed: dict[str, Any]) -> str | None:
    following = api.get(listing, needed | {"page_size": 1}).json().get("next")
    return re.search(r"cursor=([^&]+)", following)[1] if following else None


def example(parameter: dict[str, Any]) -> Any:
    schema = parameter["schema"]
    schema = schema.get("items", schema)
    if parameter["name"] in EXAMPLES:
        return EXAMPLES[parameter["name"]]
    if "enum" in schema:
        return schema["enum"][0]
    by_type = {"integer": 20, "number": "10.00", "boolean": "true"}
    by_format = {"date": today().isoformat(), "uuid": "00000000-0000-4000-8000-000000000000",
                 "date-time": "2026-01-01T00:00:00Z", "decimal": "10.00"}  # fmt: skip
    return by_format.get(schema.get("format")) or by_type.get(schema.get("type")) or "Milk"


def statements(api: Any, address: str, parameters: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Every SELECT that answering took, with the database that it went to."""
    with ExitStack() as stack:
        captured = {alias: stack.enter_context(CaptureQueriesContext(connections[alias])) for alias in connections}
        answer = api.get(address, parameters)
        assert answer.status_code in ANSWERS, (address, parameters, answer.content[:300])
        if answer.streaming:
            list(answer.streaming_content)
    found = [(alias, query["sql"]) for alias, queries in captured.items() for query in queries]
    return [(alias, sql) for alias, sql in found if re.match(r"\s*(SELECT|WITH)\b", sql, re.IGNORECASE)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plan_of(alias: str, sql: str, *, without_sequential: bool = False) -> list[dict[str, Any]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SET enable_seqscan = {'off' if without_sequential else 'on'}")
        try:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql.replace('%', '%%')}", [])
            (plan,) = cursor.fetchone()
        finally:
            cursor.execute("RESET enable_seqscan")
    return list(nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))


def whole_tables(alias: str, sql: str, large: set[str]) -> set[str]:
    """Large tables that the plan goes through, and smaller ones of ours for which no index is of any use."""
    chosen = {node["Relation Name"] for node in plan_of(alias, sql) if goes_through(node)}
    forced = {node["Relation Name"] for node in plan_of(alias, sql, without_sequential=True) if goes_through(node)}
    return (chosen & large) | {table for table in forced if table.startswith(OURS)}


def goes_through(node: dict[str, Any]) -> bool:
    if node["Node Type"] in {"Index Scan", "Index Only Scan"}:
        return "Index Cond" not in node
    return node["Node Type"] in {"Seq Scan", "Sample Scan"}


def large_tables() -> set[str]:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND reltuples >= %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def test_the_tables_are_large(people: Any) -> None:
    assert {"receipts_receipt", "receipts_lineitem", "receipts_searchdocument"} <= large_tables()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM receipts_receipt WHERE merchant ILIKE '%hop 69%'",
        "SELECT * FROM receipts_receipt ORDER BY id LIMIT 5",
        "SELECT sum(price) FROM receipts_lineitem WHERE description = 'Item 1'",
        "SELECT * FROM receipts_rememberedcorrection WHERE merchant = 'x'",
    ],
)
def test_what_goes_through_a_whole_table_is_seen(people: Any, sql: str) -> None:
    assert whole_tables("default", sql, large_tables())


@pytest.mark.parametrize("who", ["heavy", "light"])
def test_no_endpoint_that_reads_goes_through_a_whole_table(
    people: dict[str, Any], api_of: Any, bucket: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MAX_BYTES", -1)  # nothing is kept: each answer takes its statements
    api = api_of(people[who])
    large = large_tables()
    faults, walked, explained = [], set(), set()
    for path, operation in operations():
        for address, parameters in requests(api, people[who], path, operation):
            for alias, sql in statements(api, address, parameters):
                explained.add(sql)
                faults += [f"{address} {parameters}: {table}: {sql}" for table in whole_tables(alias, sql, large)]
        walked.add(path)
    assert not faults, "\n".join(faults)
    assert {"/api/v1/receipts/", "/api/v1/receipts/{id}/", "/api/v1/analytics/tax/"} <= walked
    assert len(explained) > 40


@pytest.mark.parametrize("who", ["heavy", "light"])
def test_no_page_goes_through_a_whole_table(
    people: dict[str, Any], bucket: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MAX_BYTES", -1)
    browser = Client()
    browser.force_login(people[who])
    newest, twin = Receipt.objects.filter(user=people[who]).order_by("-created_at")[:2]
    # Searching is the API's own, and walked above.
    lists = ["", "?show=review", "?show=busy", "?show=failed", "?category=groceries", "?since=2026-01-01"]
    pages = [*(f"/inbox/{query}" for query in lists), f"/inbox/{newest.id}/", f"/inbox/{twin.id}/"]
    pages += [f"/inbox/progress/?id={newest.id}", "/inbox/export.csv?category=groceries", "/upload/"]
    pages += ["/spending/", "/spending/?since=&until=", "/settings/", "/settings/leave/"]
    large = large_tables()
    found = {page: statements(browser, page, None) for page in pages}
    faults = [
        f"{page}: {table}: {sql}"
        for page, selects in found.items()
        for alias, sql in selects
        for table in whole_tables(alias, sql, large)
    ]
    assert not faults, "\n".join(faults)
    assert all(found.values())
