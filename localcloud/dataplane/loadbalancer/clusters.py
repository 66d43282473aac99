"""Target groups as Envoy clusters."""

from __future__ import annotations

from localcloud.dataplane.envoy import secure
from localcloud.dataplane.envoy.configuration import Files, Resource, typed
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.loadbalancer.first_check import USER_AGENT
from localcloud.dataplane.specs import TargetGroupSpec

_PLENTY = 100_000
_RETRIES = 1000
"""Parallel retries; with Envoy's default of 3 a killed target under load gave thousands of 5xx."""


def cluster_name(arn: str) -> str:
    """`name/id` of a target group's ARN, which is unique in the account and region, and the region."""
    parts = arn.split(":", 5)
    return f"{parts[5].removeprefix('targetgroup/')}@{parts[3]}" if len(parts) == 6 else arn


def cluster(group: TargetGroupSpec, *, files: Files, idle_timeout: int) -> Resource:
    """Envoy's Cluster. Raises UnsupportedError."""
    if group.protocol not in ("HTTP", "HTTPS"):
        raise UnsupportedError(f"target group {group.name}: protocol {group.protocol} is not available here")
    name = cluster_name(group.arn)
    found: Resource = {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"service_name": name, "eds_config": files.source("endpoints", name)},
        "connect_timeout": "2s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": _PLENTY,
                    "max_pending_requests": _PLENTY,
                    "max_requests": _PLENTY,
                    "max_retries": _RETRIES,
                }
            ]
        },
        "health_checks": [_health_check(group)],
        "ignore_health_on_host_removal": True,
        "common_lb_config": {
            # Fail open, as the load balancer does: with no healthy target at all everyone gets requests; but a target
            # that was never checked gets none.
            "healthy_panic_threshold": {"value": 1},
            "ignore_new_hosts_until_first_hc": True,
            # Envoy would gather changes of health for a second before it heeds them.
            "update_merge_window": "0s",
        },
        "outlier_detection": {
            # Connections that fail, never answers: what an application answers is its own business.
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 2,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": "2s",
            "max_ejection_time": "10s",
            "max_ejection_percent": 100,
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": f"{idle_timeout}s"},
                explicit_http_config={"http_protocol_options": {}}
                if group.protocol_version == "HTTP1"
                else {"http2_protocol_options": {}},
            )
        },
        **_balancing(group),
    }
    if group.protocol == "HTTPS":
        found["transport_socket"] = secure.client_side(server_name="", verified=False)
    return found


def endpoints(group: TargetGroupSpec) -> Resource:
    """Envoy's ClusterLoadAssignment. Health checks carry the target's address as Host, as the load balancer's do."""
    check = group.health_check
    return {
        "cluster_name": cluster_name(group.arn),
        "endpoints": [
            {
                "lb_endpoints": [
                    {
                        "endpoint": {
                            "address": {"socket_address": {"address": target.address, "port_value": target.port}},
                            "health_check_config": {
                                "hostname": f"{target.address}:{check.port or target.port}",
                                **({"port_value": check.port} if check.port else {}),
                            },
                        }
                    }
                    for target in group.targets
                ]
            }
        ],
    }


def _balancing(group: TargetGroupSpec) -> Resource:
    slow: Resource = {"slow_start_config": {"slow_start_window": f"{group.slow_start}s"}} if group.slow_start else {}
    if group.algorithm == "least_outstanding_requests":
        # The target with the fewest of all, not the better one of two: a target that hangs gets no more requests.
        policy, settings = "least_request", {"selection_method": "FULL_SCAN", **slow}
    elif group.algorithm == "weighted_random":
        policy, settings = "random", {}
    else:
        policy, settings = "round_robin", slow
    kind = f"extensions.load_balancing_policies.{policy}.v3.{policy.title().replace('_', '')}"
    chosen = {"name": f"envoy.load_balancing_policies.{policy}", "typed_config": typed(kind, **settings)}
    return {"load_balancing_policy": {"policies": [{"typed_extension_config": chosen}]}}


def _health_check(group: TargetGroupSpec) -> Resource:
    check = group.health_check
    if check.protocol != group.protocol:
        raise UnsupportedError(
            f"target group {group.name}: health checks by {check.protocol} of {group.protocol} targets are not "
            "available here"
        )
    return {
        "timeout": f"{check.timeout}s",
        "interval": f"{check.interval}s",
        # Without traffic Envoy would look once a minute only.
        "no_traffic_interval": f"{check.interval}s",
        "no_traffic_healthy_interval": f"{check.interval}s",
        # The load balancer's interval is between the beginnings of two checks, Envoy's from the end of one on: between
        # the first that fails for lack of an answer and the next there is only what is left of it.
        "unhealthy_edge_interval": f"{max(1, check.interval - check.timeout)}s",
        "healthy_threshold": check.healthy_threshold,
        "unhealthy_threshold": check.unhealthy_threshold,
        "http_health_check": {
            "path": check.path,
            "expected_statuses": [{"start": first, "end": last + 1} for first, last in check.accepted()],
            # Without this a single wrong answer would do, whatever the threshold.
            "retriable_statuses": [{"start": 100, "end": 600}],
            "request_headers_to_add": [
                {
                    "header": {"key": "user-agent", "value": USER_AGENT},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
            "codec_client_type": "HTTP1" if group.protocol_version == "HTTP1" else "HTTP2",
        },
    }
