"""Listener rules as Envoy routes, first match first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from localcloud.dataplane.envoy.configuration import Resource
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.loadbalancer.clusters import cluster_name
from localcloud.dataplane.loadbalancer.matching import route_match
from localcloud.dataplane.specs import FixedResponseAction, ForwardAction, ListenerSpec, RedirectAction, RuleSpec

_SAFE_METHODS = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS|TRACE"}}}

# These failures mean that no target has seen the request, so another one may get it, whatever the method.
_UNSEEN = "connect-failure,refused-stream,reset-before-request"

SERVER_HEADER: Resource = {
    "header": {"key": "server", "value": "awselb/2.0"},
    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
}


def route_configuration(listener: ListenerSpec, *, ports: Mapping[int, int], target_groups: Set[str]) -> Resource:
    """Envoy's RouteConfiguration of a listener. `ports` maps the load balancer's listener ports to local ones, for
    redirects; `target_groups` are the ARNs of those that exist.

    Raises UnsupportedError, naming the rule.
    """
    routes = []
    for rule in listener.rules:
        try:
            routes += _routes(rule, ports=ports, target_groups=target_groups)
        except UnsupportedError as error:
            raise UnsupportedError(f"rule {rule.arn.rsplit('/', 1)[-1]}: {error}") from error
    return {
        "name": listener.arn,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        "request_headers_to_remove": ["x-envoy-external-address"],
        "request_headers_to_add": [
            {
                "header": {"key": "x-forwarded-port", "value": str(listener.local_port)},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }


def _routes(rule: RuleSpec, *, ports: Mapping[int, int], target_groups: Set[str]) -> list[Resource]:
    match = route_match(rule.conditions)
    match rule.action:
        case FixedResponseAction() as action:
            return [{"match": match, **_fixed(action.status, action.body, action.content_type)}]
        case RedirectAction() as action:
            redirect = _redirect(action, ports)
            return [{"match": match, "redirect": redirect, "response_headers_to_add": [SERVER_HEADER]}]
        case ForwardAction() as action:
            weights = [(arn, weight) for arn, weight in action.weights if weight and arn in target_groups]
            if not weights:
                return [{"match": match, **unavailable()}]
            safe = {**match, "headers": [*match.get("headers", []), _SAFE_METHODS]}
            return [
                {"match": safe, "route": _forward(weights, retry_on=f"{_UNSEEN},reset")},
                {"match": match, "route": _forward(weights, retry_on=_UNSEEN)},
            ]


def unavailable() -> Resource:
    """What the load balancer says when there is nowhere to send a request."""
    return _fixed(503, error_page("503 Service Temporarily Unavailable"), "text/html")


def error_page(title: str) -> str:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )


def _fixed(status: int, body: str, content_type: str) -> Resource:
    headers = [SERVER_HEADER]
    if body:
        headers.append(
            {
                "header": {"key": "content-type", "value": content_type},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        )
    response: Resource = {"status": status}
    if body:
        response["body"] = {"inline_string": body}
    return {"direct_response": response, "response_headers_to_add": headers}


def _forward(weights: list[tuple[str, int]], *, retry_on: str) -> Resource:
    return {
        "weighted_clusters": {"clusters": [{"name": cluster_name(arn), "weight": weight} for arn, weight in weights]},
        # The load balancer has no limit for a whole request; its idle timeout is the listener's.
        "timeout": "0s",
        "cluster_not_found_response_code": "SERVICE_UNAVAILABLE",
        "retry_policy": {
            "retry_on": retry_on,
            "num_retries": 3,
            "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
            "retry_host_predicate": [
                {
                    "name": "previous_hosts",
                    "typed_config": {
                        "@type": "type.googleapis.com/"
                        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": "5",
        },
    }


def _redirect(action: RedirectAction, ports: Mapping[int, int]) -> Resource:
    """Envoy's RedirectAction; `#{protocol}` and the like are left as they are where Envoy can do that."""
    found: Resource = {
        "response_code": {301: "MOVED_PERMANENTLY", 302: "FOUND"}[action.status],
    }
    if action.protocol != "#{protocol}":
        found["scheme_redirect"] = action.protocol.lower()
    if action.host != "#{host}":
        found["host_redirect"] = _literal(action.host)
    if action.port != "#{port}":
        declared = int(_literal(action.port))
        found["port_redirect"] = ports.get(declared, declared)
    keeps_query = action.query == "#{query}"
    if "#{path}" not in action.path:
        query = "" if not action.query or keeps_query else f"?{_literal(action.query)}"
        found["path_redirect"] = _literal(action.path) + query
        found["strip_query"] = not keeps_query and not query
    else:
        if action.path != "/#{path}":
            before, _, after = action.path.partition("#{path}")
            found["regex_rewrite"] = {
                "pattern": {"regex": "^/(.*)$"},
                "substitution": _substitution(before) + r"\1" + _substitution(after),
            }
        if action.query and not keeps_query:
            raise UnsupportedError(f"a redirect from {action.path} to another query is not available here")
        found["strip_query"] = not action.query
    return found


def _literal(text: str) -> str:
    if "#{" in text:
        raise UnsupportedError(f"the redirect part {text} is not available here")
    return text


def _substitution(text: str) -> str:
    return re.sub(r"\\", r"\\\\", _literal(text))
