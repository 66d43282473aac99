from rest_framework.routers import SimpleRouter

from receipts.views import BulkUploadViewSet, ReceiptViewSet

router = SimpleRouter(use_regex_path=False)
router.register("receipts", ReceiptViewSet, basename="receipt")
router.register("bulk-uploads", BulkUploadViewSet, basename="bulk-upload")
urlpatterns = router.urls
