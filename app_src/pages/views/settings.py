"""One's account: password, sessions, budgets, what was remembered, and leaving."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.exceptions import Throttled

from accounts import tokens
from analytics.models import Budget
from pages.departure import delete_account
from pages.errors import error
from pages.forms import BudgetForm, LeaveForm, PasswordForm
from receipts import remembered
from receipts.models import Receipt, RememberedCorrection

SHOWN = 200


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    return _shown(request)


def _shown(
    request: HttpRequest, *, password: PasswordForm | None = None, budget: BudgetForm | None = None
) -> HttpResponse:
    user: Any = request.user
    context = {
        "password": password or PasswordForm(user=user),
        "budget": budget or BudgetForm(initial={"currency": _usual_currency(user)}),
        "budgets": Budget.objects.filter(user=user).order_by("category", "currency")[:SHOWN],
        "sessions": tokens.active(user).order_by("-created_at")[:SHOWN],
        "remembered": RememberedCorrection.objects.filter(user=user).order_by("merchant", "printed")[:SHOWN],
        "section": "settings",
    }
    return render(request, "pages/settings.html", context, status=400 if password or budget else 200)


@require_POST
@sensitive_post_parameters()
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = PasswordForm(request.POST, user=user)
    try:
        if not form.is_valid():
            return _shown(request, password=form)
    except Throttled as refusal:
        return error(request, 429, wait=refusal.wait)
    tokens.change_password(user, form.cleaned_data["new_password"])
    update_session_auth_hash(request, user)  # this browser stays logged in
    messages.success(request, "Your password is changed. Every other session has ended.")
    return redirect("pages:settings")


@require_POST
@login_required
def end_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    user: Any = request.user
    if not tokens.end_one(user, session_id):
        raise Http404
    messages.success(request, "That session has ended.")
    return redirect("pages:settings")


@require_POST
@login_required
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    tokens.end_all(user, because="everywhere")
    logout(request)
    messages.success(request, "You are logged out everywhere.")
    return redirect("pages:landing")


@require_POST
@login_required
def set_budget(request: HttpRequest) -> HttpResponse:
    form = BudgetForm(request.POST)
    if not form.is_valid():
        return _shown(request, budget=form)
    given = form.cleaned_data
    Budget.objects.update_or_create(
        user=request.user,
        category=given["category"],
        currency=given["currency"],
        defaults={"monthly_amount": given["monthly_amount"]},
    )
    messages.success(request, "The budget is set.")
    return redirect("pages:settings")


@require_POST
@login_required
def delete_budget(request: HttpRequest, budget_id: UUID) -> HttpResponse:
    get_object_or_404(Budget, id=budget_id, user=request.user).delete()
    messages.success(request, "The budget is gone.")
    return redirect("pages:settings")


@require_POST
@login_required
def apply_memory(request: HttpRequest, memory_id: int) -> HttpResponse:
    """What was remembered holds for earlier receipts, too, but for those that somebody corrected."""
    memory = get_object_or_404(RememberedCorrection, id=memory_id, user=request.user)
    changed = remembered.apply_to_earlier(memory)
    messages.success(request, f"{changed} earlier receipt{'' if changed == 1 else 's'} changed.")
    return redirect("pages:settings")


@require_POST
@login_required
def forget(request: HttpRequest, memory_id: int) -> HttpResponse:
    get_object_or_404(RememberedCorrection, id=memory_id, user=request.user).delete()
    messages.success(request, "Forgotten. Receipts that were changed by it stay as they are.")
    return redirect("pages:settings")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@login_required
def leave(request: HttpRequest) -> HttpResponse:
    """Delete the account: asked a second time, with the password."""
    user: Any = request.user
    form = LeaveForm(request.POST if request.method == "POST" else None, user=user)
    try:
        if request.method == "POST" and form.is_valid():
            delete_account(user)
            logout(request)
            messages.success(request, "Your account is deleted, with all receipts and pictures.")
            return redirect("pages:landing")
    except Throttled as refusal:
        return error(request, 429, wait=refusal.wait)
    context = {"form": form, "receipts": Receipt.objects.filter(user=user).count(), "section": "settings"}
    return render(request, "pages/leave.html", context, status=400 if form.errors else 200)


def _usual_currency(user: Any) -> str:
    newest = Receipt.objects.filter(user=user).exclude(currency="").values_list("currency", flat=True)
    return newest.order_by("-created_at", "-id").first() or ""
