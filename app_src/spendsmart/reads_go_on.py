"""While the writer is away, requests that only read are answered by the replica, sessions and all.

What they see may be as old as the replica is, which is better than nothing and is what `X-Read-From` says elsewhere. A
session that was ended in the last moments before may still read. That something is not there is no answer of a replica
that may be behind: nobody is logged out, and nothing is said to be gone, before the writer says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.http import Http404, HttpRequest, HttpResponse

from pages.errors import database_is_away
from pages.errors import error as error_page
from spendsmart.database import is_away, is_read_from, reads_from

REST_SECONDS = 2.0
"""How long the writer is not asked after it failed. Then one of a process's threads asks, and the others go on with the
replica meanwhile: who asks a writer that hangs waits for as long as PgBouncer lets a statement run."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ABSENT = frozenset({401, 403, 404})
log = structlog.get_logger(__name__)


class _Writer:
    """What this process knows of the writer."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self.forget()

    @property
    def away(self) -> bool:
        """Whether it has failed and not answered since; asks it where that is due."""
        if self._well:
            return False
        if time.monotonic() >= self._ask_at and self._asking.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._asking.release()
        return not self._well

    def failed(self, error: Exception) -> None:
        log.warning("writer_failed", error=str(error).strip())
        connections["default"].close()
        self._ask_at = time.monotonic() + REST_SECONDS
        self._well = False

    def forget(self) -> None:
        """Know nothing, as after the start."""
        self._well, self._ask_at = True, 0.0

    def _ask(self) -> None:
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT 1")
        except (OperationalError, InterfaceError) as error:
            self.failed(error)
        else:
            self._well = True


writer = _Writer()


class ReadsGoOnMiddleware:
    """Innermost, so that it is asked first what to do about a view's exception."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in _SAFE or not writer.away:
            return self.get_response(request)
        with reads_from("reader"):
            response = self.get_response(request)
        return _not_known(request) if response.status_code in _ABSENT else response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_away(exception):
            return None
        if request.method not in _SAFE or is_read_from("reader") or request.resolver_match is None:
            return None
        writer.failed(exception)
        match = request.resolver_match
        try:
            with reads_from("reader"):
                response: HttpResponse = match.func(request, *match.args, **match.kwargs)
                render = getattr(response, "render", None)
                response = render() if render else response
        except Http404:
            return _not_known(request)
        except (DatabaseError, InterfaceError) as error:
            if not is_away(error):
                raise
            log.warning("replica_cannot_answer_either", error=str(error).strip())
            return None
        return _not_known(request) if response.status_code in _ABSENT else response


def _not_known(request: HttpRequest) -> HttpResponse:
    if not request.path.startswith("/api/"):
        return error_page(request, 503, wait=REST_SECONDS)
    return database_is_away(wait=REST_SECONDS)
