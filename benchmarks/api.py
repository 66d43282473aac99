"""Requests per CPU-second of the endpoints that list and sum, beside a plain Django REST framework ModelViewSet.

The same rows, settings, middleware, access token and authentication on both sides, in one process, which calls the
WSGI application directly. PostgreSQL and Valkey (behind TLS) are real servers in other processes; what they take is
not counted. The two sides take turns in short blocks, and the median block counts: other work on the machine hits both.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import measure

ROOT = Path(__file__).resolve().parent.parent
PATHS = [str(ROOT / folder) for folder in ("app_src", "tests/app/service", "tests/app/sidecar")]
OUT = ROOT / "out" / "bench" / "api.json"

RECEIPTS, USERS, HEAVY = 20_000, 200, 2_000
BLOCKS, REQUESTS = 9, 60
"""Blocks of each side, and requests in a block."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One endpoint, and the plain one `beside` it, which answers the same; `uncached` forgets figures before each."""

    name: str
    path: str
    beside: str
    uncached: bool = False


LIST, PLAIN_LIST = "/api/v1/receipts/", "/plain/receipts/"
MONTHS, PLAIN_MONTHS = "/api/v1/analytics/month/", "/plain/receipts/month/"
MERCHANTS, PLAIN_MERCHANTS = "/api/v1/analytics/merchant/", "/plain/receipts/merchant/"
CASES = (
    Case(name="list of 20 receipts with their lines", path=LIST, beside=PLAIN_LIST),
    Case(name="spending by month", path=MONTHS, beside=PLAIN_MONTHS),
    Case(name="spending by month, computed each time", path=MONTHS, beside=PLAIN_MONTHS, uncached=True),
    Case(name="spending by merchant, computed each time", path=MERCHANTS, beside=PLAIN_MERCHANTS, uncached=True),
    Case(name="spending by month, beside a list", path=MONTHS, beside=PLAIN_LIST),
)


def main() -> None:
    """Start the servers, measure in a process of its own, print the table and write OUT."""
    sys.path[:0] = PATHS
    import conftest

    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, conftest.ENVIRONMENT))
        stack.callback(conftest.pytest_unconfigure)
        stack.enter_context(conftest.started())
        said = subprocess.run(
            [sys.executable, "-m", "benchmarks.api", "measure"], cwd=ROOT, check=True,
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *PATHS])},
        )  # fmt: skip
    rows = json.loads(said.stdout.splitlines()[-1])
    report(rows)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"machine": measure.machine(), "rows": rows}, indent=2) + "\n", encoding="utf-8")


def report(rows: list[dict[str, Any]]) -> None:
    print(f"{'requests per CPU-second':<44}{'plain DRF':>10}{'ours':>8}")
    for row in rows:
        print(f"{row['case']['name']:<44}{row['plain']:>10.0f}{row['ours']:>8.0f}  ×{row['ours'] / row['plain']:.2f}")


def run() -> list[dict[str, Any]]:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ROOT_URLCONF = "benchmarks.api_urls"
    call_command("migrate", verbosity=0)
    import many_receipts

    from accounts import tokens

    user, _ = many_receipts.load(RECEIPTS, USERS, HEAVY)
    # A token each: it ends after ten minutes, which a busy machine may need.
    return [_measured(Client(tokens.begin(user).access), case, user.pk) for case in CASES]


class Client:
    """Calls the WSGI application as a server would, with nothing between."""

    def __init__(self, token: str, *, more: Callable[[], dict[str, str]] = dict) -> None:
        """`more` gives further variables for each request."""
        from spendsmart.wsgi import application

        self._application = application
        self._token = token
        self._more = more

    def get(self, path: str) -> bytes:
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "testserver",
            "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}", "HTTP_ACCEPT": "application/json", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
            "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
            **self._more(),
        }  # fmt: skip
        status: list[str] = []
        answer = self._application(environ, lambda line, headers, exc_info=None: status.append(line))  # noqa: ARG005
        body = b"".join(answer)
        answer.close()
        assert status == ["200 OK"], (path, status, body[:300])
        return body


def _measured(client: Client, case: Case, user_id: Any) -> dict[str, Any]:
    forget = _forgetting(user_id) if case.uncached else None
    same = json.loads(client.get(case.path)), json.loads(client.get(case.beside))
    if case.beside != PLAIN_LIST or case.path == LIST:
        assert same[0]["results"] == same[1]["results"], "the two sides answer differently"
    plain, ours = [], []
    for block in range(BLOCKS + 1):
        figures_of = (_block(client, case.beside), _block(client, case.path, before=forget))
        if block:  # the first warms up
            plain.append(figures_of[0])
            ours.append(figures_of[1])
    return {"case": asdict(case), "plain": statistics.median(plain), "ours": statistics.median(ours)}


def _forgetting(user_id: Any) -> Callable[[], None]:
    """Takes a user's figures out of the cache; there have to be some."""
    from spendsmart import cache

    pattern = cache.key("figures", user_id, "*")

    def forget() -> None:
        kept = list(cache.client().scan_iter(pattern, count=1000))
        assert kept, "nothing was kept: each answer would be computed anyway"
        cache.client().delete(*kept)

    return forget


def _block(client: Client, path: str, *, before: Callable[[], None] | None = None) -> float:
    """Requests per CPU-second of this process. What is done `before` each is not counted."""
    taken = 0.0
    for _ in range(REQUESTS):
        if before:
            before()
        begun = time.process_time()
        client.get(path)
        taken += time.process_time() - begun
    return REQUESTS / taken


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(run()))
    else:
        print(f"Machine: {measure.machine()}\n")
        main()
