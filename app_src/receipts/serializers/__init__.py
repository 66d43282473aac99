"""What goes in and comes out over HTTP."""

from receipts.serializers.receipts import (
    CorrectReceiptSerializer,
    CreatedReceiptSerializer,
    CreateReceiptSerializer,
    ReceiptDetailSerializer,
    ReceiptSerializer,
)

__all__ = [
    "CorrectReceiptSerializer",
    "CreateReceiptSerializer",
    "CreatedReceiptSerializer",
    "ReceiptDetailSerializer",
    "ReceiptSerializer",
]
