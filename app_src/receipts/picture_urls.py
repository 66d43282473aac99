from django.urls import path

from receipts.picture_views import DuplicateView, ImagesView, OriginalView

urlpatterns = [
    path("<uuid:pk>/images/", ImagesView.as_view(), name="receipt-images"),
    path("<uuid:pk>/original/", OriginalView.as_view(), name="receipt-original"),
    path("<uuid:pk>/duplicate/", DuplicateView.as_view(), name="receipt-duplicate"),
]
