"""The list of one's receipts, and how far those on their way are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from pages.forms import FilterForm
from pages.templatetags.pages import money, state_kind, state_word
from receipts.models import Receipt
from receipts.states import FINAL, State
from spendsmart.pagination import NewestFirst

POLLED_AT_ONCE = 100

COLUMNS = (
    *("id", "state", "reason", "retry_at", "merchant", "purchased_on", "total", "currency", "category"),
    *("created_at", "duplicate", "duplicate_of", "fallback", "user_id"),
)

TABS = {
    "": ("All", Q()),
    "review": ("To check", Q(state=State.NEEDS_REVIEW)),
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
    found: list[Receipt] = []
    newer = older = None
    if form.is_valid():
        paginator = NewestFirst()
        try:
            found = paginator.paginate_queryset(_filtered(request, tab, form.cleaned_data), Request(request)) or []
        except NotFound as error:  # a cursor that we never gave out
            raise Http404 from error
        newer, older = paginator.get_previous_link(), paginator.get_next_link()
    for receipt in found:
        _dress(receipt)
    context = {
        "form": form,
        "tab": tab,
        "tabs": [(name, label) for name, (label, _) in TABS.items()],
        "receipts": found,
        "narrowed": any(request.GET.get(name) for name in ("since", "until", "category")),
        "to_check": Receipt.objects.filter(user=request.user, state=State.NEEDS_REVIEW).count(),
        "section": "inbox",
        "newer": newer,
        "older": older,
        "filtered": any(value for name, value in request.GET.items() if name != "cursor"),
    }
    return render(request, "pages/inbox.html", context, status=200 if form.is_valid() else 400)


def _dress(receipt: Any) -> None:
    """What the row shows beside the receipt's own columns."""
    receipt.is_final = receipt.state in FINAL
    receipt.says = receipt.reason
    receipt.thumbnail = None


def _filtered(request: HttpRequest, tab: str, given: dict[str, Any]) -> QuerySet[Receipt]:
    found = Receipt.objects.filter(TABS[tab][1], user=request.user).only(*COLUMNS)
    if given["q"]:
        found = found.filter(merchant__icontains=given["q"])
    if given["since"]:
        found = found.filter(purchased_on__gte=given["since"])
    if given["until"]:
        found = found.filter(purchased_on__lte=given["until"])
    if given["category"]:
        found = found.filter(category=given["category"])
    return found


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
        "reason": receipt.reason,
        "merchant": receipt.merchant or "Receipt",
        "date": receipt.purchased_on.isoformat() if receipt.purchased_on else "",
        "total": money(receipt.total, receipt.currency),
        "url": reverse("pages:receipt", args=[receipt.id]),
    }
