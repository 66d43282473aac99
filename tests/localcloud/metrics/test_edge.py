"""Known traffic through a real Envoy, counted exactly."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcloud.dataplane.edge import EdgeServer
from localcloud.dataplane.envoy import request_log
from localcloud.dataplane.errors import NotYetError
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.loadbalancer import health
from localcloud.dataplane.specs import (
    Edge,
    FixedResponseAction,
    ForwardAction,
    HealthCheckSpec,
    ListenerSpec,
    LoadBalancerSpec,
    RedirectAction,
    RuleSpec,
    Target,
    TargetGroupSpec,
    TextCondition,
)
from localcloud.metrics.application_elb import TargetGroup
from localcloud.metrics.datum import Datum, minute_of
from localcloud.metrics.sources import edge as source
from localcloud.metrics.sources import requests
from tests.localcloud.dataplane.backends import Backend, ask
from tests.localcloud.dataplane.conftest import BASE_PORT, eventually

from .support import total, values

pytestmark = pytest.mark.localcloud

PORT = BASE_PORT + 80
ELB = "arn:aws:elasticloadbalancing:us-east-1:000000000000"
BALANCER, LISTENER = f"{ELB}:loadbalancer/app/web/1", f"{ELB}:listener/app/web/1/2"
BLUE, EMPTY = f"{ELB}:targetgroup/blue/3", f"{ELB}:targetgroup/empty/4"
ALL = {"LoadBalancer": "app/web/1"}
OF_BLUE = {"TargetGroup": "targetgroup/blue/3", **ALL}


@dataclass(kw_only=True)
class Scene:
    backend: Backend
    sent: int = 0
    removed: int = 0
    """Requests whose lines are gone with the piece of the log that was cut away."""

    def ask(self, path: str = "/", *, times: int = 1) -> int:
        """The status of the last answer."""
        for _ in range(times):
            status = ask(PORT, path).status
        self.sent += times
        return status

    def wait(self) -> None:
        """Until Envoy has written a line for each request."""
        eventually(
            lambda: (
                self.removed + sum(_lines(path) for path in (request_log.path(), request_log.cut_path())) == self.sent
            )
        )

    def measure(self, found: source.Edge) -> list[Datum]:
        """All data up to now."""
        self.wait()
        cut = _lines(request_log.cut_path())
        found.sample()
        data = [datum for data in found.finish(minute_of(time.time())) for datum in data]
        self.removed += cut - _lines(request_log.cut_path())
        return data


def _lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


@pytest.fixture(scope="module")
def scene(state: object) -> Iterator[Scene]:
    backend = Backend("blue")
    check = HealthCheckSpec(path="/health", interval=1, timeout=1, healthy_threshold=2, unhealthy_threshold=2)
    blue = TargetGroupSpec(
        arn=BLUE, name="blue", health_check=check, targets=(Target(address="127.0.0.1", port=backend.port),)
    )
    rules = (
        _rule("/gone", RedirectAction(status=301, path="/")),
        _rule("/fixed", FixedResponseAction(status=404, body="no")),
        _rule("/empty", ForwardAction(weights=((EMPTY, 1),))),
        RuleSpec(arn="rule/default", action=ForwardAction(weights=((BLUE, 1),))),
    )
    listener = ListenerSpec(arn=LISTENER, port=80, local_port=PORT, protocol="HTTP", rules=rules)
    balancer = LoadBalancerSpec(arn=BALANCER, name="web", listeners=(listener,))
    edge = Edge(load_balancers=(balancer,), target_groups=(blue, TargetGroupSpec(arn=EMPTY, name="empty")))
    keeper = Keeper(kind="envoy", name="edge", part=EdgeServer(), spec=edge)
    try:
        eventually(lambda: "healthy" in health.last_written().get(BLUE, {}).values())
        yield Scene(backend=backend)
    finally:
        keeper.stop()
        keeper.join()
        backend.stop()
    with pytest.raises(NotYetError):
        _source().sample()


def _rule(path: str, action: RedirectAction | FixedResponseAction | ForwardAction) -> RuleSpec:
    return RuleSpec(arn=f"rule{path}", conditions=(TextCondition(field="path-pattern", values=(path,)),), action=action)


def _source() -> source.Edge:
    return source.Edge(lambda: [TargetGroup(arn=arn, balancer=BALANCER) for arn in (BLUE, EMPTY)])


def test_every_request_is_counted_once(scene: Scene) -> None:
    # Hosts are counted when somebody looks, which is twice here: both looks have to be in one minute.
    if time.time() % 60 > 45:
        time.sleep(60 - time.time() % 60)
    found = _source()
    found.sample()
    scene.ask(times=93)
    scene.backend.status = 500
    scene.ask(times=7)
    scene.backend.status = 200
    assert [scene.ask(path) for path in ("/gone", "/fixed", "/empty")] == [301, 404, 503]
    data = scene.measure(found)
    for dimensions in (ALL, OF_BLUE):
        assert total(data, "RequestCount", **dimensions) == 100
        assert total(data, "HTTPCode_Target_2XX_Count", **dimensions) == 93
        assert total(data, "HTTPCode_Target_5XX_Count", **dimensions) == 7
        assert len(values(data, "TargetResponseTime", **dimensions)) == 100
    assert total(data, "HTTP_Redirect_Count", **ALL) == 1
    assert total(data, "HTTPCode_ELB_4XX_Count", **ALL) == 1
    assert total(data, "HTTPCode_ELB_503_Count", **ALL) == total(data, "HTTPCode_ELB_5XX_Count", **ALL) == 1
    assert total(data, "RequestCountPerTarget", TargetGroup="targetgroup/blue/3") == 100
    assert set(values(data, "HealthyHostCount", **OF_BLUE)) == {1}
    assert set(values(data, "UnHealthyHostCount", **OF_BLUE)) == {0}
    assert not [datum for datum in data if "targetgroup/empty/4" in dict(datum.dimensions).values()]
    # Each request came on a connection of its own; to the target they are kept.
    assert 104 <= total(data, "NewConnectionCount", **ALL) <= 206


def test_another_publisher_goes_on_where_the_last_one_was(scene: Scene) -> None:
    scene.measure(_source())
    scene.ask(times=3)
    assert total(scene.measure(_source()), "RequestCount", **ALL) == 3
    assert total(scene.measure(_source()), "RequestCount", **ALL) == 0


def test_requests_of_a_minute_that_is_not_over_wait(scene: Scene) -> None:
    found = _source()
    scene.measure(found)
    scene.ask(times=2)
    scene.wait()
    an_hour_ago = minute_of(time.time()) - 3600
    assert not [datum for data in found.finish(an_hour_ago) for datum in data if datum.name == "RequestCount"]
    assert total(scene.measure(found), "RequestCount", **ALL) == 2


def test_a_cut_of_the_log_loses_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _source()
    scene.measure(found)
    scene.ask(times=20)
    scene.wait()
    monkeypatch.setattr(requests, "_CUT_AT", -1)
    list(found.finish(minute_of(time.time()) - 3600))  # cuts 20 lines away that nobody has read
    assert request_log.cut_path().exists()
    monkeypatch.setattr(requests, "_CUT_AT", 1024**2)
    scene.ask(times=20)
    scene.wait()
    counted = total(scene.measure(found), "RequestCount", **ALL)
    assert counted == 40
    assert not request_log.cut_path().exists()
    assert total(scene.measure(found), "RequestCount", **ALL) == 0


def test_the_targets_time_is_from_the_sent_request_to_its_answer(scene: Scene) -> None:
    found = _source()
    scene.measure(found)
    scene.backend.delay = 0.3
    scene.ask(times=1)
    scene.backend.delay = 0.0
    (seconds,) = values(scene.measure(found), "TargetResponseTime", **OF_BLUE)
    assert 0.3 <= seconds < 3


def test_a_client_that_leaves_is_a_460(scene: Scene) -> None:
    found = _source()
    scene.measure(found)
    scene.backend.delay = 2.0
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    connection.request("GET", "/")
    time.sleep(0.3)
    connection.close()
    scene.sent += 1
    data = scene.measure(found)
    scene.backend.delay = 0.0
    assert total(data, "HTTPCode_ELB_4XX_Count", **ALL) == 1
    assert total(data, "RequestCount", **ALL) == 1


def test_a_dead_target_is_unhealthy_and_its_requests_are_the_load_balancers_errors(scene: Scene) -> None:
    found = _source()
    scene.measure(found)
    port = scene.backend.port
    scene.backend.stop()
    try:
        assert scene.ask(times=4) in (502, 503)
        eventually(lambda: "unhealthy" in health.last_written()[BLUE].values())
        data = scene.measure(found)
    finally:
        scene.backend = Backend("blue", port=port)
    assert total(data, "HTTPCode_ELB_5XX_Count", **ALL) == 4
    assert total(data, "HTTPCode_Target_5XX_Count", **ALL) == 0
    assert values(data, "HealthyHostCount", **OF_BLUE)[0] == 0
    assert values(data, "UnHealthyHostCount", **OF_BLUE)[-1] == 1
    assert total(data, "TargetConnectionErrorCount", **OF_BLUE) >= 1
