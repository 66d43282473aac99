"""AWS/ApplicationELB, from the requests that Envoy answered, its targets' health and its connections.

docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html says what is counted
where and when nothing is reported. There is one availability zone here, so no metric is split by zone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from localcloud.dataplane.envoy.request_log import Request
from localcloud.metrics.datum import Datum, Minute, minute_of, rounded

NAMESPACE = "AWS/ApplicationELB"

_CLIENT_LEFT = 460
"""docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-460-issues"""

_ALONE = frozenset({500, 502, 503, 504})
"""Codes of the load balancer itself that have a metric of their own."""


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """A target group that a load balancer uses."""

    arn: str
    balancer: str
    """The load balancer's ARN."""

    @property
    def dimensions(self) -> dict[str, str]:
        return {"TargetGroup": target_group_dimension(self.arn), "LoadBalancer": balancer_dimension(self.balancer)}


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Targets that were well and not at one look."""

    healthy: int
    unhealthy: int
    registered: int


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Of one load balancer or target group: made and rejected or failed since its Envoy started, open now."""

    made: int = 0
    failed: int = 0
    open: int = 0

    def since(self, before: Connections) -> Connections:
        """What happened in between; `before` counts for nothing where Envoy was started anew."""
        if self.made < before.made or self.failed < before.failed:
            return self
        return Connections(made=self.made - before.made, failed=self.failed - before.failed, open=self.open)

    def __add__(self, other: Connections) -> Connections:
        return Connections(made=self.made + other.made, failed=self.failed + other.failed, open=self.open + other.open)


def balancer_dimension(arn: str) -> str:
    """app/name/id"""
    return arn.split(":loadbalancer/", 1)[1]


def target_group_dimension(arn: str) -> str:
    """targetgroup/name/id"""
    return arn.rsplit(":", 1)[1]


def region_of(arn: str) -> str:
    return arn.split(":")[3]


@dataclass
class _Tally:
    """Requests of a load balancer, or of one of its target groups."""

    targets: Counter[int] = field(default_factory=Counter)
    own: Counter[int] = field(default_factory=Counter)
    redirects: int = 0
    chosen: int = 0
    bytes: int = 0
    seconds: Counter[float] = field(default_factory=Counter)

    def add(self, request: Request) -> None:
        if request.target:
            self.chosen += 1
        self.bytes += request.received + request.sent
        if request.answered_by_target:
            self.targets[request.code] += 1
            if request.target_seconds is not None:
                self.seconds[rounded(request.target_seconds)] += 1
            return
        self.own[request.code or _CLIENT_LEFT] += 1
        self.redirects += request.details == "direct_response" and 300 <= request.code < 400


def requests(found: Iterable[Request]) -> list[Datum]:
    """Each request is counted in the minute it was answered in; its owner is a load balancer's ARN."""
    tallies: dict[tuple[int, str, str | None], _Tally] = defaultdict(_Tally)
    for request in found:
        minute = minute_of(request.completed)
        tallies[(minute, request.owner, None)].add(request)
        if request.cluster:
            tallies[(minute, request.owner, request.cluster)].add(request)
    data: list[Datum] = []
    for (minute, arn, cluster), tally in tallies.items():
        dimensions = {"LoadBalancer": balancer_dimension(arn)}
        if cluster:
            dimensions = {"TargetGroup": f"targetgroup/{cluster.rsplit('@', 1)[0]}", **dimensions}
        into = Minute(namespace=NAMESPACE, region=region_of(arn), start=minute)
        data += _of_targets(into, tally, dimensions)
        if not cluster:
            data += _of_balancer(into, tally, dimensions)
    return data


def _of_targets(into: Minute, tally: _Tally, dimensions: Mapping[str, str]) -> list[Datum]:
    counts = {f"HTTPCode_Target_{family}XX_Count": count for family, count in _families(tally.targets).items()}
    data = _ones(into, {"RequestCount": tally.chosen, **counts}, dimensions)
    if tally.seconds:
        data.append(into.counted("TargetResponseTime", tally.seconds, "Seconds", **dimensions))
    return data


def _of_balancer(into: Minute, tally: _Tally, dimensions: Mapping[str, str]) -> list[Datum]:
    families = {
        f"HTTPCode_ELB_{family}XX_Count": count for family, count in _families(tally.own).items() if family >= 3
    }
    alone = {f"HTTPCode_ELB_{code}_Count": count for code, count in tally.own.items() if code in _ALONE}
    data = _ones(into, {**families, **alone, "HTTP_Redirect_Count": tally.redirects}, dimensions)
    data.append(into.value("ProcessedBytes", tally.bytes, "Bytes", **dimensions))
    return data


def _families(codes: Mapping[int, int]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for code, count in codes.items():
        found[code // 100] += count
    return found


def _ones(into: Minute, counts: Mapping[str, int], dimensions: Mapping[str, str]) -> list[Datum]:
    """One data point of 1 for each, as AWS has it: Average, Minimum and Maximum are 1. Nothing where there is none."""
    return [into.counted(name, {1: count}, "Count", **dimensions) for name, count in counts.items() if count]


def hosts(minute: int, group: TargetGroup, looks: Sequence[Hosts]) -> list[Datum]:
    """From several looks in a minute. Nothing for a group without targets, which has no health checks."""
    looks = [look for look in looks if look.registered]
    into = Minute(namespace=NAMESPACE, region=region_of(group.arn), start=minute)
    if not looks:
        return []
    return [
        into.values("HealthyHostCount", [look.healthy for look in looks], "Count", **group.dimensions),
        into.values("UnHealthyHostCount", [look.unhealthy for look in looks], "Count", **group.dimensions),
    ]


def requests_per_target(minute: int, group: TargetGroup, *, count: int, last: Hosts) -> list[Datum]:
    """`count` requests over those that take them: the healthy targets, all where none is healthy."""
    targets = last.healthy or last.registered
    if not targets:
        return []
    into = Minute(namespace=NAMESPACE, region=region_of(group.arn), start=minute)
    group_alone = {"TargetGroup": target_group_dimension(group.arn)}
    return [
        into.value("RequestCountPerTarget", count / targets, "Count", **dimensions)
        for dimensions in (group_alone, group.dimensions)
    ]


def connections(
    minute: int, balancer: str, *, clients: Connections, targets: Mapping[TargetGroup, Connections]
) -> list[Datum]:
    """What a minute saw of connections from clients and to targets."""
    into = Minute(namespace=NAMESPACE, region=region_of(balancer), start=minute)
    of_balancer = {"LoadBalancer": balancer_dimension(balancer)}
    total = sum(targets.values(), clients)
    failed = sum(each.failed for each in targets.values())
    found = [
        ("ActiveConnectionCount", total.open, of_balancer),
        ("NewConnectionCount", total.made, of_balancer),
        ("RejectedConnectionCount", clients.failed, of_balancer),
        ("TargetConnectionErrorCount", failed, of_balancer),
        *(("TargetConnectionErrorCount", each.failed, group.dimensions) for group, each in targets.items()),
    ]
    return [into.value(name, value, "Count", **dimensions) for name, value, dimensions in found if value]
