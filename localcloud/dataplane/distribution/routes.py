"""Behaviours of a distribution as Envoy routes, first match first."""

from __future__ import annotations

import re

from localcloud.dataplane.distribution.behaviors import path_regex
from localcloud.dataplane.distribution.checker import error_document
from localcloud.dataplane.envoy.configuration import Resource, typed
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.patterns import any_of
from localcloud.dataplane.specs import BehaviorSpec, DistributionSpec, OriginSpec

AUTHORIZATION, COMPRESSION, SCRIPT = "signatures", "compression", "lua"

_PLAIN = {"name": "x-forwarded-proto", "string_match": {"exact": "http"}}
_READING = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}


def cluster_name(distribution: DistributionSpec, origin_id: str) -> str:
    return f"{distribution.distribution_id}/{origin_id}"


def route_configuration(distribution: DistributionSpec, *, name: str) -> Resource:
    """Envoy's RouteConfiguration. Raises UnsupportedError."""
    origins = {origin.origin_id: origin for origin in distribution.origins}
    routes: list[Resource] = []
    for behavior in distribution.behaviors:
        origin = origins.get(behavior.origin_id)
        if origin is None:
            raise UnsupportedError(f"behaviour {behavior.path_pattern}: its origin is not available here")
        routes += _routes(distribution, behavior, origin)
    return {
        "name": name,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        "request_headers_to_remove": ["x-envoy-external-address"],
        "response_headers_to_add": [
            _set("x-cache", "Miss from cloudfront"),
            _set("via", f"1.1 {distribution.distribution_id} (CloudFront)"),
        ],
    }


def _routes(distribution: DistributionSpec, behavior: BehaviorSpec, origin: OriginSpec) -> list[Resource]:
    match: Resource = {"safe_regex": {"regex": path_regex(behavior)}}
    allowed = any_of([re.escape(method) for method in behavior.allowed_methods])
    forwarded = {**match, "headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": allowed}}}]}
    found = _protocol_routes(behavior, match)
    if not origin.allowed:
        # The bucket policy does not let the distribution in, and S3 would say so.
        return [*found, _refusal(match)]
    if distribution.default_root_object and behavior is distribution.behaviors[-1]:
        root = {"path": "/", "headers": forwarded["headers"]}
        found.append(_forward(distribution, behavior, origin, root, path=f"/{distribution.default_root_object}"))
    return [*found, _forward(distribution, behavior, origin, forwarded), _refusal(match)]


def _protocol_routes(behavior: BehaviorSpec, match: Resource) -> list[Resource]:
    plain = {**match, "headers": [_PLAIN]}
    match behavior.viewer_protocol_policy:
        case "redirect-to-https":
            reading = {**match, "headers": [_PLAIN, _READING]}
            return [
                _open({"match": reading, "redirect": {"https_redirect": True}}),
                _open({"match": plain, "redirect": {"https_redirect": True, "response_code": "TEMPORARY_REDIRECT"}}),
            ]
        case "https-only":
            return [_refusal(plain)]
        case _:
            return []


def _forward(
    distribution: DistributionSpec, behavior: BehaviorSpec, origin: OriginSpec, match: Resource, *, path: str = ""
) -> Resource:
    prefix = f"/{origin.bucket}{origin.path}" if origin.bucket else origin.path
    action: Resource = {
        "cluster": cluster_name(distribution, origin.origin_id),
        "timeout": "0s",
        "idle_timeout": f"{origin.read_timeout}s",
        # CloudFront tries to connect three times.
        "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2},
    }
    if path or prefix:
        pattern, target = ("^/.*$", prefix + path) if path else ("^/", f"{prefix}/")
        action["regex_rewrite"] = {"pattern": {"regex": pattern}, "substitution": target.replace("\\", "\\\\")}
    if origin.bucket or behavior.host == "origin":
        action["host_rewrite_literal"] = f"{origin.domain_name}:{origin.port}" if origin.bucket else origin.domain_name
    found: Resource = {
        "match": match,
        "route": action,
        "metadata": {"filter_metadata": {SCRIPT: {"query": _query(behavior, origin)}}},
        "request_headers_to_add": [_set(name, value) for name, value in origin.headers],
        "request_headers_to_remove": _withheld(behavior, origin),
        "response_headers_to_add": [
            {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}
            for name, value in behavior.response_headers
        ],
        "typed_per_filter_config": {},
    }
    if not behavior.compress:
        found["typed_per_filter_config"][COMPRESSION] = typed(
            "extensions.filters.http.compressor.v3.CompressorPerRoute", disabled=True
        )
    return found if behavior.trusted_keys is not None else _open(found)


def _query(behavior: BehaviorSpec, origin: OriginSpec) -> str:
    """What happens to the query: S3 never gets one, as it would be an S3 request of another kind."""
    if origin.bucket or not behavior.forward_query:
        return "drop"
    return "keep" if behavior.trusted_keys is None else "unsign"


def _withheld(behavior: BehaviorSpec, origin: OriginSpec) -> list[str]:
    if origin.bucket:
        return ["authorization", "cookie", "referer", "origin", "x-amzn-trace-id"]
    withheld = [] if behavior.forward_cookies else ["cookie"]
    return withheld if behavior.forward_headers else [*withheld, "authorization", "referer"]


def _refusal(match: Resource) -> Resource:
    document = error_document("AccessDenied", "Access denied")
    return _open(
        {
            "match": match,
            "direct_response": {"status": 403, "body": {"inline_string": document}},
            "response_headers_to_add": [_set("content-type", "text/xml")],
        }
    )


def _open(route: Resource) -> Resource:
    """The route without a check of signatures: each other one has it."""
    others = route.get("typed_per_filter_config", {})
    disabled = typed("extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", disabled=True)
    return {**route, "typed_per_filter_config": {**others, AUTHORIZATION: disabled}}


def _set(name: str, value: str) -> Resource:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
