"""Envoy: requests of load balancers and distributions, health of targets, connections."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from localcloud import aws, regions
from localcloud.dataplane.envoy import admin, request_log
from localcloud.dataplane.loadbalancer import health
from localcloud.dataplane.loadbalancer.clusters import cluster_name
from localcloud.metrics import application_elb, cloudfront
from localcloud.metrics.application_elb import Connections, Hosts, TargetGroup
from localcloud.metrics.datum import MINUTE, Datum
from localcloud.metrics.sources.requests import RequestLog

_ENVOY = "envoy"
_STATISTICS = (
    "^(listener[.].*[.]downstream_(cx_total|cx_active|cx_overload_reject|global_cx_overflow)"
    "|cluster[.].*[.]upstream_cx_(total|active|connect_fail))$"
)


class Edge:
    """`target_groups` tells those that load balancers use."""

    name = "load balancers"
    every = 5.0
    delay = request_log.FLUSH_SECONDS + 1.0

    def __init__(self, target_groups: Callable[[], list[TargetGroup]]) -> None:
        self._target_groups = target_groups
        self._log = RequestLog()
        self._looks: dict[str, list[Hosts]] = defaultdict(list)
        self._before = _Statistics({})

    def sample(self) -> None:
        """Raises NotYetError when Envoy does not answer."""
        if not self._before.known:
            self._before = _statistics()
        admin.ask(_ENVOY, "/ready")  # what was written last is old without Envoy
        for arn, states in health.last_written().items():
            self._looks[arn].append(hosts(states.values()))

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        looks, self._looks = self._looks, defaultdict(list)
        requests = self._log.take(before=minute + MINUTE)
        balancers = [each for each in requests if each.owner.startswith("arn:")]
        yield application_elb.requests(balancers)
        yield cloudfront.requests(each for each in requests if not each.owner.startswith("arn:"))
        groups = self._target_groups()
        counts = Counter(each.cluster for each in balancers if each.target and each.completed >= minute)
        for group in groups:
            if seen := looks[group.arn]:
                count = counts[cluster_name(group.arn)]
                yield application_elb.hosts(minute, group, seen)
                yield application_elb.requests_per_target(minute, group, count=count, last=seen[-1])
        yield from self._connections(minute, groups)

    def _connections(self, minute: int, groups: list[TargetGroup]) -> Iterator[list[Datum]]:
        before, now = self._before, _statistics()
        self._before = now
        ports = _ports(admin.ask(_ENVOY, "/listeners?format=json"))
        for balancer in sorted({group.balancer for group in groups}):
            clients = [now.clients(port).since(before.clients(port)) for port in ports[balancer]]
            targets = {
                group: now.targets(cluster_name(group.arn)).since(before.targets(cluster_name(group.arn)))
                for group in groups
                if group.balancer == balancer
            }
            yield application_elb.connections(minute, balancer, clients=sum(clients, Connections()), targets=targets)


def target_groups() -> list[TargetGroup]:
    """Those that the API knows and a load balancer uses."""
    return [
        TargetGroup(arn=group["TargetGroupArn"], balancer=balancer)
        for region in regions.standing()
        for page in aws.client("elbv2", region).get_paginator("describe_target_groups").paginate()
        for group in page["TargetGroups"]
        for balancer in group.get("LoadBalancerArns", [])
    ]


def hosts(states: Iterable[str]) -> Hosts:
    """Of the states of a group's targets. One whose first checks are not over is neither well nor unwell."""
    counted = Counter(states)
    return Hosts(healthy=counted["healthy"], unhealthy=counted["unhealthy"], registered=counted.total())


class _Statistics:
    """Envoy's counters and gauges by name."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self._values = values

    @property
    def known(self) -> bool:
        return bool(self._values)

    def clients(self, port: int) -> Connections:
        prefix = f"listener.127.0.0.1_{port}.downstream_"
        return Connections(
            made=self._sum(prefix + "cx_total"),
            failed=self._sum(prefix + "cx_overload_reject", prefix + "global_cx_overflow"),
            open=self._sum(prefix + "cx_active"),
        )

    def targets(self, cluster: str) -> Connections:
        prefix = f"cluster.{cluster}.upstream_cx_"
        return Connections(
            made=self._sum(prefix + "total"),
            failed=self._sum(prefix + "connect_fail"),
            open=self._sum(prefix + "active"),
        )

    def _sum(self, *names: str) -> int:
        return sum(self._values.get(name, 0) for name in names)


def _statistics() -> _Statistics:
    found = admin.ask(_ENVOY, f"/stats?format=json&filter={_STATISTICS}")
    return _Statistics({each["name"]: each["value"] for each in found["stats"] if "value" in each})


def _ports(listeners: Mapping[str, Any]) -> dict[str, list[int]]:
    """Local ports by load balancer, from Envoy's answer to /listeners?format=json."""
    found: dict[str, list[int]] = defaultdict(list)
    for listener in listeners.get("listener_statuses", []):
        if ":listener/" in listener["name"]:
            balancer = listener["name"].replace(":listener/", ":loadbalancer/").rpartition("/")[0]
            found[balancer].append(listener["local_address"]["socket_address"]["port_value"])
    return found
