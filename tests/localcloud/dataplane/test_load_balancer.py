"""Envoy as application load balancer: rules, weights, health, changes under load, failures."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from localcloud import layout
from localcloud.dataplane import status
from localcloud.dataplane.edge import EdgeServer
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.specs import (
    Edge,
    FixedResponseAction,
    ForwardAction,
    HealthCheckSpec,
    ListenerSpec,
    LoadBalancerSpec,
    QueryCondition,
    RedirectAction,
    RuleSpec,
    SourceCondition,
    Target,
    TargetGroupSpec,
    TextCondition,
)

from .backends import Answer, Backend, Load, ask
from .conftest import BASE_PORT, eventually

pytestmark = pytest.mark.localcloud

PORT, SECURE_PORT = BASE_PORT + 80, BASE_PORT + 43
ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000"
BLUE, GREEN = f"{ARN}:targetgroup/blue/0001", f"{ARN}:targetgroup/green/0002"


def _text(field: str, *values: str, header: str = "", regexes: tuple[str, ...] = ()) -> TextCondition:
    return TextCondition(field=field, values=values, header=header, regexes=regexes)


CONDITIONS = {
    "host": (_text("host-header", "*.example.com"),),
    "path": (_text("path-pattern", "/img/*.jp?g", "/pictures/*"),),
    "path regex": (_text("path-pattern", regexes=("/v[0-9]+/.*",)),),
    "header": (_text("http-header", "*Chrome*", header="x-browser"),),
    "method": (_text("http-request-method", "DELETE", "PUT"),),
    "query": (QueryCondition(pairs=(("version", "v1*"), ("", "anywhere"))),),
    "elsewhere": (SourceCondition(networks=("10.0.0.0/8",)),),
    "here and path": (SourceCondition(networks=("127.0.0.0/8",)), _text("path-pattern", "/here")),
}
REDIRECTS = {
    "/to-https": RedirectAction(status=301, protocol="HTTPS", port="443"),
    "/elsewhere": RedirectAction(status=302, host="other.example.com", path="/new/#{path}", query=""),
    "/fixed": RedirectAction(status=302, path="/somewhere", query="a=b"),
}


def _rules(*, green: int, blue: int = 100) -> tuple[RuleSpec, ...]:
    found = [
        RuleSpec(arn=f"rule/{name}", conditions=conditions, action=FixedResponseAction(status=200, body=name))
        for name, conditions in CONDITIONS.items()
    ]
    found += [
        RuleSpec(arn=f"rule{path}", conditions=(_text("path-pattern", path),), action=action)
        for path, action in REDIRECTS.items()
    ]
    teapot = FixedResponseAction(status=404, content_type="application/json", body='{"100%": "lost"}')
    found.append(RuleSpec(arn="rule/teapot", conditions=(_text("path-pattern", "/teapot"),), action=teapot))
    nobody = ForwardAction(weights=((GREEN, 0),))
    found.append(RuleSpec(arn="rule/nobody", conditions=(_text("path-pattern", "/nobody"),), action=nobody))
    return (*found, RuleSpec(arn="rule/default", action=ForwardAction(weights=((BLUE, blue), (GREEN, green)))))


def _listener(port: int, local_port: int, protocol: str, rules: tuple[RuleSpec, ...]) -> ListenerSpec:
    return ListenerSpec(arn=f"{ARN}:listener/{port}", port=port, local_port=local_port, protocol=protocol, rules=rules)


@dataclass(kw_only=True)
class Scene:
    keeper: Keeper[Edge]
    backends: dict[str, Backend]
    edge: Edge

    def want(self, *, green: int = 0, blue: int = 100, **targets: tuple[str, ...]) -> None:
        """Weights, and backends by target group (`blue=...`)."""
        rules = _rules(green=green, blue=blue)
        balancer = self.edge.load_balancers[0]
        listeners = tuple(replace(each, rules=rules) for each in balancer.listeners)
        groups = tuple(
            replace(group, targets=self._targets(targets[f"in_{group.name}"]))
            if f"in_{group.name}" in targets
            else group
            for group in self.edge.target_groups
        )
        self.edge = replace(self.edge, load_balancers=(replace(balancer, listeners=listeners),), target_groups=groups)
        self.keeper.want(self.edge)

    def _targets(self, names: tuple[str, ...]) -> tuple[Target, ...]:
        return tuple(Target(address="127.0.0.1", port=self.backends[name].port) for name in names)

    def states(self, arn: str) -> dict[str, str]:
        """State by backend, from the file for the emulator."""
        said = json.loads((layout.folder("dataplane") / "target-health.json").read_text())
        names = {f"127.0.0.1:{backend.port}": name for name, backend in self.backends.items()}
        return {names[address]: state for address, state in said.get(arn, {}).items()}


@pytest.fixture(scope="module")
def scene(state: Path) -> Iterator[Scene]:
    backends = {name: Backend(name) for name in ("blue-1", "blue-2", "green-1")}
    check = HealthCheckSpec(path="/health", interval=1, timeout=1, healthy_threshold=2, unhealthy_threshold=2)
    groups = tuple(TargetGroupSpec(arn=arn, name=arn.split("/")[1], health_check=check) for arn in (BLUE, GREEN))
    rules = _rules(green=0)
    balancer = LoadBalancerSpec(
        arn=f"{ARN}:loadbalancer/app/web/1",
        name="web",
        listeners=(_listener(80, PORT, "HTTP", rules), _listener(443, SECURE_PORT, "HTTPS", rules)),
        idle_timeout=2,
        drop_invalid_header_fields=True,
    )
    edge = Edge(load_balancers=(balancer,), target_groups=groups)
    found = Scene(keeper=Keeper(kind="envoy", name="edge", part=EdgeServer(), spec=edge), backends=backends, edge=edge)
    found.want(in_blue=("blue-1", "blue-2"), in_green=("green-1",))
    try:
        eventually(lambda: _said("loadbalancer-web")["status"] == "available")
        eventually(lambda: set(found.states(BLUE).values()) == {"healthy"})
        yield found
    finally:
        found.keeper.stop()
        found.keeper.join()
        for backend in backends.values():
            backend.stop()


@pytest.fixture(autouse=True)
def _well(scene: Scene) -> Iterator[None]:
    """What a test did to the backends does not last."""
    yield
    for backend in scene.backends.values():
        backend.healthy, backend.delay = True, 0.0


def _said(name: str) -> dict[str, Any]:
    kind, _, rest = name.partition("-")
    said: dict[str, Any] = json.loads(status.path(kind, rest).read_text())
    return said


def _names(count: int, port: int = PORT) -> Counter[str]:
    return Counter(ask(port).saw["name"] for _ in range(count))


def test_targets_share_requests_and_see_what_a_load_balancer_adds(scene: Scene) -> None:
    assert set(_names(40)) == {"blue-1", "blue-2"}
    headers = ask(PORT, x_forwarded_for="203.0.113.9", x_envoy_retry_on="5xx").saw["headers"]
    assert headers["x-forwarded-for"] == "203.0.113.9,127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == str(PORT)
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert not [name for name in headers if "envoy" in name or name == "x-request-id"]
    plain = ask(SECURE_PORT, secure=True).saw["headers"]
    assert plain["x-forwarded-proto"] == "https"
    assert not [name for name in plain if "envoy" in name]


def test_invalid_header_fields_are_dropped(scene: Scene) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    connection.request("GET", "/", headers={"X-Fine": "1", "x_bad": "2", "x!bad": "3"})
    seen = Answer(connection.getresponse()).saw["headers"]
    connection.close()
    assert "x-fine" in seen
    assert "x_bad" not in seen and "x!bad" not in seen


@pytest.mark.parametrize(
    ("path", "method", "headers", "rule"),
    [
        ("/", "GET", {"host": "www.EXAMPLE.com"}, "host"),
        ("/", "GET", {"host": f"www.example.com:{PORT}"}, "host"),
        ("/", "GET", {"host": "example.com"}, None),
        ("/img/a/b.jpg", "GET", {}, None),
        ("/img/a/b.jpxg", "GET", {}, "path"),
        ("/IMG/b.jpxg", "GET", {}, None),
        ("/pictures/?x=1", "GET", {}, "path"),
        ("/v12/x", "GET", {}, "path regex"),
        ("/", "GET", {"x_browser": "like chrome 1"}, "header"),
        ("/", "DELETE", {}, "method"),
        ("/?a=b&Version=V12", "GET", {}, "query"),
        ("/?version=v2", "GET", {}, None),
        ("/?x=anywhere&y", "GET", {}, "query"),
        ("/here", "GET", {}, "here and path"),
    ],
)
def test_rules_match_in_order(scene: Scene, path: str, method: str, headers: dict[str, str], rule: str | None) -> None:
    answer = ask(PORT, path, method=method, **headers)
    if rule:
        assert answer.body.decode() == rule
    else:
        assert answer.saw["name"].startswith("blue")


def test_redirects_and_fixed_responses(scene: Scene) -> None:
    secure = ask(PORT, "/to-https?a=1", host="shop.example.org")
    assert (secure.status, secure.headers["location"]) == (301, f"https://shop.example.org:{SECURE_PORT}/to-https?a=1")
    other = ask(PORT, "/elsewhere?a=1")
    assert (other.status, other.headers["location"]) == (302, "http://other.example.com/new/elsewhere")
    assert ask(PORT, "/fixed?c=d", host="localhost").headers["location"] == "http://localhost/somewhere?a=b"
    lost = ask(PORT, "/teapot")
    assert (lost.status, lost.headers["content-type"]) == (404, "application/json")
    assert lost.body == b'{"100%": "lost"}'
    nobody = ask(PORT, "/nobody")
    assert (nobody.status, nobody.headers["server"]) == (503, "awselb/2.0")


def test_weights_are_what_the_rule_says(scene: Scene) -> None:
    eventually(lambda: scene.states(GREEN) == {"green-1": "healthy"})
    scene.want(blue=80, green=20)
    eventually(lambda: _names(20)["green-1"] > 0)
    share = _names(1500)["green-1"] / 1500
    assert 0.16 < share < 0.24


def test_weights_swap_under_load_without_an_error(scene: Scene) -> None:
    with Load(PORT) as load:
        for green in (100, 0, 50, 100, 0, 100, 0, 100):
            scene.want(blue=100 - green, green=green)
            time.sleep(0.15)
        eventually(lambda: set(_names(10)) == {"green-1"})
    scene.want(blue=100, green=0)
    assert not load.errors
    assert {name for _, name in load.outcomes} == {"blue-1", "blue-2", "green-1"}
    assert sum(load.outcomes.values()) > 500


def test_a_target_that_hangs_gets_no_more_requests_where_the_least_outstanding_count(scene: Scene) -> None:
    groups = scene.edge.target_groups
    scene.edge = replace(
        scene.edge, target_groups=tuple(replace(group, algorithm="least_outstanding_requests") for group in groups)
    )
    scene.want(blue=100)
    scene.backends["blue-1"].delay = 1.9
    with Load(PORT, threads=1):  # which waits for blue-1 sooner or later
        eventually(lambda: _names(30) == {"blue-2": 30})  # two drawn by lot would be blue-1 in one of four
    scene.edge = replace(scene.edge, target_groups=groups)
    scene.want(blue=100)


def test_an_unhealthy_target_gets_no_traffic_until_it_is_healthy_again(scene: Scene) -> None:
    eventually(lambda: set(_names(10)) == {"blue-1", "blue-2"})
    scene.backends["blue-1"].healthy = False
    eventually(lambda: scene.states(BLUE) == {"blue-1": "unhealthy", "blue-2": "healthy"})
    assert set(_names(30)) == {"blue-2"}
    check = scene.backends["blue-1"].checks[-1]
    assert check["user-agent"] == "ELB-HealthChecker/2.0"
    assert check["host"] == f"127.0.0.1:{scene.backends['blue-1'].port}"
    scene.backends["blue-1"].healthy = True
    eventually(lambda: set(_names(10)) == {"blue-1", "blue-2"})


def test_with_no_healthy_target_all_get_requests(scene: Scene) -> None:
    for name in ("blue-1", "blue-2"):
        scene.backends[name].healthy = False
    eventually(lambda: set(scene.states(BLUE).values()) == {"unhealthy"})
    assert set(_names(20)) == {"blue-1", "blue-2"}
    for name in ("blue-1", "blue-2"):
        scene.backends[name].healthy = True
    eventually(lambda: set(scene.states(BLUE).values()) == {"healthy"})


def test_targets_come_and_go_and_die_under_load_without_an_error(scene: Scene) -> None:
    scene.backends["blue-3"] = Backend("blue-3")
    with Load(PORT) as load:
        scene.want(in_blue=("blue-1", "blue-2", "blue-3"))
        eventually(lambda: (200, "blue-3") in load.outcomes)
        scene.want(in_blue=("blue-1", "blue-3"))
        time.sleep(0.5)
        scene.backends["blue-3"].stop()
        time.sleep(1)
    scene.want(in_blue=("blue-1", "blue-2"))
    assert not load.errors


def test_no_target_bad_gateway_and_time_out_look_like_the_load_balancers(scene: Scene) -> None:
    scene.want(in_blue=())
    none = eventually(lambda: (answer := ask(PORT)).status == 503 and answer)
    assert b"503 Service Temporarily Unavailable" in none.body
    assert none.headers["content-type"] == "text/html"
    gone = Backend("gone")
    scene.backends["gone"] = gone
    gone.stop()
    scene.want(in_blue=("gone",))
    bad = eventually(lambda: (answer := ask(PORT)).status == 502 and answer)
    assert b"502 Bad Gateway" in bad.body
    scene.want(in_blue=("blue-1",))
    eventually(lambda: ask(PORT).status == 200)
    scene.backends["blue-1"].delay = 4
    late = ask(PORT)
    scene.backends["blue-1"].delay = 0
    assert late.status == 504
    assert b"504 Gateway Time-out" in late.body


def test_a_request_that_changes_something_is_not_sent_twice(scene: Scene) -> None:
    scene.want(in_blue=("blue-1",))
    eventually(lambda: ask(PORT).status == 200)
    backend = scene.backends["blue-1"]
    before, backend.delay = backend.seen, 4
    assert ask(PORT, method="POST", body="{}").status == 504
    backend.delay = 0
    assert backend.seen == before + 1


def test_a_killed_envoy_is_back_with_its_routes(scene: Scene) -> None:
    scene.want(in_blue=("blue-1",))
    pid = _said("envoy-edge")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: _said("envoy-edge")["restarts"] == 1 and ask(PORT).status == 200, within=5)
    assert _said("envoy-edge")["pid"] != pid


def test_another_data_plane_takes_the_running_envoy_over(scene: Scene) -> None:
    eventually(lambda: _said("envoy-edge")["pid"])
    other = EdgeServer()
    assert other.reconcile(scene.edge).pid == _said("envoy-edge")["pid"]
    other._checker.stop()


def test_a_port_is_not_shared_with_another_envoy(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "other"))
    other = EdgeServer()
    other.reconcile(scene.edge)
    said = _said("loadbalancer-web")
    other.stop()
    assert said["status"] == "failed"
    assert "ddress already in use" in said["message"]


def test_a_taken_port_and_an_unknown_action_are_said(scene: Scene) -> None:
    balancer = scene.edge.load_balancers[0]
    port = scene.backends["green-1"].port
    taken = replace(balancer, arn="x", name="taken", listeners=(_listener(81, port, "HTTP", _rules(green=0)),))
    nlb = replace(balancer, arn="y", name="network", listeners=(_listener(82, PORT + 2, "TCP", _rules(green=0)),))
    scene.keeper.want(replace(scene.edge, load_balancers=(balancer, taken, nlb)))
    eventually(lambda: _said("loadbalancer-network")["status"] == "failed")
    assert "protocol TCP is not available" in _said("loadbalancer-network")["message"]
    eventually(lambda: _said("loadbalancer-taken")["status"] == "failed")
    assert "ddress already in use" in _said("loadbalancer-taken")["message"]
    assert _said("loadbalancer-web")["status"] == "available"
    scene.keeper.want(scene.edge)
    eventually(lambda: not status.path("loadbalancer", "taken").exists())
