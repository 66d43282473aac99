"""Receipts over HTTP. Every query starts from the user's own: another's receipt does not exist here."""

from receipts.views.bulk import BulkUploadViewSet
from receipts.views.receipts import ReceiptViewSet
from receipts.views.remembered import RememberedViewSet
from receipts.views.review import ReviewPlaceView, ReviewView
from receipts.views.search import SearchView

__all__ = ["BulkUploadViewSet", "ReceiptViewSet", "RememberedViewSet", "ReviewPlaceView", "ReviewView", "SearchView"]
