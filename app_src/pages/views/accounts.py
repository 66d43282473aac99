"""The door: landing page, registration, log in and out."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import AuthenticationFailed, Throttled

from accounts import login as door
from accounts import registration
from accounts.throttles import AccountThrottle, AddressThrottle
from pages.errors import error
from pages.forms import LoginForm, RegisterForm
from pages.throttling import wait_of

INBOX = "pages:inbox"


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(INBOX)
    return render(request, "pages/landing.html")


@never_cache
@sensitive_post_parameters("password")
def register(request: HttpRequest) -> HttpResponse:
    """A new account. An address that has one already gets the same answer, so nobody can ask who has."""
    if request.user.is_authenticated:
        return redirect(INBOX)
    form = RegisterForm(request.POST or None)
    if request.method == "POST":
        if (wait := wait_of(request, AddressThrottle(), AccountThrottle())) is not None:
            return error(request, 429, wait=wait)
        if form.is_valid():
            registration.register(form.cleaned_data["email"], form.cleaned_data["password"])
            messages.success(
                request, "Done. Log in now; if you had an account before, the password you chose then still holds."
            )
            return redirect("pages:login")
    return render(request, "pages/register.html", {"form": form}, status=400 if form.errors else 200)


@never_cache
@sensitive_post_parameters("password")
def log_in(request: HttpRequest) -> HttpResponse:
    after = _after_login(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(after)
    form = LoginForm(request.POST or None)
    if request.method == "POST":
        if (wait := wait_of(request, AddressThrottle(), AccountThrottle())) is not None:
            return error(request, 429, wait=wait)
        if form.is_valid():
            try:
                user = door.log_in(request, **form.cleaned_data)
            except Throttled as refusal:
                return error(request, 429, wait=refusal.wait)
            except AuthenticationFailed:
                form.add_error(None, "Wrong address or password.")
            else:
                login(request, user)  # under a new session key
                response = HttpResponseRedirect(after)
                door.remember_device(request, response, email=user.email)
                return response
    return render(
        request, "pages/login.html", {"form": form, "next": request.GET.get("next")}, status=400 if form.errors else 200
    )


def _after_login(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    # Only to our own pages: a link to the login must not lead elsewhere.
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return resolve_url(INBOX)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, "You are logged out.")
    return redirect("pages:landing")
