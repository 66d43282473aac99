from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from receipts import pictures
from receipts.models import BulkUpload, LineItem, Reading, Receipt, RememberedCorrection


class LineItemInline(admin.TabularInline):
    model = LineItem
    extra = 0


@admin.register(Receipt)
class ReceiptAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "state", "merchant", "purchased_on", "currency", "total", "created_at")
    list_filter = ("state", "engine", "currency")
    search_fields = ("id", "user__email", "merchant")
    list_select_related = ("user",)
    # The state moves by its own rules only.
    readonly_fields = (
        "user",
        "state",
        "state_changed_at",
        "reason",
        "attempts",
        "retry_at",
        "waits_since",
        "content_sha256",
        "engine",
        "bulk_upload",
        "duplicate_of",
        "printed_merchant",
        "corrected_at",
    )
    inlines = (LineItemInline,)

    def delete_model(self, request: HttpRequest, obj: Receipt) -> None:  # noqa: ARG002
        """With its pictures, and without leaving duplicates of nothing behind."""
        pictures.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Receipt]) -> None:  # noqa: ARG002
        for receipt in queryset:
            pictures.delete(receipt)


@admin.register(Reading)
class ReadingAdmin(admin.ModelAdmin):
    list_display = ("content_sha256", "engine", "created_at")
    readonly_fields = ("content_sha256", "engine", "extraction")


@admin.register(BulkUpload)
class BulkUploadAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "name", "created_at")
    search_fields = ("id", "user__email", "name")
    list_select_related = ("user",)
    readonly_fields = ("user",)


@admin.register(RememberedCorrection)
class RememberedCorrectionAdmin(admin.ModelAdmin):
    list_display = ("printed", "merchant", "category", "user", "updated_at")
    search_fields = ("printed", "merchant", "user__email")
    list_select_related = ("user",)
    readonly_fields = ("user", "printed")
