"""What a reader returns, whichever engine it is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions (0 to 1) of the upright picture: the one EXIF's orientation gives."""


class Item(BaseModel):
    """One line of goods; `price` is the line's amount in the receipt's currency, `unit_price` that of one piece."""

    model_config = ConfigDict(frozen=True)

    description: str
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None
    price: Decimal | None = None
    box: Box | None = None


class TaxLine(BaseModel):
    """One row of a receipt's tax table: `rate` in percent, `net` before tax, `amount` the tax itself."""

    model_config = ConfigDict(frozen=True)

    rate: Decimal | None = None
    net: Decimal | None = None
    amount: Decimal


class Extraction(BaseModel):
    """The fields of one receipt. A field that was not found is None: nothing is made up to fill a gap.

    Attributes:
        purchased_on: Day of the purchase, as printed.
        currency: ISO 4217 code.
        subtotal: Sum before tax and tip, as printed.
        tax: Tax, as printed.
        tax_lines: The tax by rate, where a table of it is printed.
        tip: Tip, as printed.
        total: What was to be paid, tip included where one is printed.
        payment: `cash` or `card`.
        confidence: 0 to 1 by field name, for the fields that were found.
        boxes: Where a field was read, by field name; for some of the fields that were found.
        engine: Name of the engine that read it.
        text: Everything read, one printed row a line.
        needs_review: Sentences that say what a person should look at; empty when all checks held.
    """

    model_config = ConfigDict(frozen=True)

    merchant: str | None = None
    address: str | None = None
    purchased_on: date | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    tax_lines: list[TaxLine] = Field(default_factory=list)
    tip: Decimal | None = None
    total: Decimal | None = None
    payment: str | None = None
    items: list[Item] = Field(default_factory=list)
    category: str | None = None
    confidence: dict[str, float] = Field(default_factory=dict)
    boxes: dict[str, Box] = Field(default_factory=dict)
    engine: str
    text: str = ""
    needs_review: list[str] = Field(default_factory=list)


class Engine(Protocol):
    """Reads the image of one receipt."""

    name: str

    def extract(self, image: bytes) -> Extraction:
        """Read one receipt.

        Args:
            image: The bytes as uploaded; hostile until proven otherwise.

        Raises:
            RejectedImageError: The bytes are not an acceptable JPEG, PNG or WebP picture.
            RetryableExtractionError: The engine cannot answer now.
            ExtractionError: The engine cannot read this picture at all.
        """
        ...
