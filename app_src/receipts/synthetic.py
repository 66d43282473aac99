"""Receipts that nobody ever got: people's spending of a year, made up from a seed, the same for the same arguments."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from PIL import Image, ImageDraw, ImageFont

_NAMESPACE = uuid.UUID("6f9a9a0e-54f5-4f0e-9a53-0f7a5b0d8a11")
_CENT = Decimal("0.01")
_MARGIN, _WIDTH, _SIZE = 40, 760, 30


@dataclass(frozen=True, kw_only=True)
class Shop:
    """`goods` are names with usual prices; `often` is how many receipts a month somebody has from it."""

    name: str
    address: str
    category: str
    tax_percent: Decimal
    often: float
    goods: Sequence[tuple[str, str]]


SHOPS = (
    Shop(
        name="Greenleaf Market", address="214 Alder Street, Portland, OR 97205",
        category="groceries", tax_percent=Decimal(0), often=4.5,
        goods=(
            ("Whole Milk 1 gal", "4.29"), ("Sourdough Bread", "5.49"), ("Bananas", "1.87"), ("Free Range Eggs", "6.19"),
            ("Ground Coffee", "11.99"), ("Cheddar", "7.35"), ("Chicken Thighs", "9.84"), ("Olive Oil", "13.49"),
            ("Baby Spinach", "3.99"), ("Orange Juice", "5.25"), ("Pasta", "2.19"), ("Tomatoes", "4.10"),
        ),
    ),
    Shop(
        name="Corner Bean Coffee", address="480 Orchard Avenue, Portland, OR 97205",
        category="restaurants", tax_percent=Decimal(9), often=3.5,
        goods=(
            ("Flat White", "4.50"), ("Almond Croissant", "4.25"), ("Sparkling Water", "2.50"), ("Bagel", "6.75"),
        ),
    ),
    Shop(
        name="Harbor Street Diner", address="1210 Harbor Street, Oakland, CA 94607",
        category="restaurants", tax_percent=Decimal("10.25"), often=1.6,
        goods=(
            ("Club Sandwich", "13.50"), ("Lemonade", "4.25"), ("Apple Pie", "6.00"), ("Caesar Salad", "12.75"),
            ("Burger", "15.25"),
        ),
    ),
    Shop(
        name="Northway Fuel", address="88 Ring Road, Salem, OR 97301",
        category="transport", tax_percent=Decimal(0), often=1.8,
        goods=(("Regular Unleaded", "43.20"), ("Premium Unleaded", "52.75"), ("Car Wash", "12.00")),
    ),
    Shop(
        name="Hillside Pharmacy", address="5 Hill Place, Portland, OR 97209",
        category="health", tax_percent=Decimal(0), often=0.9,
        goods=(("Ibuprofen 200 mg", "8.49"), ("Sunscreen SPF 50", "13.99"), ("Bandages", "5.29")),
    ),
    Shop(
        name="Paper & Plug", address="730 Market Square, Portland, OR 97204",
        category="shopping", tax_percent=Decimal("8.5"), often=0.5,
        goods=(
            ("USB-C Cable", "14.99"), ("Notebook A5", "6.50"), ("Wireless Mouse", "29.90"), ("HDMI Adapter", "21.00"),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One receipt; amounts in US dollars."""

    id: uuid.UUID
    shop: Shop
    at: datetime
    lines: Sequence[tuple[str, int, Decimal]]
    tax: Decimal = field(default=Decimal(0))

    @property
    def subtotal(self) -> Decimal:
        return sum((price * count for _, count, price in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax

    def rows(self) -> list[tuple[str, str]]:
        """As it is printed: what stands at the left, and at the right."""
        street, city = self.shop.address.split(", ", 1)
        lines = [
            (name if count == 1 else f"{count} x {price} {name}", f"${price * count}")
            for name, count, price in self.lines
        ]
        return [
            (self.shop.name, ""), (street, ""), (city, ""), ("", ""),
            (self.at.strftime("%m/%d/%Y %I:%M %p"), ""), ("", ""), *lines,
            ("Subtotal", f"${self.subtotal}"), ("Sales Tax", f"${self.tax}"), ("Total", f"${self.total}"),
            ("VISA ************4242", f"${self.total}"), ("", ""), ("Thank you!", ""),
        ]  # fmt: skip

    def picture(self) -> Image.Image:
        rows = self.rows()
        font, title = ImageFont.load_default(_SIZE), ImageFont.load_default(_SIZE * 1.6)
        step = round(_SIZE * 1.5)
        paper = Image.new("RGB", (_WIDTH, _MARGIN * 2 + step * (len(rows) + 1)), "white")
        pen = ImageDraw.Draw(paper)
        for index, (left, right) in enumerate(rows):
            y = _MARGIN + step * index + (step // 2 if index else 0)
            pen.text((_MARGIN, y), left, fill="black", font=font if index else title)
            pen.text((_WIDTH - _MARGIN - pen.textlength(right, font=font), y), right, fill="black", font=font)
        return paper


def identifier(*parts: object) -> uuid.UUID:
    """The same for the same parts."""
    return uuid.uuid5(_NAMESPACE, "/".join(map(str, parts)))


def purchases(person: str, *, until: date, months: int) -> Iterator[Purchase]:
    """What somebody bought in the `months` before `until`, the oldest first."""
    chance = random.Random(f"{person} {until} {months}")  # noqa: S311  (repeatable, no secret)
    days = [until - timedelta(days=ago) for ago in range(months * 30, 0, -1)]
    for day in days:
        for shop in SHOPS:
            if chance.random() < shop.often / 30:
                yield _purchase(person, shop, day, chance)


def _purchase(person: str, shop: Shop, day: date, chance: random.Random) -> Purchase:
    at = datetime.combine(day, time(chance.randrange(8, 21), chance.randrange(60)), UTC)
    bought = chance.sample(shop.goods, chance.randint(1, min(5, len(shop.goods))))
    lines = []
    for name, usual in bought:
        price = (Decimal(usual) * Decimal(chance.randint(92, 112)) / 100).quantize(_CENT, ROUND_HALF_UP)
        lines.append((name, chance.choice((1, 1, 1, 2)), price))
    subtotal = sum((price * count for _, count, price in lines), Decimal(0))
    tax = (subtotal * shop.tax_percent / 100).quantize(_CENT, ROUND_HALF_UP)
    return Purchase(id=identifier(person, shop.name, at.isoformat()), shop=shop, at=at, lines=lines, tax=tax)
