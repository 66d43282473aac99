from django.contrib import admin

from analytics.models import Budget, BudgetAlert


@admin.register(Budget)
class BudgetAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "category", "currency", "monthly_amount")
    search_fields = ("id", "user__email", "category")
    list_select_related = ("user",)
    raw_id_fields = ("user",)


@admin.register(BudgetAlert)
class BudgetAlertAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "month", "level", "spent", "monthly_amount", "dismissed_at")
    list_select_related = ("user", "budget")
    raw_id_fields = ("user", "budget")
