"""Receipts over HTTP. Every query starts from the user's own: another's receipt does not exist here."""

from receipts.views.bulk import BulkUploadViewSet
from receipts.views.receipts import ReceiptViewSet

__all__ = ["BulkUploadViewSet", "ReceiptViewSet"]
