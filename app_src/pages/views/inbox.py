"""The list of one's receipts, and how far those on their way are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from pages.forms import FilterForm
from pages.templatetags.pages import money, state_kind, state_word
from pages.words import LOOKS_TWICE, OUTAGES
from receipts import bulk, export, review, signing
from receipts.models import BulkUpload, Duplicate, Receipt
from receipts.search import search
from receipts.states import FINAL, State
from spendsmart.database import from_replica
from spendsmart.pagination import NewestFirst
from spendsmart.security import content_security_policy

POLLED_AT_ONCE = 100
MOST_PAGES = 50
"""Of a search; whoever looks further should look for something else."""

SHOWN_BULK_UPLOADS = 3
SHOWN_FOR = timedelta(days=1)
"""How long a bulk upload stays on top of the inbox; it leaves as soon as all of it is done."""

RECENTLY = timedelta(hours=1)
"""How long a receipt that another reader had to read is taken for a sign that this is still so."""

COLUMNS = (
    *("id", "user_id", "state", "reason", "retry_at", "file_name", "merchant", "purchased_on", "total", "currency"),
    *("category", "created_at", "state_changed_at", "pictures_at", "duplicate", "fallback", "attempts"),
)
TABS = {
    "": ("All", Q()),
    "review": ("To check", Q(state=State.NEEDS_REVIEW) | Q(duplicate=Duplicate.SUSPECTED)),
    "busy": ("Under way", ~Q(state__in=FINAL)),
    "failed": ("Failed", Q(state__in=[State.FAILED, State.REJECTED])),
}


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A page of the list, or of what a search found: `alike` says that nothing fits, but this is similar."""

    receipts: list[Any] = field(default_factory=list)
    alike: bool = False
    newer: str | None = None
    older: str | None = None


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """A tab of the list, narrowed by filters; or, with `q`, what a search over everything finds."""
    form = FilterForm(request.GET)
    tab = request.GET.get("show", "")
    if tab not in TABS:
        raise Http404
    given = form.cleaned_data if form.is_valid() else None
    shown = _Shown()
    if given and given["q"]:
        shown = _searched(request, given["q"], given["page"] or 1)
    elif given:
        shown = _listed(request, tab, given)
    for receipt in shown.receipts:
        receipt.is_final = receipt.state in FINAL
        receipt.says = _says(receipt)
        receipt.thumbnail = signing.thumbnail(receipt)
        receipt.can_retry = review.can_retry(receipt)
    context = {
        "form": form,
        "shown": shown,
        "tab": tab,
        "tabs": [(name, label) for name, (label, _) in TABS.items()],
        "to_check": review.pending(request.user.pk).order_by().count(),
        "bulk_uploads": _bulk_uploads(request),
        "outages": _outages(shown.receipts),
        "narrowed": any(request.GET.get(name) for name in ("since", "until", "category", "bulk_upload")),
        "query": request.GET.urlencode(),
        "section": "inbox",
    }
    response = render(request, "pages/inbox.html", context, status=400 if given is None else 200)
    response.headers["Content-Security-Policy"] = content_security_policy(images=[signing.origin()])
    return response


def _listed(request: HttpRequest, tab: str, given: dict[str, Any]) -> _Shown:
    found = _filtered(request, given).filter(TABS[tab][1]).only(*COLUMNS)
    paginator = NewestFirst()
    try:
        receipts = paginator.paginate_queryset(found, Request(request)) or []
    except NotFound as error:  # a cursor that we never gave out
        raise Http404 from error
    return _Shown(
        receipts=receipts, newer=_query(paginator.get_previous_link()), older=_query(paginator.get_next_link())
    )


def _query(link: str | None) -> str | None:
    """Of an address its query: the scheme that we are asked by is not the browser's where a CDN stands between."""
    return "?" + urlsplit(link).query if link else None


def _searched(request: HttpRequest, query: str, number: int) -> _Shown:
    user: Any = request.user
    size = NewestFirst.page_size
    read = partial(search, user.pk, query, limit=size, offset=size * (number - 1))
    found, _ = from_replica(user.pk, read)
    for hit in found.hits:
        hit.receipt.snippet = hit.snippet

    def link(to: int) -> str:
        return "?" + urlencode({"q": query, "page": to})

    return _Shown(
        receipts=[hit.receipt for hit in found.hits],
        alike=found.alike,
        newer=link(number - 1) if number > 1 else None,
        older=link(number + 1) if found.more and number < MOST_PAGES else None,
    )


@require_safe
@login_required
def export_csv(request: HttpRequest) -> HttpResponseBase:
    """The receipts of a period or another filter, for a spreadsheet."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        raise BadRequest("no such filter")
    user: Any = request.user
    pages = export.pages(
        _filtered(request, form.cleaned_data), user_id=user.pk, layout=export.Layout.RECEIPTS, bom=True
    )
    # What fails at once is an error page; later only the broken connection can tell.
    begin = [piece for _, piece in zip(range(2), pages, strict=False)]
    return StreamingHttpResponse(
        chain(begin, pages),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="receipts.csv"', "Cache-Control": "no-store"},
    )


def _filtered(request: HttpRequest, given: dict[str, Any]) -> QuerySet[Receipt]:
    found = Receipt.objects.filter(user=request.user)
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


def _outages(receipts: Iterable[Receipt]) -> list[str]:
    """What is out of order just now, as the latest receipts show it."""
    lately = timezone.now() - RECENTLY
    reasons = {receipt.fallback for receipt in receipts if receipt.state_changed_at > lately}
    return list(dict.fromkeys(words for reason, words in OUTAGES.items() if reason in reasons))


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
