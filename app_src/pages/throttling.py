"""The API's throttles for the pages: one count for both doors."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


def wait_of(request: HttpRequest, *throttles: BaseThrottle) -> float | None:
    """Seconds until another try is allowed; None when this one is."""
    asked = Request(request, parsers=[FormParser(), MultiPartParser()])
    view: Any = None
    refused = [throttle for throttle in throttles if not throttle.allow_request(asked, view)]
    return max((throttle.wait() or 60.0 for throttle in refused), default=None)
