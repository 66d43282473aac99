from django.urls import include, path
from rest_framework.routers import SimpleRouter

from receipts.views import ReceiptViewSet

router = SimpleRouter(use_regex_path=False)
router.register("", ReceiptViewSet, basename="receipt")
urlpatterns = [path("", include("receipts.picture_urls")), *router.urls]
