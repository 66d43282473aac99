"""What goes in and comes out over HTTP."""

from receipts.serializers.receipts import (
    CreatedReceiptSerializer,
    CreateReceiptSerializer,
    ReceiptDetailSerializer,
    ReceiptSerializer,
)

__all__ = [
    "CreateReceiptSerializer",
    "CreatedReceiptSerializer",
    "ReceiptDetailSerializer",
    "ReceiptSerializer",
]
