"""Envoy: requests of load balancers and distributions, health of targets, connections."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud import aws
from localcloud.dataplane.envoy import admin, request_log
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
        for name, seen in hosts(admin.ask(_ENVOY, "/clusters?format=json")).items():
            self._looks[name].append(seen)

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        looks, self._looks = self._looks, defaultdict(list)
        requests = self._log.take(before=minute + MINUTE)
        balancers = [each for each in requests if each.owner.startswith("arn:")]
        yield application_elb.requests(balancers)
        yield cloudfront.requests(each for each in requests if not each.owner.startswith("arn:"))
        groups = self._target_groups()
        counts = Counter(each.cluster for each in balancers if each.target and each.completed >= minute)
        for group in groups:
            name = cluster_name(group.arn)
            if looks[name]:
                yield application_elb.hosts(minute, group, looks[name])
                yield application_elb.requests_per_target(minute, group, count=counts[name], last=looks[name][-1])
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
        for region in aws.REGIONS
        for page in aws.client("elbv2", region).get_paginator("describe_target_groups").paginate()
        for group in page["TargetGroups"]
        for balancer in group.get("LoadBalancerArns", [])
    ]


def hosts(clusters: Mapping[str, Any]) -> dict[str, Hosts]:
    """By cluster, from Envoy's answer to /clusters?format=json. A target that was never checked is neither well nor
    unwell."""
    found = {}
    for cluster in clusters.get("cluster_statuses", []):
        health = [host["health_status"] for host in cluster.get("host_statuses", [])]
        checked = [each for each in health if not each.get("pending_active_hc")]
        failed = sum(bool(each.get("failed_active_health_check")) for each in checked)
        found[cluster["name"]] = Hosts(healthy=len(checked) - failed, unhealthy=failed, registered=len(health))
    return found


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
