from django.urls import include, path
from rest_framework.routers import SimpleRouter

from receipts.views import BulkUploadViewSet, ReceiptViewSet, RememberedViewSet, ReviewPlaceView, ReviewView, SearchView

router = SimpleRouter(use_regex_path=False)
router.register("receipts", ReceiptViewSet, basename="receipt")
router.register("bulk-uploads", BulkUploadViewSet, basename="bulk-upload")
router.register("remembered", RememberedViewSet, basename="remembered")
urlpatterns = [
    path("receipts/review/", ReviewView.as_view(), name="review"),
    path("receipts/review/<uuid:pk>/", ReviewPlaceView.as_view(), name="review-place"),
    path("receipts/search/", SearchView.as_view(), name="search"),
    path("receipts/", include("receipts.picture_urls")),
    *router.urls,
]
