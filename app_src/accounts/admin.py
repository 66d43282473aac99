from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.http import HttpRequest

from accounts import tokens
from accounts.models import AuditEntry, TokenFamily, User


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class PasswordForm(AdminPasswordChangeForm):
    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        tokens.end_all(user, because="password")
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    add_form = NewUserForm
    change_password_form = PasswordForm
    list_display = ("email", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "groups")
    search_fields = ("email",)
    ordering = ("email",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "is_active", "last_login", "created_at")}),
        ("Rights", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)


@admin.register(TokenFamily)
class TokenFamilyAdmin(admin.ModelAdmin):
    list_display = ("user", "created_at", "last_used_at", "expires_at", "ended_at", "ended_because")
    list_select_related = ("user",)
    readonly_fields = ("user", "current_jti", "previous_jti", "expires_at", "ended_at", "ended_because", "last_used_at")
    fields = (*readonly_fields, "user_agent")


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    """To read: nobody adds, changes or deletes an entry here."""

    list_display = ("created_at", "actor_email", "action", "subject_id", "reason")
    search_fields = ("actor_email", "subject_id", "request_id")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
