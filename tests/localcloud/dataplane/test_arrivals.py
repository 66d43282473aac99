"""When the load balancer first hears of a target."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass, replace

from localcloud import layout
from localcloud.dataplane.loadbalancer.arrivals import Arrivals, listening
from localcloud.dataplane.specs import HealthCheckSpec, Target, TargetGroupSpec

_GROUP = TargetGroupSpec(
    arn="arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/blue/1",
    name="blue",
    health_check=HealthCheckSpec(interval=10, unhealthy_threshold=3),
    targets=(Target(address=layout.LOOPBACK, port=8000),),
)
_THERE = frozenset({(_GROUP.arn, f"{layout.LOOPBACK}:8000")})


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_target_arrives_when_it_listens_and_stays_when_it_no_longer_does() -> None:
    ports: set[int] = set()
    arrivals = Arrivals(clock=Clock(), ports=lambda: ports)
    assert arrivals.of([_GROUP]) == frozenset()
    ports.add(8000)
    assert arrivals.of([_GROUP]) == _THERE
    ports.clear()
    assert arrivals.of([_GROUP]) == _THERE, "its health checks say that it is ill"
    assert arrivals.of([replace(_GROUP, targets=())]) == frozenset()
    assert arrivals.of([_GROUP]) == frozenset(), "registered again, it is new"


def test_a_target_that_never_listens_arrives_when_a_load_balancer_would_call_it_unhealthy() -> None:
    clock = Clock()
    arrivals = Arrivals(clock=clock, ports=set)
    assert arrivals.of([_GROUP]) == frozenset()
    clock.now = 29.0
    assert arrivals.of([_GROUP]) == frozenset()
    clock.now = 30.0
    assert arrivals.of([_GROUP]) == _THERE


def test_of_a_target_elsewhere_nobody_here_can_tell() -> None:
    elsewhere = replace(_GROUP, targets=(Target(address="10.0.0.1", port=8000),))
    assert Arrivals(ports=set).of([elsewhere])


def test_what_listens_on_this_machine_is_seen() -> None:
    with closing(socket.create_server((layout.LOOPBACK, 0))) as server:
        port = server.getsockname()[1]
        assert port in listening()
    assert port not in listening()
