"""Hostile clients against the real load balancer and the real application: refused, and nobody else notices.

On AWS the load balancer is another one, with desync mitigation `strictest` (docs/security/hostile-clients.md).
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import httpx2
import pytest

from localcloud import commands, demo
from localcloud.drill.overload.flood import Flood

pytestmark = pytest.mark.endtoend

HIDDEN = f"/hidden-{secrets.token_hex(4)}/"
PATIENCE = 15.0
"""Seconds: longer than a request may take to arrive."""


class Site:
    """The load balancer's address, by bare sockets."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self.host = parts.netloc
        self._address = (str(parts.hostname), parts.port or 80)

    def connect(self, sent: bytes = b"") -> socket.socket:
        link = socket.create_connection(self._address, timeout=PATIENCE)
        link.sendall(sent)
        return link

    def head(self, method: str, path: str, *headers: str) -> bytes:
        return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {self.host}", *headers, ""]).encode()

    def statuses(self, sent: bytes) -> list[int]:
        """Of all that comes back until the server closes, or for a second says nothing more."""
        with self.connect(sent) as link:
            return _statuses(link)


def _statuses(link: socket.socket, *, silence: float = 1.0) -> list[int]:
    found = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        while data := link.recv(65_536):
            found += data
            link.settimeout(silence)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", found)]


@pytest.fixture(scope="module")
def site(client: demo.Client) -> Site:
    return Site(commands.web_url())


@pytest.fixture
def others(site: Site) -> Iterator[None]:
    """Nobody else gets another's answer afterwards, on whichever connection to a task."""
    yield
    with httpx2.Client(base_url=site.url, timeout=PATIENCE) as http:
        for number in range(12):
            answer = http.get(f"/login/?number={number}")
            assert answer.status_code == 200 and "Log in" in answer.text


AMBIGUOUS = {
    "CL.TE": ("Content-Length: 6", "Transfer-Encoding: chunked", "", "0", "", "G"),
    "TE.CL": ("Transfer-Encoding: chunked", "Content-Length: 3", "", "2c", f"GET {HIDDEN} HTTP/1.1", "", "0", ""),
    "TE.TE": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "", "0", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "TE in disguise": ("Transfer-Encoding: xchunked", "Content-Length: 3", "", "0", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "TE with a space": ("Transfer-Encoding : chunked", "Content-Length: 3", "", "0", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "two lengths": ("Content-Length: 0", "Content-Length: 40", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "a list of lengths": ("Content-Length: 0, 40", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "a signed length": ("Content-Length: +0", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "NUL in a header": ("X: a\0b", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "a header without a name": (": value", "", f"GET {HIDDEN} HTTP/1.1", ""),
}  # fmt: skip
TOLERATED = {
    # Envoy makes these whole before it passes them on; what counts is that there is one meaning from then on.
    "obs-fold": ("X: a", " Content-Length: 40", "", ""),
    "bare CR": ("X: a\rContent-Length: 40", "", f"GET {HIDDEN} HTTP/1.1", ""),
    "bare LF": ("X: a\nY: b", "Content-Length: 0", "", ""),
    "expect": ("Expect: 100-continue", "Content-Length: 2", "", "{}"),
    "upgrade to h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__",
                       "Content-Length: 0", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("attack", AMBIGUOUS)
@pytest.mark.usefixtures("others")
def test_what_two_servers_could_read_in_two_ways_is_refused(site: Site, attack: str) -> None:
    sent = site.head("POST", "/login/", *AMBIGUOUS[attack])
    found = [site.statuses(sent) for _ in range(3)]
    assert all(answers and answers[0] in (400, 411, 501) and len(answers) == 1 for answers in found), found


@pytest.mark.parametrize("attack", TOLERATED)
@pytest.mark.usefixtures("others")
def test_what_is_only_unusual_has_one_meaning(site: Site, attack: str) -> None:
    sent = site.head("POST", "/login/", *TOLERATED[attack])
    found = [site.statuses(sent) for _ in range(3)]
    assert not [status for answers in found for status in answers if status in (101, 404) or status >= 500], found


@pytest.mark.usefixtures("others")
def test_an_address_in_the_request_line_is_judged_as_host(site: Site) -> None:
    assert site.statuses(site.head("GET", "http://evil.example/login/", "Connection: close", "")) == [400]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost@evil.example", "evil.example\r\nX-Forwarded-Host: localhost"]
)
@pytest.mark.usefixtures("others")
def test_another_host_is_refused(site: Site, host: str) -> None:
    sent = f"GET /login/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert site.statuses(sent) == [400]


@pytest.mark.usefixtures("others")
def test_slow_clients_keep_nobody_waiting(site: Site, client: demo.Client) -> None:
    body = site.head("POST", "/api/v1/auth/login/", "Content-Type: application/json", "Content-Length: 60", "", "{")
    headers = f"GET /login/ HTTP/1.1\r\nHost: {site.host}\r\nX-Slow: ".encode()
    with ExitStack() as stack:
        slow = [stack.enter_context(site.connect(sent)) for sent in (body, headers) for _ in range(100)]
        for _ in range(10):
            began = time.monotonic()
            client.get("/api/v1/receipts/")
            assert time.monotonic() - began < PATIENCE / 2
        # Those that reached a task are sent away by it; the load balancer lets go of the others by itself.
        assert _statuses(slow[0]) == [408]


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (("POST", "/api/v1/auth/login/", "Content-Length: 300000", "", "x" * 300_000), {413}),
        (("GET", "/login/?" + "x" * 20_000, ""), {414, 400, 431}),
        (("GET", "/login/", "X-Large: " + "x" * 100_000, ""), {431, 400}),
        (("GET", "/login/", *(f"X-{number}: x" for number in range(500)), ""), {431, 400}),
    ],
    ids=["body", "address", "header", "headers"],
)
@pytest.mark.usefixtures("others")
def test_what_is_too_large_is_refused(site: Site, sent: tuple[str, ...], refusal: set[int]) -> None:
    method, path, *rest = sent
    found = site.statuses(site.head(method, path, *rest))
    assert found and found[0] in refusal, found


@pytest.mark.parametrize("chunks", [("5", "abcde"), ("5", "abcde", "0", "")], ids=["without an end", "whole"])
@pytest.mark.usefixtures("others")
def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(site: Site, chunks: tuple[str, ...]) -> None:
    sent = site.head("POST", "/api/v1/auth/login/", "Transfer-Encoding: chunked", "", *chunks)
    assert site.statuses(sent) == [411]


@pytest.mark.parametrize(
    "headers",
    [
        [("transfer-encoding", "chunked")],
        [("content-length", "3")],
        [("x", f"a\r\n\r\nGET {HIDDEN} HTTP/1.1")],
        [("x\r\nGET", "a")],
        [("connection", "keep-alive")],
    ],
    ids=["chunked", "another length", "a line break in a value", "a line break in a name", "connection"],
)
@pytest.mark.usefixtures("others")
def test_http_2_carries_nothing_over_into_http_1(site: Site, headers: list[tuple[str, str]]) -> None:
    """The stream is refused, or the connection is; a listener without HTTP/2 closes it at once."""
    config = h2.config.H2Configuration(
        validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="utf-8"
    )
    h2_side = h2.connection.H2Connection(config)
    h2_side.initiate_connection()
    whole = [(":method", "POST"), (":path", "/login/"), (":scheme", "http"), (":authority", site.host), *headers]
    h2_side.send_headers(1, whole)
    h2_side.send_data(1, b"0\r\n\r\n" + f"GET {HIDDEN} HTTP/1.1\r\n\r\n".encode(), end_stream=True)
    with site.connect(h2_side.data_to_send()) as link:
        status = ""
        with contextlib.suppress(TimeoutError, ConnectionError):
            link.settimeout(2)
            while data := link.recv(65_536):
                for event in h2_side.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived):
                        status = dict(event.headers)[":status"]
    assert status in ("", "400")


@pytest.mark.usefixtures("others")
def test_a_flood_is_answered_politely_and_is_over_when_it_is_over(site: Site) -> None:
    request = site.head("GET", "/login/", "")
    answers = Flood(site.url, [request], connections=150).run(seconds=4)
    assert answers.total and not answers.statuses[500]
    assert answers.rude <= answers.total / 100, (answers.statuses, answers.lost)
