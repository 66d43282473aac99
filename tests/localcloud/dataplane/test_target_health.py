"""When a target that was never well counts as unhealthy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.dataplane.loadbalancer.clusters import cluster_name
from localcloud.dataplane.loadbalancer.health import TargetHealth
from localcloud.dataplane.specs import HealthCheckSpec, Target, TargetGroupSpec

_ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/blue/1"
_GROUP = TargetGroupSpec(
    arn=_ARN,
    name="blue",
    health_check=HealthCheckSpec(interval=10, unhealthy_threshold=3),
    targets=(Target(address="127.0.0.1", port=8000),),
)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Seen:
    """A target as Envoy sees it, and as the load balancer calls it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.health = TargetHealth(clock=self.clock)

    def at(self, second: float, *flags: str, group: TargetGroupSpec = _GROUP) -> str | None:
        self.clock.now = second
        address = {"socket_address": {"address": "127.0.0.1", "port_value": 8000}}
        host: dict[str, Any] = {"address": address, "health_status": dict.fromkeys(flags, True)}
        clusters = {"cluster_statuses": [{"name": cluster_name(_ARN), "host_statuses": [host]}]}
        return self.health.states(clusters, [group])[_ARN].get("127.0.0.1:8000")


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_a_target_that_still_starts_is_initial(seen: Seen) -> None:
    assert seen.at(0, "pending_active_hc") == "initial"
    assert seen.at(1, "failed_active_health_check") == "initial"
    assert seen.at(29, "failed_active_health_check") == "initial"
    assert seen.at(29.5) == "healthy"
    assert seen.at(29.9, "failed_active_health_check") == "unhealthy", "it has been healthy"


def test_a_target_that_never_answers_is_unhealthy_in_the_end(seen: Seen) -> None:
    assert seen.at(0, "failed_active_health_check") == "initial"
    assert seen.at(30, "failed_active_health_check") == "unhealthy"


def test_a_target_that_is_registered_anew_begins_anew(seen: Seen) -> None:
    assert seen.at(0) == "healthy"
    empty = TargetGroupSpec(arn=_ARN, name="blue", health_check=_GROUP.health_check)
    assert seen.at(1, group=empty) is None
    assert seen.at(2, "failed_active_health_check") == "initial"
