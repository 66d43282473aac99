"""Everybody sees their own and nothing else: every operation of the API, walked by the OpenAPI document.

A new operation fails here until it is said how its objects are made (`MAKE`), or why it has none (`NO_OBJECTS`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient
from support import png, read_receipt, receipt

from accounts import tokens
from accounts.models import SUPPORT, AuditEntry, TokenFamily
from analytics.models import Budget, BudgetAlert
from receipts.models import BulkUpload, Receipt, RememberedCorrection
from receipts.states import State

MARK = "mark-of-the-owner"
"""A text in everything that the owner has: where it shows, the owner's data shows."""

pytestmark = pytest.mark.usefixtures("bucket")


def _receipt(owner: Any) -> Receipt:
    fields = {"merchant": MARK, "category": MARK, "address": MARK, "text": MARK}
    made = read_receipt(owner, body=png(), **fields)
    made.items.create(position=0, description=MARK, price="10.00")
    return made


def _session(owner: Any) -> TokenFamily:
    tokens.begin(owner, user_agent=MARK)
    return TokenFamily.objects.filter(user=owner).latest("created_at")


def _access(owner: Any) -> AuditEntry:
    return AuditEntry.objects.create(
        actor_id=uuid4(), actor_email="agent@example.com", subject_id=owner.pk, action="x", target="x", reason=MARK
    )


def _to_review(owner: Any) -> Receipt:
    return receipt(owner, state=State.NEEDS_REVIEW, merchant=MARK, total="10.00", body=png())


def _bulk_upload(owner: Any) -> BulkUpload:
    return BulkUpload.objects.create(user=owner, name=MARK)


def _remembered(owner: Any) -> RememberedCorrection:
    return RememberedCorrection.objects.create(user=owner, printed=MARK, merchant=MARK, category=MARK)


def _budget(owner: Any) -> Budget:
    return Budget.objects.create(user=owner, category=MARK, currency="EUR", monthly_amount="10.00")


def _alert(owner: Any) -> BudgetAlert:
    return BudgetAlert.objects.create(
        user=owner, budget=_budget(owner), month="2026-03-01", level=80, spent="10.00", monthly_amount="10.00"
    )


def _recurring(owner: Any) -> Receipt:
    today = timezone.now().date()
    *_, last = (read_receipt(owner, merchant=MARK, purchased_on=today - timedelta(days=30 * n)) for n in range(6))
    return last


def _this_month(owner: Any) -> Receipt:
    return read_receipt(owner, merchant=MARK, category=MARK, purchased_on=timezone.now().date())


MAKE: dict[str, Callable[[Any], Model]] = {
    "/api/v1/receipts/review/": _to_review,
    "/api/v1/receipts/": _receipt,
    "/api/v1/bulk-uploads/": _bulk_upload,
    "/api/v1/remembered/": _remembered,
    "/api/v1/analytics/alerts/": _alert,
    "/api/v1/analytics/budgets/": _budget,
    "/api/v1/analytics/recurring/": _recurring,
    "/api/v1/analytics/comparison/": _this_month,
    "/api/v1/analytics/": _receipt,
    "/api/v1/auth/sessions/": _session,
    "/api/v1/auth/accesses/": _access,
}
"""By the start of its path, the first that fits: how an operation's object is made for an owner, whose `id` goes into
the path."""

QUERY = {"/api/v1/receipts/search/": {"q": MARK}}
"""What a list has to be asked with, to show anything."""

NO_OBJECTS = {
    "POST /api/v1/auth/register/": "makes an account",
    "POST /api/v1/auth/login/": "whose it is, is what it finds out",
    "POST /api/v1/auth/refresh/": "the token is the only object",
    "POST /api/v1/auth/logout/": "the token is the only object",
    "POST /api/v1/auth/logout-everywhere/": "one's own sessions: test_accounts_sessions.py",
    "POST /api/v1/auth/password/": "one's own password: test_accounts_sessions.py",
    "GET /api/v1/auth/me/": "the one who asks",
}

FOR_STAFF = "/api/v1/support/"

NOT_API = ("api/schema/", "api/docs/", "admin/")


@dataclass(frozen=True, kw_only=True)
class Operation:
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def maker(self) -> Callable[[Any], Model] | None:
        return next((make for start, make in MAKE.items() if self.path.startswith(start)), None)

    @property
    def of_one(self) -> bool:
        return "{" in self.path

    def ask(self, client: APIClient, **ids: object) -> Any:
        body = QUERY.get(self.path, {}) if self.method == "get" else {}
        return getattr(client, self.method)(self.path.format(**ids), body, format="json")


def operations() -> Iterator[Operation]:
    document = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in document["paths"].items():
        for method in methods:
            if method in {"get", "post", "put", "patch", "delete"}:
                yield Operation(method=method, path=path)


ALL = list(operations())
OWNED = [each for each in ALL if each.maker]
OF_ONE = [each for each in OWNED if each.of_one]
OF_MANY = [each for each in OWNED if not each.of_one and each.method == "get"]
OF_STAFF = [each for each in ALL if each.path.startswith(FOR_STAFF)]


@pytest.fixture
def stranger(make_user):
    return make_user("stranger@example.com")


def test_every_operation_is_looked_at_here() -> None:
    unknown = [
        each.name
        for each in ALL
        if not each.maker and each.name not in NO_OBJECTS and not each.path.startswith(FOR_STAFF)
    ]
    assert unknown == [], "say in MAKE or NO_OBJECTS whose objects these show"
    assert NO_OBJECTS.keys() <= {each.name for each in ALL}
    assert len(OF_ONE) >= 5
    assert len(OF_MANY) >= 6


def _paths(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here


def test_every_address_below_api_is_in_the_document() -> None:
    """Or the walk by the document would pass one by."""
    documented = {re.sub(r"{\w+}", "{}", each.path) for each in ALL}
    for path in _paths(get_resolver().url_patterns):
        if path.startswith("api/") and not path.startswith(NOT_API):
            assert re.sub(r"<[^>]+>", "{}", f"/{path}") in documented, path


@pytest.mark.parametrize("operation", OF_ONE, ids=lambda each: each.name)
def test_anothers_object_does_not_exist(operation: Operation, api_of, user, stranger) -> None:
    assert operation.maker
    theirs = operation.maker(user)
    before = type(theirs)._default_manager.filter(pk=theirs.pk).values().get()
    refused = operation.ask(api_of(stranger), id=theirs.pk)
    missing = operation.ask(api_of(stranger), id=2**40 if isinstance(theirs.pk, int) else uuid4())
    assert refused.status_code == missing.status_code == 404
    assert refused.json() == missing.json()  # not even that it is there
    assert type(theirs)._default_manager.filter(pk=theirs.pk).values().get() == before
    # To its owner it is there, or the refusals say nothing.
    assert operation.ask(api_of(user), id=theirs.pk).status_code not in {401, 403, 404, 405}


# Committed for real: the reader is another connection, which sees no open transaction.
@pytest.mark.django_db(databases=["default", "reader"], transaction=True)
@pytest.mark.parametrize("operation", OF_MANY, ids=lambda each: each.name)
def test_a_list_shows_ones_own_only(operation: Operation, api_of, user, stranger) -> None:
    assert operation.maker
    made = operation.maker(user)
    hers, theirs = operation.ask(api_of(user)), operation.ask(api_of(stranger))
    assert hers.status_code == theirs.status_code == 200
    shown = (MARK, str(made.pk), '"10.00"')
    assert any(text in hers.getvalue().decode() for text in shown)
    assert not any(text in theirs.getvalue().decode() for text in shown)


@pytest.mark.parametrize("operation", OWNED, ids=lambda each: each.name)
def test_nobody_unknown_sees_anything(operation: Operation, user) -> None:
    assert operation.maker
    assert operation.ask(APIClient(), id=operation.maker(user).pk).status_code == 401


@pytest.mark.parametrize("operation", OF_STAFF, ids=lambda each: each.name)
def test_what_is_for_support_is_for_nobody_else(operation: Operation, api_of, user, stranger) -> None:
    theirs = _receipt(user)
    _session(user)
    reason = {"reason": "Ticket 4711: wrong total", "email": user.email}
    path = operation.path.format(user_id=user.pk, id=theirs.pk)

    def ask(client: APIClient) -> Any:
        return getattr(client, operation.method)(path, reason, format=None if operation.method == "get" else "json")

    assert ask(APIClient()).status_code == 401
    assert ask(api_of(user)).status_code == ask(api_of(stranger)).status_code == 403
    stranger.groups.add(Group.objects.get_or_create(name=SUPPORT)[0])
    assert ask(api_of(stranger)).status_code == 200


def test_a_receipt_of_one_user_is_not_shown_as_another_users(api_of, user, stranger, make_user) -> None:
    agent = make_user("agent@example.com")
    agent.groups.add(Group.objects.get_or_create(name=SUPPORT)[0])
    path = f"/api/v1/support/users/{stranger.pk}/receipts/{_receipt(user).pk}/"
    assert resolve(path).kwargs["user_id"] == stranger.pk
    assert api_of(agent).get(path, {"reason": "Ticket 4711: wrong total"}).status_code == 404
