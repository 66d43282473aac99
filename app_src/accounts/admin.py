from django.contrib import admin

from accounts.models import TokenFamily, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ("email", "is_active", "is_staff", "created_at")
    search_fields = ("email",)
    exclude = ("password",)
    readonly_fields = ("last_login", "created_at")


@admin.register(TokenFamily)
class TokenFamilyAdmin(admin.ModelAdmin):
    list_display = ("user", "created_at", "expires_at", "ended_at", "ended_because")
    readonly_fields = ("user", "current_jti", "expires_at", "ended_at", "ended_because")
