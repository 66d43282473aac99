"""Receipts drawn by our own code, with Pillow's built-in font: the same pictures on every machine."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageFont

MARGIN = 40

GROCERIES_DE = (
    ("LiDL", ""), ("Warburger Straße 130", ""), ("33100 Paderborn", ""), ("", ""),
    ("Bananen", "0,99 A"), ("Bulgur-Kräuter", "1,78 A"), ("Emmentaler Stück", "2,69 A"), ("Apfelsaft", "1,19 B"),
    ("zu zahlen", "6,65"), ("Bar", "10,00"), ("Rückgeld", "-3,35"),
    ("MWST% MWST + Netto", "Brutto"), ("A 7 % 0,36 5,10", "5,46"), ("B 19 % 0,19 1,00", "1,19"),
    ("Summe 0,55 6,10", "6,65"), ("3182 295069/02", "30.04.20 09:58"),
)  # fmt: skip
CAFE_MY = (
    ("BANYAN CAFE SDN BHD", ""), ("No. 12, Jalan Puteri 7/10", ""), ("47100 Puchong, Selangor", ""),
    ("GST ID: 000306700288", ""), ("TAX INVOICE", ""), ("Date: 03/04/2018 18:31", ""),
    ("2 x 4.95 Iced Tea", "9.90 SR"), ("Beef Noodle", "11.40 SR"),
    ("Total (Excluding GST):", "21.30"), ("Service Charge (3%):", "0.64"), ("GST payable (6%):", "1.32"),
    ("Total (Inclusive of GST):", "23.26"), ("Rounding Adj:", "-0.01"), ("TOTAL:", "RM 23.25"),
    ("CASH", "RM 50.00"), ("CHANGE", "RM 26.75"), ("Thank you, please come again", ""),
)  # fmt: skip
DINER_US = (
    ("HARBOR STREET DINER", ""), ("1210 Harbor Street", ""), ("Oakland, CA 94607", ""), ("(510) 555-0142", ""),
    ("03/04/2025 12:47 PM", ""), ("Server: Ana", "Table 7"),
    ("Club Sandwich", "$13.50"), ("Lemonade", "$4.25"), ("Apple Pie", "$6.00"),
    ("Subtotal", "$23.75"), ("Sales Tax", "$2.43"), ("Tip", "$5.00"), ("Total", "$31.18"),
    ("VISA ************4242", "$31.18"), ("Suggested tip 18% $4.28", ""), ("Suggested tip 20% $4.75", ""),
)  # fmt: skip


def draw(rows: Sequence[tuple[str, str]], *, size: int = 30, width: int = 760, tilt: float = 0.0) -> Image.Image:
    """One receipt: the left text at the left margin, the right one at the right, then turned by `tilt` degrees."""
    font, title = ImageFont.load_default(size), ImageFont.load_default(size * 1.6)
    step = round(size * 1.5)
    paper = Image.new("RGB", (width, MARGIN * 2 + step * (len(rows) + 1)), "white")
    pen = ImageDraw.Draw(paper)
    for index, (left, right) in enumerate(rows):
        y = MARGIN + step * index + (step // 2 if index else 0)
        pen.text((MARGIN, y), left, fill="black", font=font if index else title)
        pen.text((width - MARGIN - pen.textlength(right, font=font), y), right, fill="black", font=font)
    if tilt:
        paper = paper.rotate(tilt, expand=True, fillcolor=(120, 110, 100), resample=Image.Resampling.BICUBIC)
    return paper


def photograph(picture: Image.Image, *, seed: int = 1) -> Image.Image:
    """What a phone makes of it: a little blur, uneven light and grain, the same for the same seed."""
    noise = random.Random(seed)  # noqa: S311 - repeatable grain, no secret
    picture = picture.filter(ImageFilter.GaussianBlur(0.8))
    light = Image.linear_gradient("L").resize(picture.size).point(lambda value: 150 + value * 0.4)
    grain = Image.frombytes("L", (64, 64), noise.randbytes(64 * 64)).resize(picture.size).point(lambda v: v * 0.06)
    shade = Image.merge("RGB", [light] * 3)
    dimmed = Image.composite(picture, Image.new("RGB", picture.size, "black"), shade.convert("L"))
    return Image.blend(dimmed, Image.merge("RGB", [grain] * 3), 0.05)


def encode(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The picture's bytes in one format."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


_MARK_BITS, _MARK_SIDE = 16, 14


def mark(picture: Image.Image, number: int) -> Image.Image:
    """The picture with a number below it, in black and white squares, that any copy of it can be told by."""
    width, height = max(picture.width, _MARK_BITS * _MARK_SIDE), picture.height
    marked = Image.new("RGB", (width, height + _MARK_SIDE), "white")
    marked.paste(picture)
    pen = ImageDraw.Draw(marked)
    for bit in range(_MARK_BITS):
        if number >> bit & 1:
            pen.rectangle((bit * _MARK_SIDE, height, (bit + 1) * _MARK_SIDE - 1, height + _MARK_SIDE), fill="black")
    return marked


def mark_of(picture: Image.Image) -> int:
    """The number that `mark` has put there; the picture may have been compressed meanwhile, but not resized."""
    grey, row = picture.convert("L"), picture.height - _MARK_SIDE // 2
    squares = (grey.getpixel((bit * _MARK_SIDE + _MARK_SIDE // 2, row)) < 128 for bit in range(_MARK_BITS))
    return sum(dark << bit for bit, dark in enumerate(squares))
