"""One receipt: the picture beside what was read of it, to be confirmed or put right."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pages import pictures
from pages.boxes import UNSURE, boxes_of
from pages.corrections import correct
from pages.forms import ItemForm, ItemForms, ReviewForm
from pages.origins import bucket_origin
from pages.words import doubts_by_field, notices
from receipts import storage
from receipts.models import LineItem, Receipt
from receipts.states import FINAL, READ, State
from spendsmart.security import content_security_policy

FIELDS = ("merchant", "purchased_on", "category", "total", "currency", "subtotal", "tax", "tip", "address")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def page(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    receipt = get_object_or_404(Receipt, id=receipt_id, user=request.user)
    items = list(receipt.items.all())
    following = _next_to_check(receipt)
    if request.method == "POST" and receipt.state in READ:
        form, lines = ReviewForm(request.POST, initial=_initial(receipt)), ItemForms(request.POST, prefix="items")
        if form.is_valid() and lines.is_valid():
            if correct(receipt, form=form.cleaned_data, lines=_kept(lines)):
                messages.success(request, f"Saved: {form.cleaned_data['merchant']}.")
                onward = following is not None and receipt.state == State.NEEDS_REVIEW
                return redirect("pages:receipt", following) if onward and following else redirect("pages:inbox")
            form.add_error(None, "The receipt changed while you were looking at it. Reload the page.")
    else:
        form, lines = ReviewForm(initial=_initial(receipt)), ItemForms(initial=_lines(items), prefix="items")
    says = doubts_by_field(receipt, items)
    unsure = {name for name, sure in receipt.confidence.items() if isinstance(sure, int | float) and sure < UNSURE}
    context = {
        "receipt": receipt,
        "editable": receipt.state in READ,
        "busy": receipt.state not in FINAL,
        "form": form,
        "lines": lines,
        "fields": [(form[name], says.get(name, []), name in unsure) for name in FIELDS],
        "says": says.get("", []),
        "items_say": says.get("items", []),
        "notices": notices(receipt),
        "picture": pictures.original(receipt) if receipt.state != State.AWAITING_UPLOAD else None,
        "boxes": boxes_of(receipt, items, doubtful=unsure | says.keys()),
        "next": following,
        "section": "inbox",
    }
    response = render(request, "pages/review.html", context, status=400 if form.errors or any(lines.errors) else 200)
    response.headers["Content-Security-Policy"] = content_security_policy(images=[bucket_origin()])
    return response


@require_POST
@login_required
def delete(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    receipt = get_object_or_404(Receipt.objects.defer("text"), id=receipt_id, user=request.user)
    storage.delete(receipt.key)
    receipt.delete()
    messages.success(request, "The receipt and its picture are deleted.")
    return redirect("pages:inbox")


def _next_to_check(receipt: Receipt) -> UUID | None:
    waiting = Receipt.objects.filter(user_id=receipt.user_id, state=State.NEEDS_REVIEW).exclude(id=receipt.id)
    return waiting.order_by("-created_at", "-id").values_list("id", flat=True).first()


def _initial(receipt: Receipt) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in FIELDS}


def _lines(items: list[LineItem]) -> list[dict[str, Any]]:
    return [
        {"description": item.description, "quantity": item.quantity.normalize(), "price": item.price} for item in items
    ]


def _kept(lines: BaseFormSet[ItemForm]) -> list[dict[str, Any]]:
    return [line.cleaned_data for line in lines if line.cleaned_data and not line.cleaned_data.get("DELETE")]
