"""A statement that was put together once says what its queryset says, for each of its parameters' values."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from django.db.models import F
from support import read_receipt

from receipts.models import Receipt
from spendsmart.statements import Statement

pytestmark = pytest.mark.django_db


def bought(user_id: UUID, since: date):
    found = Receipt.objects.filter(user_id=user_id, purchased_on__gte=since, merchant__in=["A", "50 % off"])
    return found.order_by("purchased_on").values_list("merchant", "purchased_on", "total")


def test_the_rows_are_those_of_the_queryset_whatever_the_values(user, make_user) -> None:
    other = make_user("other@example.com")
    for owner, merchant, day in ((user, "A", 1), (user, "50 % off", 2), (user, "C", 3), (other, "A", 4)):
        read_receipt(owner, merchant=merchant, purchased_on=f"2026-03-0{day}")
    statement = Statement(bought, user_id=UUID, since=date)
    for person in (user, other):
        for day in (1, 2, 5):
            values = {"user_id": person.pk, "since": date(2026, 3, day)}
            assert statement.rows(**values) == list(bought(**values))
    assert len(statement.rows(user_id=user.pk, since=date(2026, 1, 1))) == 2


def test_a_value_is_no_part_of_the_statement(user) -> None:
    statement = Statement(lambda since: Receipt.objects.filter(purchased_on__gte=since).values_list("id"), since=date)
    with pytest.raises(Exception, match="invalid input syntax"):
        statement.rows(since="2026-01-01' OR '1'='1")


def test_a_parameter_that_does_not_arrive_in_the_statement_is_told() -> None:
    def forgetful(user_id: UUID, since: date):
        return Receipt.objects.filter(user_id=user_id).values_list("id")

    statement = Statement(forgetful, user_id=UUID, since=date)
    with pytest.raises(ValueError, match="since"):
        statement.rows(user_id=UUID(int=7), since=date(2026, 1, 1))


def test_one_parameter_may_stand_in_several_places(user) -> None:
    read_receipt(user, purchased_on="2026-03-01")

    def on(day: date):
        return Receipt.objects.filter(purchased_on__gte=day, purchased_on__lte=day).values_list(F("merchant"))

    statement = Statement(on, day=date)
    assert len(statement.rows(day=date(2026, 3, 1))) == 1
    assert statement.rows(day=date(2026, 3, 2)) == []


def test_a_constant_of_the_same_type_stays_one(user) -> None:
    read_receipt(user, purchased_on="2026-03-01")

    def before(until: date):
        return Receipt.objects.filter(purchased_on__gte=date(2026, 2, 1), purchased_on__lte=until).values_list("total")

    statement = Statement(before, until=date)
    assert len(statement.rows(until=date(2026, 3, 1))) == 1
    assert statement.rows(until=date(2026, 1, 1)) == []
