"""Receipts in American style, drawn from a seed with their labels: for `benchmarks/extraction.py --drawn N`.

Every name, price and person is invented. They vary what real ones vary: where the name stands and how large, tips
printed, suggested or left blank, tax added in one row or two, cash and change, cards, SNAP, gift cards, coupons,
returns, dates with and without times, names wrapped over two rows.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw, ImageFont

_RESTAURANTS = (
    "The Rusty Anchor", "SAL'S PIZZERIA", "Blue Heron", "PHO 79", "El Torito Loco", "MAPLE & MAIN", "Harvest Table",
    "Buckhead Taphouse", "LA PALAPA GRILL", "Noodle Theory", "Mel's", "Thai Orchid Cuisine", "SMOKE & BARREL BBQ",
)  # fmt: skip
_SHOPS = (
    "VALU-SAVE", "Hometown Fresh Market", "LUCKY'S", "Bob's True Hardware", "Corner Drug", "PETPALACE",
    "GreenLeaf Co-op",
    "Shop & Bag", "DISCOUNT BARN", "WALMART", "Target", "Trader Joe's", "CVS/pharmacy", "THE HOME DEPOT", "Costco",
)  # fmt: skip
_STATIONS = ("QUIK STOP #0432", "Golden Gate Gas", "SHELL", "Chevron", "Sunrise Fuel & Mart", "7-ELEVEN")
_DISHES = (
    "Caesar Salad", "Club Sandwich", "IPA Draft", "Iced Tea", "Kids Burger", "Fish Tacos", "Pad Thai", "Miso Soup",
    "Diet Coke", "Garlic Knots", "Margherita Pizza 12in", "Ribeye 14oz", "Side Fries", "Cheesecake", "House Red GLS",
)  # fmt: skip
_GOODS = (
    "GV WHL MILK", "BANANAS", "WHEAT BREAD", "PAPER TOWELS 6CT", "DUCT TAPE 60YD", "SHAMPOO 12 FL OZ", "CAT FOOD",
    "ORG EGGS LG", "TOOTHPASTE", "AA BATTERIES", "ROMA TOMATO", "CHED CHEESE", "2X4X8 STUD", "COFFEE 12OZ", "SOAP BAR",
)  # fmt: skip
_STREETS = ("1210 Harbor St", "4471 N Lincoln Ave", "88 Peachtree Rd NE", "2500 El Camino Real", "301 W 5th Street")
_TOWNS = ("Oakland, CA 94607", "Chicago IL 60625", "Atlanta, GA 30305", "Austin, TX 78701", "PORTLAND OR 97205-1422")
_DATES = ("%m/%d/%Y %I:%M %p", "%m/%d/%y %H:%M", "%m-%d-%Y %H:%M:%S", "%b %d, %Y %I:%M%p", "%d %b'%y %I:%M%p",
          "%m/%d/%Y", "%B %d, %Y", "%m/%d/%y %I:%M %p", "%b %d '%y %I:%M%p", "%Y-%m-%d %H:%M")  # fmt: skip

Row = tuple[str, str]
"""Text at the left and at the right; centered where the right one is CENTER."""
CENTER = "\0"


@dataclass
class _Draft:
    chance: random.Random
    rows: list[Row] = field(default_factory=list)
    label: dict[str, Any] = field(default_factory=dict)

    def center(self, *texts: str) -> None:
        self.rows += [(text, CENTER) for text in texts]

    def add(self, left: str, cents: int | str = "", flag: str = "") -> None:
        self.rows.append((left, (self.money(cents) if isinstance(cents, int) else cents) + flag))

    def money(self, cents: int) -> str:
        sign = "$" if self.label["dollar"] else ""
        return ("-" if cents < 0 else "") + f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02}"

    def one_of(self, *texts: str) -> str:
        return self.chance.choice(texts)


def drawn_receipt(seed: int) -> tuple[bytes, dict[str, Any]]:
    """A PNG and its label."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    draft = _Draft(chance, label={"currency": "USD", "dollar": chance.random() < 0.5})
    build = (_restaurant, _restaurant, _shop, _shop, _station, _fast_food, _card_slip)[seed % 7]
    build(draft)
    del draft.label["dollar"]
    for name in ("total", "subtotal", "tax", "tip"):
        if draft.label.get(name) is not None:
            draft.label[name] = draft.label[name] / 100
    buffer = io.BytesIO()
    _draw(draft.rows, chance, name=draft.label["merchant"]).save(buffer, "PNG")
    return buffer.getvalue(), draft.label


def _head(draft: _Draft, names: Sequence[str]) -> None:
    name = draft.chance.choice(names)
    draft.label["merchant"] = name
    if draft.chance.random() < 0.2:
        draft.center(draft.one_of("Welcome to", "Thank you for visiting", "Live better. Spend less."))
    draft.center(name)
    if draft.chance.random() < 0.3:
        draft.center(f"Store #{draft.chance.randint(100, 9999)}")
    draft.center(draft.chance.choice(_STREETS), draft.chance.choice(_TOWNS))
    if draft.chance.random() < 0.8:
        number = draft.chance.randint(2000000, 9999999)
        draft.center(
            draft.one_of("(510) {}-{}", "415.{}.{}", "Tel: 312-{}-{}").format(number // 10000, f"{number % 10000:04}")
        )


def _date(draft: _Draft, *, label: str = "") -> None:
    day = datetime(2013, 1, 1) + timedelta(minutes=draft.chance.randrange(12 * 365 * 1440))  # noqa: DTZ001 - as printed
    draft.label["date"] = day.date().isoformat()
    text = day.strftime(draft.chance.choice(_DATES))
    draft.add((label + " " + text).strip(), draft.one_of("", f"Check #{draft.chance.randint(10, 999)}"))


def _items(draft: _Draft, names: Sequence[str], *, low: int, high: int, flags: Sequence[str]) -> int:
    """Adds one to nine items; their sum in cents."""
    count, total = draft.chance.randint(1, 9), 0
    coded, counted = draft.chance.random() < 0.4, draft.chance.random() < 0.4
    for name in draft.chance.sample(list(names), count):
        price = draft.chance.randint(low, high)
        quantity = draft.chance.choice((1, 1, 1, 2))
        text = f"{name} {draft.chance.randint(10**10, 10**11)}" if coded and low < 500 else name
        if counted:
            text = f"{quantity} {text}"
        elif quantity > 1 and low < 500:
            draft.add(text)
            text = f"   {quantity} @ {price / 100:.2f}"
        else:
            quantity = 1
        draft.add(text, price * quantity, draft.chance.choice(flags))
        total += price * quantity
    draft.label["n_items"] = count
    return total


def _taxed(draft: _Draft, subtotal: int) -> int:
    rate = draft.chance.choice((0.0625, 0.0725, 0.0875, 0.0825, 0.095))
    tax = round(subtotal * rate)
    draft.label.update(subtotal=subtotal, tax=tax)
    draft.add(draft.one_of("Subtotal", "SUBTOTAL", "Sub Total:", "Sub-total", "SUB-TTL"), subtotal)
    if draft.chance.random() < 0.2 and tax > 20:
        part = tax * 2 // 3
        draft.add("State Tax", part)
        draft.add("County Tax", tax - part)
    else:
        draft.add(draft.one_of("Tax", "Sales Tax", f"TAX 1 {rate * 100:g} %", "TAX:", f"Tax ({rate:.2%})"), tax)
    return subtotal + tax


def _restaurant(draft: _Draft) -> None:
    _head(draft, _RESTAURANTS)
    draft.add(f"Server: {draft.one_of('Ana', 'DYLAN', 'Kim R')}", f"Table {draft.chance.randint(1, 40)}")
    _date(draft, label=draft.one_of("", "Date:", "Opened"))
    draft.add(f"Guests: {draft.chance.randint(1, 6)}")
    total = _taxed(draft, _items(draft, _DISHES, low=350, high=3200, flags=("",)))
    manner = draft.chance.random()
    if manner < 0.3:  # the tip is printed
        tip = round(total * draft.chance.choice((0.15, 0.18, 0.2)))
        draft.add(draft.one_of("Tip", "TIP", "Gratuity", "18% Gratuity"), tip)
        draft.label["tip"] = tip
        total += tip
    draft.label["total"] = total
    draft.add(
        draft.one_of("Total", "TOTAL", "Balance Due", "Amount Due", "Total Due", "Grand Total", "TOTAL DUE:"), total
    )
    if manner > 0.6:
        draft.add(draft.one_of("Visa XXXX4242", "AMEX ***********1004", "MASTERCARD", "Credit Card"), total)
        if manner > 0.8:
            draft.add("Tip: ____________")
            draft.add("Total: ___________")
            draft.add("X________________")
    if draft.chance.random() < 0.5:
        draft.center(draft.one_of("Suggested Gratuity", "Tip Guide", "For your convenience:"))
        for rate in (15, 18, 20):
            tip = round(total * rate / 100)
            if draft.chance.random() < 0.5:
                draft.center(f"{rate}% = {draft.money(tip)}")
            else:
                draft.center(f"{rate}%: Tip {draft.money(tip)} Total {draft.money(total + tip)}")
    draft.center(draft.one_of("THANK YOU!", "Please come again", "Follow us @goodfood"))


def _shop(draft: _Draft) -> None:
    _head(draft, _SHOPS)
    dated_below = draft.chance.random() < 0.5
    if not dated_below:
        _date(draft)
    draft.add("ST# 02115 OP# 009041 TE# 41 TR# 04729")
    sold = _items(draft, _GOODS, low=79, high=2499, flags=("", " F", " T", " X", " N"))
    if draft.chance.random() < 0.2:
        back = draft.chance.randint(50, max(51, sold // 3))
        draft.add(draft.one_of("COUPON", "Member Discount", "RETURN - CAT TOY"), -back)
        sold -= back
        del draft.label["n_items"]
    total = _taxed(draft, sold)
    draft.label["total"] = total
    draft.add(draft.one_of("TOTAL", "Total", "**** TOTAL", "BALANCE DUE", "ORDER TOTAL", "BALANCE"), total)
    manner = draft.chance.randrange(5)
    if manner == 0:
        cash = -(-total // 2000) * 2000
        draft.add(draft.one_of("CASH", "CASH TEND", "Cash Tendered"), cash)
        draft.add(draft.one_of("CHANGE", "CHANGE DUE", "Change"), cash - total)
    elif manner == 1:
        part = total // 2
        draft.add(draft.one_of("SNAP TEND", "EBT FOOD"), part)
        draft.add("VISA TEND", total - part)
        draft.add("EBT BALANCE", draft.chance.randint(100, 20000))
    elif manner == 2:
        draft.add("GIFT CARD", total)
        draft.add("GIFT CARD BALANCE", draft.chance.randint(100, 9000))
    elif manner == 3:
        draft.add(draft.one_of("DEBIT TEND", "VISA", "MCARD TEND", "Credit"), total)
        draft.add("CHANGE DUE", 0)
        draft.add("EFT DEBIT PAY FROM PRIMARY")
        draft.add(f"{total / 100:.2f} TOTAL PURCHASE")
    draft.add(f"# ITEMS SOLD {draft.label.get('n_items', 5)}")
    if draft.chance.random() < 0.4:
        draft.add("YOU SAVED", draft.chance.randint(50, 9000))
    if dated_below:
        _date(draft)
    if draft.chance.random() < 0.3:
        draft.center("Returns accepted until 12/31/2025")
    draft.center("Give us feedback @ www.survey.example.com")


def _station(draft: _Draft) -> None:
    _head(draft, _STATIONS)
    _date(draft, label=draft.one_of("", "DATE"))
    gallons, price = draft.chance.randint(3000, 19000), draft.chance.randint(2399, 4999)
    total = round(gallons * price / 10000)
    draft.add(f"PUMP# {draft.chance.randint(1, 12)}", "REGULAR UNLEADED")
    draft.add("GALLONS", f"{gallons / 1000:.3f}")
    draft.add("PRICE/GAL", f"${price / 1000:.3f}")
    draft.add(draft.one_of("FUEL TOTAL", "FUEL SALE"), total)
    if draft.chance.random() < 0.4:
        extra = draft.chance.randint(99, 899)
        draft.add("COFFEE 16OZ", extra)
        total += extra
    draft.label["total"] = total
    draft.add(draft.one_of("TOTAL", "TOTAL SALE", "TOTAL = ", "Total Due"), total)
    draft.add(draft.one_of("CREDIT", "VISA", "DEBIT"), total)
    draft.add("AUTH# 0A4421", f"INV# {draft.chance.randint(10000, 99999)}")


def _fast_food(draft: _Draft) -> None:
    _head(draft, ("BURGER BARN #112", "Taco Hut", "SUNNY DONUTS", "Subway", "McDonald's", "Chipotle", "Wok To Go"))
    draft.center(f"ORDER {draft.chance.randint(1, 999)}")
    _date(draft)
    total = _taxed(draft, _items(draft, _DISHES, low=149, high=1299, flags=("",)))
    draft.label["total"] = total
    draft.add(draft.one_of("Take-Out Total", "Eat-In Total", "Total", "TOTAL"), total)
    cash = -(-total // 500) * 500
    draft.add(draft.one_of("Cash Tendered", "Cash", "CASH"), cash)
    draft.add("Change", cash - total)


def _card_slip(draft: _Draft) -> None:
    """What a terminal prints: no goods."""
    _head(draft, _RESTAURANTS)
    _date(draft, label="Date:")
    draft.add("Card Type: VISA")
    draft.add("Acct #: XXXXXXXXXXXX4242")
    draft.add(f"Auth Code: {draft.chance.randint(10000, 99999)}A")
    amount = draft.chance.randint(800, 15000)
    draft.add(draft.one_of("Amount:", "AMOUNT", "SALE AMOUNT", "Subtotal:"), amount)
    if draft.chance.random() < 0.5:
        tip = round(amount * 0.2)
        draft.add("Tip:", tip)
        draft.add("Total:", amount + tip)
        draft.label.update(tip=tip, total=amount + tip)
    else:
        draft.add("+ Tip: __________")
        draft.add("= Total: _________")
        draft.label["total"] = amount
    draft.center("I agree to pay the above total", "CUSTOMER COPY")


def _font(name: str, size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return ImageFont.load_default(size)


def _draw(rows: Sequence[Row], chance: random.Random, *, name: str) -> Image.Image:
    size, width = chance.randint(20, 30), chance.randint(520, 760)
    face = chance.choice(("DejaVuSansMono.ttf", "DejaVuSansMono.ttf", "DejaVuSansCondensed.ttf", "none"))
    font, title = _font(face, size), _font(face, round(size * chance.choice((1.0, 1.5, 1.9))))
    margin, step = chance.randint(15, 50), round(size * chance.uniform(1.15, 1.5))
    room = width - 2 * margin
    if title.getlength(name) > room:
        title = font
    laid: list[Row] = []
    for left, right in rows:  # a name too long for its row is wrapped, as tills do
        words, line = left.split(" "), ""
        end = right if right != CENTER else ""
        for word in words:
            if font.getlength(f"{line} {word}  {end}") > room and line:
                laid.append((line, CENTER if right == CENTER else ""))
                line = word
            else:
                line = f"{line} {word}" if line else word
        laid.append((line, right))
    paper = Image.new("RGB", (width, margin * 2 + step * (len(laid) + 3)), (250, 250, 247))
    pen = ImageDraw.Draw(paper)
    y = margin
    for left, right in laid:
        big = (left, right) == (name, CENTER)
        chosen = title if big else font
        x = (width - chosen.getlength(left)) / 2 if right == CENTER else margin
        pen.text((x, y), left, fill=(40, 40, 45), font=chosen)
        if right not in ("", CENTER):
            pen.text((width - margin - font.getlength(right), y), right, fill=(40, 40, 45), font=font)
        y += round(step * (1.9 if big else 1))
    return paper
