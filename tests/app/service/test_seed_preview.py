"""What previews begin with: made up, the same each time, and nobody else's receipts touched."""

from __future__ import annotations

import io
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from PIL import Image

from accounts.models import User
from analytics.models import Budget
from extraction.local import read_page, recognize
from receipts import pictures, storage
from receipts.management.commands import seed_preview
from receipts.management.commands.seed_preview import BUDGETS, PEOPLE, STAFF, WITH_PICTURE
from receipts.models import Duplicate, LineItem, Receipt
from receipts.states import State

UNTIL = "2026-03-15"
FIRST = "demo@example.com"


def _seed(until: str = UNTIL) -> str:
    said = StringIO()
    call_command("seed_preview", "--until", until, stdout=said)
    return said.getvalue()


def _content() -> list[Any]:
    columns = ("id", "user__email", "state", "merchant", "purchased_on", "total", "created_at", "fingerprint", "size")
    return [
        *Receipt.objects.order_by("id").values_list(*columns),
        *LineItem.objects.order_by("receipt_id", "position").values_list("receipt_id", "description", "price"),
        *Budget.objects.order_by("id").values_list("id", "category", "monthly_amount"),
    ]


@pytest.fixture(autouse=True)
def password(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED_PASSWORD", "the password of all")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough to see what happens when it runs again."""
    monkeypatch.setattr(seed_preview, "PEOPLE", {FIRST: 3, "ana@example.com": 1})
    monkeypatch.setattr(seed_preview, "WITH_PICTURE", 1)


def test_the_same_arguments_give_the_same_data_however_often_and_touch_nobody_elses(db, few: None) -> None:
    other = User.objects.create_user(email="somebody@example.com", password="x")
    kept = Receipt.objects.create(user=other, content_type="image/png", size=1)
    said = _seed()
    first = _content()
    assert said == _seed()
    assert first == _content()
    _seed("2026-03-16")
    assert first != _content()
    assert Receipt.objects.filter(id=kept.id, user=other).exists()


def test_a_year_of_people_of_all_kinds_with_something_to_see_on_every_page(db) -> None:
    _seed()
    people = {user.email: user for user in User.objects.all()}
    assert people.keys() == {*PEOPLE, STAFF}
    assert all(user.check_password("the password of all") for user in people.values())
    assert [email for email, user in people.items() if user.is_staff] == [STAFF]
    counts = {email: Receipt.objects.filter(user=people[email]).count() for email in PEOPLE}
    assert counts[FIRST] > 100
    assert counts["new@example.com"] == 0, "somebody who has just come"
    own = Receipt.objects.filter(user__email=FIRST)
    assert {State.EXTRACTED, State.NEEDS_REVIEW, State.FAILED} == set(own.values_list("state", flat=True))
    assert all(receipt.review_reasons for receipt in own.filter(state=State.NEEDS_REVIEW))
    assert own.filter(duplicate=Duplicate.SUSPECTED).count() == 1
    assert set(own.values_list("category", flat=True)) > set(BUDGETS)
    assert Budget.objects.filter(user__email=FIRST).count() == len(BUDGETS)
    assert own.filter(items=None).count() == 0
    _has_pictures(own)


def _has_pictures(own: QuerySet[Receipt]) -> None:
    """The newest, on which the reader finds what the columns say."""
    pictured = own.exclude(pictures_at=None).order_by("-created_at")
    assert pictured.count() == WITH_PICTURE
    for receipt in pictured:
        for key in pictures.keys(receipt):
            assert Image.open(io.BytesIO(storage.read(key))).width
    receipt = pictured.filter(state=State.EXTRACTED)[0]
    image = storage.read(receipt.key)
    assert len(image) == receipt.size
    read = read_page(recognize(image))
    assert (read.total, read.purchased_on) == (receipt.total, receipt.purchased_on)


def test_without_a_password_nobody_is_made(db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEED_PASSWORD")
    with pytest.raises(CommandError, match="SEED_PASSWORD is not set"):
        _seed()
    assert not User.objects.exists()
