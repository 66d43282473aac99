"""Lists that are made from rows say byte for byte what their serializers document."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from support import read_receipt, receipt

from analytics.models import Budget, BudgetAlert
from analytics.serializers import BudgetAlertSerializer
from receipts.models import Duplicate, LineItem, Receipt
from receipts.serializers import ReceiptSerializer
from receipts.states import State
from spendsmart.plain_rows import Computed, plan_of, render

pytestmark = pytest.mark.django_db
URL = "/api/v1/receipts/"
ODD = "Café „Zoë“ <b>&amp;</b> \\ \" ' \t 🧾 \x7f"


def odd_receipts(user) -> None:
    """Every kind of value in every column: empty, null, zero, negative, odd, and large."""
    plain = read_receipt(user)
    made = read_receipt(
        user, merchant=ODD, address=ODD, subtotal="0.00", tax="-1.50", tip="9999999999.99", total="-0.01",
        confidence={"total": 0.98, ODD: [None, True, 0.0001, 12345678901234567890, {"x": ""}]}, review_reasons=[ODD],
        boxes={"total": [0, 0.5, 1, 1]}, duplicate_of=plain, duplicate=Duplicate.SUSPECTED, printed_merchant=ODD,
        corrected_at=datetime(2026, 3, 1, tzinfo=UTC), width=3000, height=1,
    )  # fmt: skip
    for position in (2, 0, 1):
        made.items.create(position=position, description=f"{position} {ODD}", quantity=Decimal("0.125"),
                          unit_price=None if position else "1.00", price="-2.00", box=[0, 0.1, 0.2, 1])  # fmt: skip
    Receipt.objects.filter(id=made.id).update(created_at=datetime(2026, 3, 1, tzinfo=UTC))
    for state in State:
        if state not in {State.EXTRACTED}:
            receipt(user, state=state, reason=ODD)


def documented(user) -> bytes:
    receipts = Receipt.objects.filter(user=user).order_by("-created_at", "-id")
    found = ReceiptSerializer(receipts, many=True).data
    return JSONRenderer().render({"next": None, "previous": None, "results": found})


def test_the_list_of_receipts_is_what_its_serializer_documents(api, user) -> None:
    odd_receipts(user)
    answer = api.get(URL)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.content == documented(user)


def test_the_list_of_receipts_is_made_from_rows() -> None:
    """Whoever adds a field that is none of a row's makes the list several times slower: `Computed` is for that."""
    assert plan_of(ReceiptSerializer) is not None
    assert plan_of(BudgetAlertSerializer) is not None


def test_a_document_that_orjson_cannot_write_is_written_all_the_same(api, user) -> None:
    read_receipt(user, confidence={"total": 10**30})
    assert api.get(URL).content == documented(user)


def test_the_list_of_alerts_is_what_its_serializer_documents(api, user) -> None:
    budget = Budget.objects.create(user=user, category=ODD[:50], currency="EUR", monthly_amount="1.50")
    for level in (80, 100):
        BudgetAlert.objects.create(user=user, budget=budget, month="2026-03-01", level=level, spent="1.20",
                                   monthly_amount="1.50")  # fmt: skip
    alerts = BudgetAlertSerializer(BudgetAlert.objects.order_by("-created_at", "-id"), many=True).data
    expected = JSONRenderer().render({"next": None, "previous": None, "results": alerts})
    assert api.get("/api/v1/analytics/alerts/").content == expected


@pytest.mark.parametrize("name", [field.name for field in Receipt._meta.concrete_fields if field.name != "user"])
def test_each_column_of_a_receipt_is_rendered_as_its_serializer_field_does(user, name: str) -> None:
    odd_receipts(user)

    class One(serializers.ModelSerializer):
        class Meta:
            model = Receipt
            fields = (name,)

    assert_same(One, Receipt.objects.order_by("id"))


@pytest.mark.parametrize("name", [field.name for field in LineItem._meta.concrete_fields])
def test_each_column_of_a_line_is_rendered_as_its_serializer_field_does(user, name: str) -> None:
    odd_receipts(user)

    class Line(serializers.ModelSerializer):
        class Meta:
            model = LineItem
            fields = (name,)

    class Parent(serializers.ModelSerializer):
        items = Line(many=True, read_only=True)

        class Meta:
            model = Receipt
            fields = ("items",)

    assert_same(Parent, Receipt.objects.order_by("id"))


def assert_same(serializer: type[serializers.ModelSerializer], queryset: models.QuerySet) -> None:
    plan = plan_of(serializer)
    assert plan is not None
    assert render(plan.rendered(list(queryset.values("pk", *plan.columns)))) == JSONRenderer().render(
        serializer(queryset, many=True).data
    )


def test_a_computed_field_is_made_from_its_columns(user) -> None:
    read_receipt(user, width=30, height=60)

    class WithRatio(serializers.ModelSerializer):
        ratio = Computed(columns=("width", "height"), make=lambda width, height: width / height)

        class Meta:
            model = Receipt
            fields = ("id", "ratio", "state")

    assert_same(WithRatio, Receipt.objects.all())


def _serializer(**fields: Any) -> type[serializers.ModelSerializer]:
    meta = type("Meta", (), {"model": Receipt, "fields": tuple(fields)})
    return type("Odd", (serializers.ModelSerializer,), {**fields, "Meta": meta, "get_odd": lambda *_: None})


@pytest.mark.parametrize(
    "fields",
    [
        {"odd": serializers.SerializerMethodField()},
        {"total": serializers.DecimalField(max_digits=12, decimal_places=1)},
        {"total": serializers.DecimalField(max_digits=12, decimal_places=2, coerce_to_string=False)},
        {"created_at": serializers.DateTimeField(format="%Y")},
        {"id": serializers.UUIDField(format="hex")},
        {"key": serializers.CharField()},
        {"shop": serializers.CharField(source="duplicate_of.merchant")},
        {"state": type("Shouting", (serializers.CharField,), {"to_representation": lambda _, value: value.upper()})()},
    ],
)
def test_what_needs_the_serializer_gets_it(fields: dict) -> None:
    assert plan_of(_serializer(**fields)) is None


@pytest.mark.parametrize("receipts", [1, 20])
def test_a_page_takes_three_queries(api, user, receipts: int, django_assert_num_queries: CaptureQueriesContext) -> None:
    for _ in range(receipts):
        made = read_receipt(user)
        for position in range(3):
            made.items.create(position=position, description="Milk", price="1.00")
    with django_assert_num_queries(3):  # the user, the receipts, their lines
        assert len(api.get(URL).json()["results"]) == receipts


def test_an_empty_list_asks_for_no_lines(api, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        assert api.get(URL).json() == {"next": None, "previous": None, "results": []}
