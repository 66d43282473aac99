"""The Envoy that is every load balancer and every distribution."""

from __future__ import annotations

import time
from dataclasses import replace

from localcloud.dataplane import status
from localcloud.dataplane.distribution import listeners as distribution_listeners
from localcloud.dataplane.distribution import routes as distribution_routes
from localcloud.dataplane.distribution.checker import SignatureChecker
from localcloud.dataplane.envoy.configuration import Configuration, Resource
from localcloud.dataplane.envoy.server import EnvoyServer
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.loadbalancer import clusters as load_balancer_clusters
from localcloud.dataplane.loadbalancer import health, weights
from localcloud.dataplane.loadbalancer import listeners as load_balancer_listeners
from localcloud.dataplane.loadbalancer import routes as load_balancer_routes
from localcloud.dataplane.loadbalancer.arrivals import Arrivals, Place
from localcloud.dataplane.specs import (
    DistributionSpec,
    Edge,
    ForwardAction,
    LoadBalancerSpec,
    TargetGroupSpec,
)
from localcloud.dataplane.status import Status

BALANCER, DISTRIBUTION, TARGET_GROUP = "loadbalancer", "distribution", "targetgroup"

_RECHECK = 5.0
"""Seconds between two looks at listeners whose configuration did not change."""


class EdgeServer:
    """A part for one keeper. Writes a status for each load balancer and distribution and the states of targets."""

    def __init__(self) -> None:
        self._envoy = EnvoyServer("envoy")
        self._checker = SignatureChecker()
        self._checker.start()
        self._files = self._envoy.files
        self._served: tuple[Edge, frozenset[Place]] | None = None
        self._checked_at = 0.0
        self._written: dict[tuple[str, str], Status] = {}
        self._arrivals = Arrivals()
        self._health = health.TargetHealth()
        self._states: health.TargetStates | None = None
        for kind in (BALANCER, DISTRIBUTION, TARGET_GROUP):
            status.remove_all(kind)

    def reconcile(self, edge: Edge) -> Status:
        wanted = edge, self._arrivals.of(edge.target_groups)
        if self._envoy.ensure() or self._served != wanted or time.monotonic() > self._checked_at + _RECHECK:
            self._serve(*wanted)
            self._served, self._checked_at = wanted, time.monotonic()
        self._report_health(edge)
        return Status(status="available", pid=self._envoy.process.pid, restarts=self._envoy.process.restarts)

    def stop(self) -> None:
        self._arrivals.stop()
        self._envoy.stop()
        self._checker.stop()

    delete = stop

    def _serve(self, edge: Edge, arrived: frozenset[Place]) -> None:
        failures = {(kind, name): message for kind, name, message in edge.refused}
        builder = _Builder(self._envoy)
        wanted: dict[tuple[str, str], dict[str, int]] = {}
        used = _used_groups(edge)
        for group in edge.target_groups:
            if group.arn in used:
                there = tuple(each for each in group.targets if (group.arn, str(each)) in arrived)
                try:
                    builder.add_target_group(replace(group, targets=there), idle_timeout=used[group.arn])
                except UnsupportedError as error:
                    failures[(TARGET_GROUP, group.name)] = str(error)
        for balancer in edge.load_balancers:
            key = (BALANCER, balancer.name)
            try:
                wanted[key] = builder.add_load_balancer(balancer)
            except UnsupportedError as error:
                failures[key] = str(error)
        for distribution in edge.distributions:
            key = (DISTRIBUTION, distribution.distribution_id)
            try:
                wanted[key] = builder.add_distribution(distribution)
            except UnsupportedError as error:
                failures[key] = str(error)
        self._checker.distributions = {each.distribution_id: each for each in edge.distributions}
        self._envoy.publish(builder.configuration())
        up = self._envoy.await_listeners(set(builder.listeners))
        said = "; ".join(self._envoy.refusals()) if up != set(builder.listeners) else ""
        statuses = {key: self._status(listeners, up, said) for key, listeners in wanted.items()}
        statuses |= {key: Status(status="failed", message=message) for key, message in failures.items()}
        self._write(statuses)
        weights.write(weights.served(edge.load_balancers))

    def _status(self, listeners: dict[str, int], up: set[str], said: str) -> Status:
        missing = [port for name, port in listeners.items() if name not in up]
        if missing:
            return Status(status="failed", message=f"ports {missing} could not be opened: {said}")
        ports = sorted(listeners.values())
        return Status(
            status="available",
            message="listens on " + ", ".join(map(str, ports)) if ports else "no listener yet",
            port=ports[0] if ports else None,
            pid=self._envoy.process.pid,
            restarts=self._envoy.process.restarts,
        )

    def _write(self, statuses: dict[tuple[str, str], Status]) -> None:
        for (kind, name), found in statuses.items():
            if self._written.get((kind, name)) != found:
                status.write(kind, name, found)
        for kind, name in self._written.keys() - statuses.keys():
            status.remove(kind, name)
        self._written = statuses

    def _report_health(self, edge: Edge) -> None:
        used = _used_groups(edge)
        groups = [group for group in edge.target_groups if group.arn in used]
        found = self._health.states(self._envoy.ask("/clusters?format=json"), groups)
        if found != self._states:
            health.write(found)
            self._states = found


class _Builder:
    """Collects the resources of everything that Envoy serves; what raises leaves nothing behind."""

    def __init__(self, envoy: EnvoyServer) -> None:
        self._files = envoy.files
        self.listeners: dict[str, Resource] = {}
        self._routes: dict[str, Resource] = {}
        self._clusters: dict[str, Resource] = {}
        self._endpoints: dict[str, Resource] = {}
        self._groups: set[str] = set()

    def add_target_group(self, group: TargetGroupSpec, *, idle_timeout: int) -> None:
        cluster = load_balancer_clusters.cluster(group, files=self._files, idle_timeout=idle_timeout)
        name = load_balancer_clusters.cluster_name(group.arn)
        self._clusters[name] = cluster
        self._endpoints[name] = load_balancer_clusters.endpoints(group)
        self._groups.add(group.arn)

    def add_load_balancer(self, balancer: LoadBalancerSpec) -> dict[str, int]:
        """Local ports by listener name."""
        ports = {listener.port: listener.local_port for listener in balancer.listeners}
        routes = {
            each.arn: load_balancer_routes.route_configuration(each, ports=ports, target_groups=self._groups)
            for each in balancer.listeners
        }
        listeners = {
            each.arn: load_balancer_listeners.listener(each, balancer=balancer, files=self._files)
            for each in balancer.listeners
        }
        self._routes |= routes
        self.listeners |= listeners
        return {each.arn: each.local_port for each in balancer.listeners}

    def add_distribution(self, distribution: DistributionSpec) -> dict[str, int]:
        """Local ports by listener name."""
        name = distribution_listeners.listener_name(distribution)
        self._routes[name] = distribution_routes.route_configuration(distribution, name=name)
        self._clusters |= distribution_listeners.clusters(distribution)
        self._clusters[distribution_listeners.CHECKER_CLUSTER] = distribution_listeners.checker_cluster()
        self.listeners[name] = distribution_listeners.listener(distribution, files=self._files)
        return {name: distribution.local_port}

    def configuration(self) -> Configuration:
        return Configuration(
            listeners=self.listeners, routes=self._routes, clusters=self._clusters, endpoints=self._endpoints
        )


def _used_groups(edge: Edge) -> dict[str, int]:
    """Idle timeout of the load balancer by ARN of the target groups that a listener names: only these are checked."""
    found: dict[str, int] = {}
    for balancer in edge.load_balancers:
        for listener in balancer.listeners:
            for rule in listener.rules:
                if isinstance(rule.action, ForwardAction):
                    found |= {arn: balancer.idle_timeout for arn, _ in rule.action.weights}
    return found
