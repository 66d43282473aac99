"""The audit log of what staff does: every call of the support endpoints, and every request to the admin site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.http import HttpRequest, HttpResponse

from accounts.models import AuditEntry, User

_TARGET_CHARACTERS = 500
_ADMIN_PAGES_WITHOUT_DATA = {"login", "logout", "jsi18n", "index", "app_list", None}


def record(request: Any, *, action: str, subject_id: UUID | None, reason: str = "") -> AuditEntry:
    """Write an entry for this request. Written before the answer is made: what cannot be logged is not shown."""
    entry = AuditEntry.objects.create(
        actor_id=request.user.pk,
        actor_email=request.user.email,
        subject_id=subject_id,
        action=action,
        target=request.get_full_path()[:_TARGET_CHARACTERS],
        reason=reason,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:100],
    )
    structlog.get_logger(__name__).info("staff_access", action=action, actor=str(entry.actor_id), entry=entry.pk)
    return entry


class AdminAuditMiddleware:
    """Logs what staff looks at and does in the admin site, views included: Django's own log has changes only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, arguments: dict[str, Any]) -> None:
        match = request.resolver_match
        if match is None or match.app_name != "admin" or match.url_name in _ADMIN_PAGES_WITHOUT_DATA:
            return
        if isinstance(request.user, User) and request.user.is_active and request.user.is_staff:
            subject = _subject(str(match.url_name), str(arguments.get("object_id") or arguments.get("id") or ""))
            record(request, action=f"admin {request.method} {match.url_name}", subject_id=subject)


def _subject(page: str, key: str) -> UUID | None:
    """Whose data an admin page about one object shows, by the page's name: `receipts_receipt_change`."""
    app, _, rest = page.partition("_")
    model_name = rest.partition("_")[0] if page != "auth_user_password_change" else "user"
    try:
        model = User if page == "auth_user_password_change" else apps.get_model(app, model_name)
        model._meta.get_field("id" if model is User else "user")
        found = model._default_manager.filter(pk=key).values_list("pk" if model is User else "user_id", flat=True)
        return found.first() if key else None
    except (LookupError, FieldDoesNotExist, ValidationError, ValueError):
        return None
