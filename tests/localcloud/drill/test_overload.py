"""The flood against a real server of this machine, and what its answers are judged to be."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from localcloud.drill.overload.flood import Answers, Flood
from localcloud.drill.overload.judge import Overload, People, recovery
from localcloud.rollout.load.answers import Answer

ANSWERS = {"/good": (200, {}), "/later": (503, {"Retry-After": "5"}), "/rude": (503, {}), "/broken": (500, {})}


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, headers = ANSWERS[self.path]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "2"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_answers_are_told_apart(url: str) -> None:
    requests = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in ANSWERS]
    found = Flood(url, requests, connections=4).run(seconds=0.5, rate=80)
    assert set(found.statuses) == {200, 503, 500} and not found.lost
    assert found.good and found.later
    assert found.good + found.later + found.rude == found.total


def test_nobody_there_is_no_answer() -> None:
    found = Flood("http://127.0.0.1:9", [b""], connections=1).run(seconds=0.2, rate=10)
    assert found.lost and found.rude == found.total


def held() -> Overload:
    people = People(requests=10, served=9, refused=1, failed=0, p50=0.1, p95=0.2)
    flood = Answers(statuses=Counter({200: 500, 503: 400}), later=400)
    return Overload(
        capacity=100, rate=25, meant=250, offered=240, before=people, during=people, flood=flood, recovery=2.0,
        receipts=Counter({"extracted": 5}), unread=0,
    )  # fmt: skip


def test_a_polite_overload_holds() -> None:
    assert list(held().faults()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flood": Answers(statuses=Counter({200: 900, 503: 100, 500: 1}), later=100)}, "1 answers 500"),
        ({"flood": Answers(statuses=Counter({200: 900, 503: 100}), later=60)}, "neither served nor told"),
        ({"flood": Answers(statuses=Counter({200: 900}))}, "this was no overload"),
        ({"offered": 199.0}, "199 requests a second were sent, 250 were to be"),
        ({"unread": 1}, "1 acknowledged receipts were not read"),
        ({"receipts": Counter()}, "no receipt was acknowledged"),
        ({"recovery": None}, "as before never"),
        ({"recovery": 31.0}, "as before after 31 s"),
    ],
)
def test_what_does_not_hold_is_said(changes: dict[str, object], said: str) -> None:
    assert any(said in fault for fault in replace(held(), **changes).faults())


def test_recovered_is_when_nothing_fails_any_more() -> None:
    def answer(at: float, *, good: bool) -> Answer:
        return Answer(at=at, action="list", status=200 if good else 503, good=good, seconds=0.5)

    answers = [answer(99, good=False), answer(102, good=False), *(answer(at, good=True) for at in range(103, 110))]
    assert recovery(answers, ended=100) == 2.5
    assert recovery(answers[:3], ended=100) is None
