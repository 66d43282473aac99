"""When the load balancer first hears of a target."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from localcloud import layout
from localcloud.dataplane.loadbalancer.arrivals import Arrivals, Place
from localcloud.dataplane.loadbalancer.first_check import passes
from localcloud.dataplane.specs import HealthCheckSpec, Target, TargetGroupSpec

_CHECK = HealthCheckSpec(path="/readyz", interval=10, unhealthy_threshold=3, timeout=1, codes="200,301-302")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Application:
    """Answers health checks with `status`, once `go` is set."""

    status: int = 503
    port: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def group(self) -> TargetGroupSpec:
        return _group(self.port)


def _group(port: int) -> TargetGroupSpec:
    return TargetGroupSpec(
        arn="arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/blue/1",
        name="blue",
        health_check=_CHECK,
        targets=(Target(address=layout.LOOPBACK, port=port),),
    )


def _there(group: TargetGroupSpec) -> frozenset[Place]:
    return frozenset({(group.arn, str(group.targets[0]))})


@pytest.fixture
def application() -> Iterator[Application]:
    found = Application()
    found.go.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.go.wait(10)
            found.asked.append((self.path, self.headers["Host"], self.headers["User-Agent"]))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer((layout.LOOPBACK, 0), Handler) as server:
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield found
        found.go.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port() -> int:
    with closing(socket.create_server((layout.LOOPBACK, 0))) as server:
        return int(server.getsockname()[1])


def _eventually(arrivals: Arrivals, group: TargetGroupSpec) -> frozenset[Place]:
    deadline = time.monotonic() + 20
    while not (found := arrivals.of([group])) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_a_target_arrives_with_its_first_good_check_and_stays_when_it_fails_again(application: Application) -> None:
    arrivals, group = Arrivals(clock=Clock()), application.group
    for _ in range(3):
        assert arrivals.of([group]) == frozenset()
    application.status = 200
    assert _eventually(arrivals, group) == _there(group), "however many checks have failed before"
    application.status = 503
    assert arrivals.of([group]) == _there(group), "its health checks say that it is ill"
    assert arrivals.of([replace(group, targets=())]) == frozenset()
    assert arrivals.of([group]) == frozenset(), "registered again, it is new"
    assert set(application.asked) == {
        ("/readyz", f"{layout.LOOPBACK}:{group.targets[0].port}", "ELB-HealthChecker/2.0")
    }


def test_nobody_waits_for_a_target_that_does_not_answer(application: Application) -> None:
    application.go.clear()
    application.status = 200
    arrivals, group = Arrivals(clock=Clock()), application.group
    elsewhere = replace(group, arn=f"{group.arn}2", targets=(Target(address="10.0.0.1", port=8000),))
    assert arrivals.of([group, elsewhere]) == _there(elsewhere)
    application.go.set()
    assert _eventually(arrivals, group) == _there(group)


def test_a_target_that_never_passes_arrives_when_a_load_balancer_would_call_it_unhealthy(closed_port: int) -> None:
    clock, group = Clock(), _group(closed_port)
    arrivals = Arrivals(clock=clock)
    assert arrivals.of([group]) == frozenset()
    clock.now = 29.0
    assert arrivals.of([group]) == frozenset()
    clock.now = 30.0
    assert arrivals.of([group]) == _there(group)


def test_of_a_target_elsewhere_nobody_here_can_tell() -> None:
    elsewhere = replace(_group(8000), targets=(Target(address="10.0.0.1", port=8000),))
    assert Arrivals().of([elsewhere]) == _there(elsewhere)


@pytest.mark.parametrize(
    ("status", "good"), [(200, True), (201, False), (300, False), (301, True), (302, True), (303, False), (503, False)]
)
def test_the_statuses_that_a_group_asks_for_pass(application: Application, status: int, good: bool) -> None:
    application.status = status
    assert passes(application.group, application.group.targets[0]) is good


def test_of_a_target_that_does_not_speak_plain_http_it_counts_that_it_listens(
    application: Application, closed_port: int
) -> None:
    for port, good in ((application.port, True), (closed_port, False)):
        group = replace(_group(port), protocol_version="HTTP2")
        assert passes(group, group.targets[0]) is good
    assert not application.asked
