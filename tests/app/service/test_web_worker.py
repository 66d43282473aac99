"""Slow, oversized and too many requests against gunicorn: nobody else notices, and each is told what is wrong."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection
from gunicorn_process import Gunicorn, gunicorn, rest_of, statuses

from accounts.models import User
from spendsmart import web_worker

pytestmark = pytest.mark.django_db(transaction=True)

ARRIVAL_SECONDS = 2
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LOGIN = b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b'{"email": "nobody@example.com", "password": "wrong horse battery"}'


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    folder: Path = tmp_path_factory.mktemp("web")
    with gunicorn(folder, WEB_THREADS="2", WEB_WAIT_SECONDS="0.5", WEB_ARRIVAL_SECONDS=str(ARRIVAL_SECONDS)) as running:
        yield running


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: localh", id="of the headers"),
        pytest.param(LOGIN + b"Content-Length: 60\r\n\r\n{", id="of a body"),
        pytest.param(b"GET / HTTP/1.1\nHost: localhost\n\n", id="of headers that end in no way that counts"),
    ],
)
def test_slow_clients_keep_no_thread_and_are_sent_away(server: Gunicorn, beginning: bytes) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect(beginning)) for _ in range(20)]
        assert statuses(server.answer(LIVE, timeout=1.5)) == [200]
        for link in slow:
            assert statuses(rest_of(link)) == [408]


def test_a_byte_now_and_then_does_not_help(server: Gunicorn) -> None:
    with server.connect(LOGIN + b"Content-Length: 60\r\n\r\n") as link:
        began = time.monotonic()
        while time.monotonic() - began < ARRIVAL_SECONDS - 0.5:
            link.sendall(b"{")
            time.sleep(0.2)
        assert statuses(rest_of(link)) == [408]


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(server: Gunicorn) -> None:
    assert server.answer(b"") == b""


def test_of_too_many_slow_ones_the_slowest_goes_first(server: Gunicorn) -> None:
    with ExitStack() as stack:
        links = [stack.enter_context(server.connect(b"GET ")) for _ in range(web_worker.MOST_ARRIVING + 2)]
        began = time.monotonic()
        assert statuses(rest_of(links[0])) == [408]
        assert time.monotonic() - began < ARRIVAL_SECONDS / 2
        links[-1].sendall(LIVE.removeprefix(b"GET "))
        assert statuses(rest_of(links[-1])) == [200]


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        pytest.param(b"Content-Length: 1000000000\r\n\r\n", b"", id="announced"),
        pytest.param(b"Content-Length: 300000\r\n\r\n", b" " * 300_000, id="sent"),
    ],
)
def test_a_body_that_is_too_large_is_refused_before_it_was_read(server: Gunicorn, framing: bytes, body: bytes) -> None:
    with server.connect(LOGIN + framing) as link:
        for _ in range(4):
            link.sendall(body)
        answer = rest_of(link)
    assert statuses(answer) == [413]
    assert b'{"detail": "The request is too large."}' in answer


def test_a_request_is_understood_however_it_arrives(server: Gunicorn) -> None:
    request = LOGIN + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    wrong = b"Wrong address or password."
    assert wrong in server.answer(request)
    with server.connect() as link:
        for number in range(0, len(request), 40):
            link.sendall(request[number : number + 40])
            time.sleep(0.01)
        assert wrong in rest_of(link)


def test_a_body_in_chunks_is_refused_as_django_would_not_see_it(server: Gunicorn) -> None:
    chunked = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n42\r\n" + BODY + b"\r\n0\r\n\r\n"
    assert statuses(server.answer(chunked)) == [411]


def test_requests_that_come_together_are_answered_one_after_the_other(server: Gunicorn) -> None:
    first = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert statuses(server.answer(first + first + LIVE)) == [200, 200, 200]


def test_who_waited_too_long_for_a_thread_is_told_to_come_back(server: Gunicorn) -> None:
    ask = LOGIN + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    with ExitStack() as stack:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
            held = [stack.enter_context(server.connect(ask)) for _ in range(2)]
            time.sleep(0.5)
            waiting = [stack.enter_context(server.connect(ask)) for _ in range(10)]
            time.sleep(1.5)
            cursor.execute("COMMIT")
        for link in held:
            assert _one(link).startswith(b"HTTP/1.1 401")
        for link in waiting:
            answer = _one(link)
            assert answer.startswith(b"HTTP/1.1 503") and b"\r\nRetry-After: 5\r\n" in answer
        # It is over by itself, on the same connection, too.
        waiting[0].sendall(LIVE)
        assert statuses(rest_of(waiting[0])) == [200]
    assert "requests_refused" in server.log.read_text()


def test_what_nobody_waits_for_any_more_is_not_carried_out(server: Gunicorn) -> None:
    with server.frozen():
        server.connect(_registration("left")).close()
    for name in ("first", "second"):  # by the end of the second one, what began before the first one is over
        assert b"HTTP/1.1 201" in _one(server.connect(_registration(name)))
    assert [user.email for user in User.objects.order_by("email")] == ["first@example.com", "second@example.com"]


def _registration(name: str) -> bytes:
    body = b'{"email": "%s@example.com", "password": "correct horse battery"}' % name.encode()
    return LOGIN.replace(b"/login/", b"/register/") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _one(link: socket.socket) -> bytes:
    return link.recv(65_536)


def test_where_no_worker_starts_the_last_line_says_why(tmp_path: Path) -> None:
    """In a preview, whose application is loaded by its worker only."""
    settings = {"IN_PREVIEW": "yes", "WEB_THREADS": "2", "WEB_WAIT_SECONDS": "1", "WEB_ARRIVAL_SECONDS": "5"}
    with gunicorn(tmp_path, **settings, RECEIPTS_BUCKET="") as server:  # it listens before it has a worker
        assert server.process.wait(30) == 3
    last = (tmp_path / "gunicorn.log").read_text().strip().splitlines()[-1]
    assert "No worker starts" in last and "RECEIPTS_BUCKET" in last
