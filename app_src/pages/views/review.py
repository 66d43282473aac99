"""One receipt: the picture beside what was read of it, to be confirmed or put right."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pages.boxes import UNSURE, boxes_of
from pages.forms import ItemForms, ReviewForm
from pages.words import doubts_by_field, notices
from receipts import corrections, duplicates, pictures, rereading, review, signing, tasks
from receipts.models import Duplicate, LineItem, Receipt
from receipts.states import FINAL, READ, State
from spendsmart.security import content_security_policy

FIELDS = ("merchant", "purchased_on", "category", "total", "currency", "payment", "subtotal", "tax", "tip", "address")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def page(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    receipt = _mine(request, receipt_id)
    items = list(receipt.items.all())
    place = review.place(receipt)
    onward = place.next if receipt.state == State.NEEDS_REVIEW else None
    sent = request.POST if request.method == "POST" and receipt.state in READ else None
    form = ReviewForm(sent, initial={name: getattr(receipt, name) for name in FIELDS})
    lines = ItemForms(sent, initial=[_line(item) for item in items], prefix="items")
    if sent is not None and form.is_valid() and lines.is_valid():
        try:
            done = corrections.correct(
                receipt,
                changes={name: form.cleaned_data[name] for name in form.changed_data if name in FIELDS},
                lines=list(_kept(lines, items)) if lines.has_changed() else None,
                remember=form.cleaned_data["remember"],
            )
        except corrections.CannotCorrectError as error:
            form.add_error(None, str(error))
        else:
            _tell(request, done)
            return redirect("pages:receipt", onward) if onward else redirect("pages:inbox")
    return _shown(request, receipt, items, form=form, lines=lines, place=place)


def _shown(
    request: HttpRequest,
    receipt: Receipt,
    items: list[LineItem],
    *,
    form: ReviewForm,
    lines: Any,
    place: review.Place,
) -> HttpResponse:
    says = doubts_by_field(receipt, items)
    unsure = {name for name, sure in receipt.confidence.items() if isinstance(sure, int | float) and sure < UNSURE}
    for name in form.fields.keys() & (says.keys() | unsure):
        # Besides the error, which Django would name if nothing else were named.
        form.fields[name].widget.attrs["aria-describedby"] = f"says_{name} {form[name].auto_id}_error"
    found = signing.addresses(receipt)
    context = {
        "receipt": receipt,
        "editable": receipt.state in READ,
        "busy": receipt.state not in FINAL,
        "can_retry": review.can_retry(receipt),
        "form": form,
        "lines": lines,
        "fields": [(form[name], says.get(name, []), name in unsure) for name in FIELDS],
        "says": says.get("", []),
        "items_say": says.get("items", []),
        "notices": notices(receipt),
        "can_reread": bool(receipt.fallback) and receipt.state in READ and not receipt.corrected_at,
        "photo": found.photo,
        "boxes": boxes_of(receipt, items, doubtful=unsure | says.keys()),
        "twin": _twin(receipt),
        "thumbnail": found.thumbnail,
        "place": place,
        "section": "inbox",
    }
    faulty = bool(form.errors) or any(lines.errors)
    response = render(request, "pages/review.html", context, status=400 if faulty else 200)
    response.headers["Content-Security-Policy"] = content_security_policy(images=[signing.origin()])
    return response


@require_POST
@login_required
def retry(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    receipt = _mine(request, receipt_id)
    try:
        review.retry(receipt)
        messages.success(request, "It will be read once more.")
    except review.CannotRetryError as error:
        messages.error(request, str(error))
    return redirect("pages:receipt", receipt_id)


@require_POST
@login_required
def reread(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """Have the better reader read it, where the simpler one had to."""
    receipt = _mine(request, receipt_id)
    try:
        rereading.ask(receipt)
    except rereading.CannotRereadError as error:
        messages.error(request, str(error))
    else:
        tasks.send_reread(receipt.id)
        messages.success(request, "The better reader is asked. Until it has answered, nothing changes.")
    return redirect("pages:receipt", receipt_id)


@require_POST
@login_required
def decide(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    """Whether it is the same receipt as another, or one of its own."""
    receipt = _mine(request, receipt_id)
    same = request.POST.get("decision") == "same"
    if duplicates.decide(receipt, Duplicate.CONFIRMED if same else Duplicate.DISMISSED):
        messages.success(
            request,
            "It counts once from now on." if same else "Both count from now on.",
        )
    return redirect("pages:receipt", receipt_id)


@require_POST
@login_required
def delete(request: HttpRequest, receipt_id: UUID) -> HttpResponse:
    pictures.delete(_mine(request, receipt_id))
    messages.success(request, "The receipt and its pictures are deleted.")
    return redirect("pages:inbox")


def _mine(request: HttpRequest, receipt_id: UUID) -> Receipt:
    return get_object_or_404(Receipt, id=receipt_id, user=request.user)


def _tell(request: HttpRequest, done: corrections.Correction) -> None:
    messages.success(request, f"Saved: {done.receipt.merchant}.")
    for warning in done.warnings:
        messages.warning(request, f"{warning} We kept it as you said.")
    if done.memory:
        name = done.memory.merchant
        messages.info(request, f"Remembered: receipts like this one are {name}. The settings can change earlier ones.")


def _twin(receipt: Receipt) -> Receipt | None:
    """The other receipt that this one may be a second picture of."""
    if not receipt.duplicate_of_id or receipt.duplicate not in {Duplicate.SUSPECTED, Duplicate.CONFIRMED}:
        return None
    found: Any = Receipt.objects.filter(id=receipt.duplicate_of_id, user_id=receipt.user_id).defer("text").first()
    if found:
        found.thumbnail = signing.thumbnail(found)
    return found


def _line(item: LineItem) -> dict[str, Any]:
    return {"description": item.description, "quantity": _plain(item.quantity), "price": item.price}


def _plain(quantity: Decimal) -> Decimal:
    """`2.000` as 2, and 10 not as `1E+1`."""
    whole = quantity.to_integral_value()
    return whole if whole == quantity else quantity.normalize()


def _kept(lines: Any, items: list[LineItem]) -> Iterator[dict[str, Any]]:
    """The lines as they shall be; what a piece costs, which is not shown, stays with a line left alone."""
    for position, line in enumerate(lines):
        if not line.cleaned_data or line.cleaned_data["DELETE"]:
            continue
        alone = position < len(items) and not line.has_changed()
        yield {
            "description": line.cleaned_data["description"],
            "quantity": line.cleaned_data["quantity"],
            "unit_price": items[position].unit_price if alone else None,
            "price": line.cleaned_data["price"],
        }
