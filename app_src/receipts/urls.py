from rest_framework.routers import SimpleRouter

from receipts.views import ReceiptViewSet

router = SimpleRouter(use_regex_path=False)
router.register("", ReceiptViewSet, basename="receipt")
urlpatterns = router.urls
