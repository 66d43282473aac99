"""Where the money goes."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analytics.models import BudgetAlert
from analytics.months import after, month_of, today
from pages import spending
from pages.forms import PeriodForm


@require_safe
@never_cache
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The last twelve months, unless another period is asked for; `all` for everything, dates unknown included."""
    form = PeriodForm(request.GET or {"since": _a_year_ago()})
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    user: Any = request.user
    context = {
        "form": form,
        "periods": _periods(),
        "currencies": spending.currencies(user_id=user.pk, since=chosen["since"], until=chosen["until"])
        if chosen
        else [],
        "budgets": spending.budgets(user.pk),
        "alerts": spending.alerts(user.pk),
        "habits": spending.habits(user.pk),
        "query": request.GET.urlencode(),
        "export_query": urlencode({name: day for name, day in chosen.items() if day}),
        "section": "spending",
    }
    return render(request, "pages/spending.html", context, status=200 if chosen else 400)


@require_POST
@login_required
def dismiss(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    alert = get_object_or_404(BudgetAlert, id=alert_id, user=request.user)
    if alert.dismissed_at is None:
        alert.dismissed_at = timezone.now()
        alert.save(update_fields=["dismissed_at"])
    return redirect("pages:spending")


def _periods() -> list[tuple[str, str]]:
    """What is asked for most, by the query of its link."""
    this = month_of(today())
    return [
        ("Month", f"since={this}"),
        ("3 months", f"since={after(this, -2)}"),
        ("12 months", f"since={_a_year_ago()}"),
        ("All", "since=&until="),
    ]


def _a_year_ago() -> date:
    return after(month_of(today()), -11)
