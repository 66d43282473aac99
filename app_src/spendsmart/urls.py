from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from spendsmart.schema_view import SchemaView

urlpatterns = [
    path("api/v1/auth/", include("accounts.urls")),
    path("api/v1/analytics/", include("analytics.urls")),
    path("api/v1/support/", include("accounts.support_urls")),
    path("api/v1/", include("receipts.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("admin/", admin.site.urls),
    path("", include("pages.urls")),
]
handler400 = "spendsmart.errors.bad_request"
handler403 = "spendsmart.errors.forbidden"
handler404 = "spendsmart.errors.not_found"
handler500 = "spendsmart.errors.server_error"
