"""Attributes of load balancers, listeners and target groups: pairs of texts that nothing checks before AWS does."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import LISTENER, LOAD_BALANCER, TARGET_GROUP
from preflight.values import Node, entries, integer, text


def _attributes(resource: Resource, *keys: str) -> Iterator[tuple[str, Node]]:
    for key in keys:
        for attribute in entries(resource.get(key)):
            name = text(attribute.get("Key"))
            if name is not None:
                yield name, attribute.get("Value")


@rule(
    "ELB-212",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Attributes of load balancers, listeners and target groups have values in their range",
    otherwise="The attributes are refused when they are set, and the stack rolls back.",
    remedy="Choose a value that the attribute takes.",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html",
    types=(LOAD_BALANCER, LISTENER, TARGET_GROUP),
)
def attribute_values(resource: Resource) -> Iterator[Fault]:
    for name, node in _attributes(resource, "LoadBalancerAttributes", "TargetGroupAttributes", "ListenerAttributes"):
        value = text(node) if name in _RANGES or name in _CHOICES else None
        if value is None:
            continue
        if name in _RANGES:
            low, high = _RANGES[name]
            amount = integer(value)
            off = name == "slow_start.duration_seconds" and amount == 0
            if amount is None or not (low <= amount <= high or off):
                yield Fault(at=str(node), message=f"{name} is {value}, not within {low} to {high}")
        elif value.lower() not in _CHOICES[name]:
            yield Fault(at=str(node), message=f"{name} is {value}, none of {', '.join(_CHOICES[name])}")


_RANGES = {
    "client_keep_alive.seconds": (60, 604800),
    "deregistration_delay.timeout_seconds": (0, 3600),
    "idle_timeout.timeout_seconds": (1, 4000),
    "secondary_ips.auto_assigned.per_subnet": (0, 7),
    "slow_start.duration_seconds": (30, 900),
    "stickiness.app_cookie.duration_seconds": (1, 604800),
    "stickiness.lb_cookie.duration_seconds": (1, 604800),
    "target_health_state.unhealthy.draining_interval_seconds": (0, 360000),
    "tcp.idle_timeout.seconds": (60, 6000),
}
_BOOLEAN = ("true", "false")
_CHOICES = {
    "access_logs.s3.enabled": _BOOLEAN,
    "connection_logs.s3.enabled": _BOOLEAN,
    "deletion_protection.enabled": _BOOLEAN,
    "deregistration_delay.connection_termination.enabled": _BOOLEAN,
    "lambda.multi_value_headers.enabled": _BOOLEAN,
    "load_balancing.algorithm.anomaly_mitigation": ("on", "off"),
    "load_balancing.algorithm.type": ("round_robin", "least_outstanding_requests", "weighted_random"),
    "preserve_client_ip.enabled": _BOOLEAN,
    "proxy_protocol_v2.enabled": _BOOLEAN,
    "routing.http.desync_mitigation_mode": ("monitor", "defensive", "strictest"),
    "routing.http.drop_invalid_header_fields.enabled": _BOOLEAN,
    "routing.http.preserve_host_header.enabled": _BOOLEAN,
    "routing.http.xff_header_processing.mode": ("append", "preserve", "remove"),
    "routing.http2.enabled": _BOOLEAN,
    "stickiness.enabled": _BOOLEAN,
    "stickiness.type": (
        "lb_cookie",
        "app_cookie",
        "source_ip",
        "source_ip_dest_ip",
        "source_ip_dest_ip_proto",
    ),
}
