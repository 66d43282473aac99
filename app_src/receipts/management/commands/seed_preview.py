"""`python manage.py seed_preview`: people and their receipts, made up, for previews to begin with.

Run again it puts the same people's receipts in the place of those it made before, and touches nobody else's.
"""

from __future__ import annotations

import io
import os
from argparse import ArgumentParser
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from analytics.models import Budget
from receipts import pictures, storage
from receipts.models import Duplicate, LineItem, Receipt
from receipts.states import State
from receipts.synthetic import Purchase, identifier, purchases

PEOPLE = {"demo@example.com": 14, "ana@example.com": 6, "new@example.com": 0}
"""Months of receipts by person."""

STAFF = "admin@example.com"
WITH_PICTURE = 12
"""The newest receipts of the first person have one: each is three objects that every preview gets a copy of."""

BUDGETS = {"groceries": "250.00", "restaurants": "120.00", "transport": "100.00"}


class Command(BaseCommand):
    help = "Fill the database with synthetic people and receipts. The password of all is in SEED_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="migrate first")
        parser.add_argument("--until", type=date.fromisoformat, help="day after the last receipt (today)")

    def handle(self, *, migrate: bool, until: date | None, **_: Any) -> None:
        password = os.environ.get("SEED_PASSWORD")
        if not password:
            raise CommandError("SEED_PASSWORD is not set: the people need a password")
        if migrate:
            call_command("migrate", interactive=False)
        until = until or timezone.now().date()
        with transaction.atomic():
            made = {email: self._person(email, password, until, months) for email, months in PEOPLE.items()}
            self._user(STAFF, password, staff=True)
        person, months = next(iter(PEOPLE.items()))
        bought = {purchase.id: purchase for purchase in purchases(person, until=until, months=months)}
        with_picture = self._newest(person)
        for receipt in with_picture:
            self._photograph(receipt, bought[receipt.id])
        self.stdout.write(f"{sum(made.values())} receipts of {len(made)} people, {len(with_picture)} with pictures")

    def _user(self, email: str, password: str, *, staff: bool = False) -> User:
        user, _ = User.objects.update_or_create(
            email=email, defaults={"is_staff": staff, "is_superuser": staff}, create_defaults={"id": identifier(email)}
        )
        user.is_staff = user.is_superuser = staff
        user.set_password(password)
        user.save()
        return user

    def _person(self, email: str, password: str, until: date, months: int) -> int:
        user = self._user(email, password)
        Receipt.objects.filter(user=user).delete()
        Budget.objects.filter(user=user).delete()
        bought = list(purchases(email, until=until, months=months))
        receipts = [self._receipt(user, purchase, number) for number, purchase in enumerate(reversed(bought))]
        Receipt.objects.bulk_create(receipts)
        LineItem.objects.bulk_create(
            LineItem(receipt_id=purchase.id, position=position, description=name, quantity=count, unit_price=price,
                     price=price * count)
            for purchase in bought for position, (name, count, price) in enumerate(purchase.lines)
        )  # fmt: skip
        # The column is written by Django itself when a row is made.
        for receipt in receipts:
            receipt.created_at = receipt.state_changed_at
        Receipt.objects.bulk_update(receipts, ["created_at"])
        if bought:
            Budget.objects.bulk_create(
                Budget(id=identifier(email, category), user=user, category=category, currency="USD",
                       monthly_amount=Decimal(amount))
                for category, amount in BUDGETS.items()
            )  # fmt: skip
        return len(receipts)

    def _receipt(self, user: User, purchase: Purchase, number: int) -> Receipt:
        """`number` counts from the newest: some of these wait for a person, as they would."""
        receipt = Receipt(
            id=purchase.id, user=user, state=State.EXTRACTED, state_changed_at=purchase.at, waits_since=purchase.at,
            attempts=1, file_name=f"IMG_{purchase.at:%Y%m%d_%H%M}.png", content_type="image/png", size=40_000,
            content_sha256=purchase.id.hex * 2, merchant=purchase.shop.name,
            printed_merchant=purchase.shop.name.upper(), address=purchase.shop.address, purchased_on=purchase.at.date(),
            currency="USD", subtotal=purchase.subtotal,
            tax=purchase.tax, total=purchase.total, payment="card", category=purchase.shop.category, engine="local",
            confidence={"merchant": 0.97, "total": 0.99}, text="\n".join(" ".join(row) for row in purchase.rows()),
        )  # fmt: skip
        if number % 17 == 3:
            receipt.state, receipt.total = State.NEEDS_REVIEW, purchase.total + Decimal("0.10")
            receipt.review_reasons = ["Subtotal and tax do not add up to the total."]
        if number % 61 == 29:
            receipt.state, receipt.reason = State.FAILED, "The picture could not be read."
        return receipt

    def _newest(self, email: str) -> list[Receipt]:
        newest = list(Receipt.objects.filter(user__email=email).select_related("user").order_by("-created_at")[:13])
        # One was photographed twice.
        Receipt.objects.filter(id=newest[1].id).update(duplicate_of=newest[5].id, duplicate=Duplicate.SUSPECTED)
        return newest[:WITH_PICTURE]

    def _photograph(self, receipt: Receipt, purchase: Purchase) -> None:
        picture, body = purchase.picture(), io.BytesIO()
        picture.save(body, "PNG", optimize=True)
        storage.write(receipt.key, body.getvalue(), content_type="image/png", cache_control=pictures.CACHE_CONTROL)
        Receipt.objects.filter(id=receipt.id).update(size=len(body.getvalue()))
        pictures.keep(receipt, picture, content_sha256=receipt.content_sha256)
