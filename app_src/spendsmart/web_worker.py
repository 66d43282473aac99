"""gunicorn's worker with threads, made patient with slow clients and honest under load.

- A request takes a thread once all of it has arrived. gunicorn's own worker reads from a thread, and as many slow
  clients as there are threads would stop a task: the load balancer waits for headers, but passes bodies on as they
  come.
- A request that waited too long for a thread is refused at once, and told when to come back. Otherwise everybody would
  wait longer and longer, until the load balancer gives up on answers that nobody wants any more, and its health check
  on the task (https://sre.google/sre-book/addressing-cascading-failures/, "Load Shedding and Graceful Degradation").
- A request whose sender has hung up meanwhile is not carried out. A task that hung and goes on would otherwise put
  back what people have changed since, through another task.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import time
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

from spendsmart import boot_failure
from spendsmart.arrival import Arrival, RefusedError

MOST_ARRIVING = 200
"""Requests that are waited for at once: with more, the one that has taken longest is dropped. Each takes 320 KiB of
memory at most, and an honest one arrives within milliseconds, in the packets in which the load balancer sends it."""

RETRY_SECONDS = 5
"""What is told to whom we refuse: the queue is of one or two seconds, and a new task needs a minute."""

READ_SIZE = 65_536
STALL_SECONDS = 30
"""How long a client may take none of an answer, and a thread wait for bytes that should have been there already."""

_LOG_EVERY = 1.0
_HEALTH = (b"GET /readyz", b"GET /livez")
_TEXTS = {
    408: ("Request Timeout", "The request did not arrive in time."),
    411: ("Length Required", "The request has to say how long it is."),
    413: ("Content Too Large", "The request is too large."),
    503: ("Service Unavailable", "Too many requests at the moment; try again."),
}
log = structlog.get_logger(__name__)


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Settings are WEB_WAIT_SECONDS, for a thread, and WEB_ARRIVAL_SECONDS, for the request."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._most_wait = float(os.environ["WEB_WAIT_SECONDS"])
        self._arrival_seconds = int(os.environ["WEB_ARRIVAL_SECONDS"])
        self._arriving: dict[TConn, Arrival] = {}
        self._refused = 0
        self._logged = 0.0

    def load_wsgi(self) -> None:
        """Raises what the application raises when it is loaded."""
        try:
            super().load_wsgi()
        except Exception as error:
            boot_failure.remember(error, folder=Path(os.environ["SCRATCH_DIR"]))
            raise

    def enqueue_req(self, conn: TConn) -> None:
        """Let a request arrive, on a connection that is new or was kept; then it gets its thread."""
        arrival = Arrival(most_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, began=time.monotonic())
        conn.sock.setblocking(False)
        self._arriving[conn] = arrival
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        # What the parser has read ahead is the beginning of this one.
        self._take(conn, arrival, conn.parser.unreader.take_buffered() if conn.initialized else b"")
        if conn in self._arriving and not arrival.refused:
            self._receive(conn, conn.sock)
        if len(self._arriving) > MOST_ARRIVING:
            oldest = next(iter(self._arriving))
            self._refuse(oldest, 408)
            self._drop(oldest)

    def murder_pending(self) -> None:
        """Called every second: requests that have not arrived in time are refused, those refused before are let go."""
        latest = time.monotonic() - self._arrival_seconds
        while self._arriving:
            conn, arrival = next(iter(self._arriving.items()))
            if arrival.began > latest:
                return
            if arrival.received and not arrival.refused:
                self._refuse(conn, 408)
            self._drop(conn)

    def handle(self, conn: TConn) -> Any:
        """In a thread."""
        if _has_left(conn.sock):
            self._tell(499)  # nginx's number for it: HTTP has none, as nobody gets to see it
            return False
        waited = time.monotonic() - conn.whole_since
        if waited > self._most_wait and not conn.is_health_check:
            self._tell(503, waited=round(waited, 1))
            # Kept where nothing can be left of it: new connections are dear just now.
            keep = conn.is_alone and self.alive
            conn.parser.unreader.take_buffered()
            conn.sock.setblocking(True)
            conn.sock.sendall(_answer(503, keep=keep))
            return keep
        return super().handle(conn)

    def _receive(self, conn: TConn, sock: socket.socket) -> None:
        """What has come by now; the poller calls it again when there is more."""
        arrival = self._arriving[conn]
        try:
            data = sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(conn)
        elif not arrival.refused:  # else its rest is read only so that the client gets to see our answer
            self._take(conn, arrival, data)

    def _take(self, conn: TConn, arrival: Arrival, data: bytes) -> None:
        try:
            if not arrival.add(data):
                return
        except RefusedError as refusal:
            self._refuse(conn, refusal.status)
            return
        self.poller.unregister(conn.sock)
        del self._arriving[conn]
        conn.init()
        conn.parser.unreader.unread(bytes(arrival.received))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALL_SECONDS, 0))
        conn.data_ready = True
        conn.is_health_check = arrival.received.startswith(_HEALTH)
        conn.is_alone = arrival.alone
        conn.whole_since = time.monotonic()
        super().enqueue_req(conn)

    def _refuse(self, conn: TConn, status: int) -> None:
        """Answer without a thread, and take no more of it."""
        arrival = self._arriving[conn]
        arrival.refused = True
        arrival.received.clear()
        self._tell(status)
        try:
            conn.sock.send(_answer(status))
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _drop(self, conn: TConn) -> None:
        del self._arriving[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _tell(self, status: int, **more: float) -> None:
        """A line each second at the most: a flood is not to fill the log as well."""
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= _LOG_EVERY:
            self._logged = now
            log.warning("requests_refused", status=status, so_far=self._refused, **more)


def _has_left(sock: socket.socket) -> bool:
    """Whether the other side has closed the connection, and sent nothing more before."""
    try:
        return not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _answer(status: int, *, keep: bool = False) -> bytes:
    reason, detail = _TEXTS[status]
    body = json.dumps({"detail": detail})
    headers = [
        f"HTTP/1.1 {status} {reason}",
        *([f"Retry-After: {RETRY_SECONDS}"] if status == 503 else []),
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        *([] if keep else ["Connection: close"]),
    ]
    return "\r\n".join([*headers, "", body]).encode()
