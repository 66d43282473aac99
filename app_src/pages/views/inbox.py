"""The list of one's receipts, and how far those on their way are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from pages.forms import FilterForm
from pages.templatetags.pages import money, state_kind, state_word
from pages.words import LOOKS_TWICE
from receipts import bulk, review, signing
from receipts.models import BulkUpload, Duplicate, Receipt
from receipts.states import FINAL, State
from spendsmart.pagination import NewestFirst
from spendsmart.security import content_security_policy

POLLED_AT_ONCE = 100
SHOWN_BULK_UPLOADS = 3
SHOWN_FOR = timedelta(days=1)
"""How long a bulk upload stays on top of the inbox; it leaves as soon as all of it is done."""

COLUMNS = (
    *("id", "user_id", "state", "reason", "retry_at", "file_name", "merchant", "purchased_on", "total", "currency"),
    *("category", "created_at", "pictures_at", "duplicate"),
)
TABS = {
    "": ("All", Q()),
    "review": ("To check", Q(state=State.NEEDS_REVIEW) | Q(duplicate=Duplicate.SUSPECTED)),
    "busy": ("Under way", ~Q(state__in=FINAL)),
    "failed": ("Failed", Q(state__in=[State.FAILED, State.REJECTED])),
}


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    form = FilterForm(request.GET)
    tab = request.GET.get("show", "")
    if tab not in TABS:
        raise Http404
    found: list[Any] = []
    newer = older = None
    if form.is_valid():
        paginator = NewestFirst()
        try:
            found = paginator.paginate_queryset(_filtered(request, tab, form.cleaned_data), Request(request)) or []
        except NotFound as error:  # a cursor that we never gave out
            raise Http404 from error
        newer, older = paginator.get_previous_link(), paginator.get_next_link()
    for receipt in found:
        receipt.is_final = receipt.state in FINAL
        receipt.says = _says(receipt)
        receipt.thumbnail = signing.thumbnail(receipt)
    context = {
        "form": form,
        "tab": tab,
        "tabs": [(name, label) for name, (label, _) in TABS.items()],
        "to_check": review.pending(request.user.pk).order_by().count(),
        "bulk_uploads": _bulk_uploads(request),
        "receipts": found,
        "newer": newer,
        "older": older,
        "narrowed": any(request.GET.get(name) for name in ("since", "until", "category")),
        "filtered": any(value for name, value in request.GET.items() if name != "cursor"),
        "section": "inbox",
    }
    response = render(request, "pages/inbox.html", context, status=200 if form.is_valid() else 400)
    response.headers["Content-Security-Policy"] = content_security_policy(images=[signing.origin()])
    return response


def _filtered(request: HttpRequest, tab: str, given: dict[str, Any]) -> QuerySet[Receipt]:
    found = Receipt.objects.filter(TABS[tab][1], user=request.user).only(*COLUMNS)
    if given["q"]:
        found = found.filter(merchant__icontains=given["q"])
    if given["since"]:
        found = found.filter(purchased_on__gte=given["since"])
    if given["until"]:
        found = found.filter(purchased_on__lte=given["until"])
    for name in ("category", "bulk_upload"):
        if given[name]:
            found = found.filter(**{name: given[name]})
    return found


def _says(receipt: Receipt) -> str:
    if receipt.duplicate == Duplicate.SUSPECTED:
        return f"{LOOKS_TWICE} {receipt.reason}".strip()
    return receipt.reason


def _bulk_uploads(request: HttpRequest) -> list[Any]:
    """Those of the last day that are not done."""
    recent: Any = BulkUpload.objects.filter(user=request.user, created_at__gt=timezone.now() - SHOWN_FOR)
    recent = list(recent[:SHOWN_BULK_UPLOADS])
    progress = bulk.progress([upload.id for upload in recent])
    for upload in recent:
        upload.progress = progress[upload.id]
    return [upload for upload in recent if upload.progress.done < upload.progress.total]


@require_safe
@never_cache
@login_required
def progress(request: HttpRequest) -> HttpResponse:
    """How far the receipts with the given ids are; one that is not the user's own is not in the answer."""
    try:
        ids = [UUID(text) for text in request.GET.getlist("id")[:POLLED_AT_ONCE]]
    except ValueError as error:
        raise BadRequest("not an id") from error
    found = Receipt.objects.filter(user=request.user, id__in=ids).only(*COLUMNS)
    return JsonResponse({"receipts": [_progress(receipt) for receipt in found]})


def _progress(receipt: Receipt) -> dict[str, Any]:
    return {
        "id": receipt.id,
        "final": receipt.state in FINAL,
        "state": state_word(receipt),
        "kind": state_kind(receipt),
        "reason": _says(receipt),
        "merchant": receipt.merchant or receipt.file_name or "Receipt",
        "date": f"{receipt.purchased_on:%-d %b %Y}" if receipt.purchased_on else "",
        "total": money(receipt.total, receipt.currency),
        "thumbnail": signing.thumbnail(receipt),
        "url": reverse("pages:receipt", args=[receipt.id]),
    }
