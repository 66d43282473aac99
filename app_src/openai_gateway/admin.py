from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from openai_gateway.models import Call, Day


class ReadOnlyAdmin(admin.ModelAdmin):
    """The ledger is written by the gateway alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = ("sent_at", "user", "purpose", "model", "state", "outcome", "input_tokens", "output_tokens", "price")
    list_filter = ("state", "purpose", "model", "day")
    list_select_related = ("user",)
    search_fields = ("id", "request_id", "content_sha256")
    show_full_result_count = False


@admin.register(Day)
class DayAdmin(ReadOnlyAdmin):
    list_display = ("day", "spent", "readings", "escalations")
