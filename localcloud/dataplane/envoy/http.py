"""What the HTTP listeners of load balancers and distributions have in common."""

from __future__ import annotations

from typing import Any

from localcloud import layout
from localcloud.dataplane.envoy.configuration import Files, Resource, typed

# An address nobody has (RFC 5737): without any range Envoy takes its default ones, and trusts the loopback interface.
_NOBODY = {"address_prefix": "192.0.2.0", "prefix_len": 32}


def address(port: int) -> Resource:
    return {"socket_address": {"address": layout.LOOPBACK, "port_value": port}}


def listener(*, name: str, port: int, filter_chains: list[Resource], **more: Any) -> Resource:
    """A listener that has its port for itself: by default Envoy shares it with any other Envoy, and each of them gets
    some of the connections."""
    return {
        "name": name,
        "address": address(port),
        "enable_reuse_port": False,
        "filter_chains": filter_chains,
        **more,
    }


def lua(source: str) -> Resource:
    return {
        "name": "lua",
        "typed_config": typed("extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": source}),
    }


def router() -> Resource:
    return {
        "name": "router",
        "typed_config": typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
    }


def _forwarded_for() -> Resource:
    """Appends the client's address to X-Forwarded-For. Envoy's own way names another address of this machine for
    clients on the loopback interface."""
    client = {"key": "x-forwarded-for", "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}
    mutation = {"append": {"header": client, "append_action": "APPEND_IF_EXISTS_OR_ADD"}}
    return {
        "name": "forwarded for",
        "typed_config": typed(
            "extensions.filters.http.header_mutation.v3.HeaderMutation",
            mutations={"request_mutations": [mutation]},
        ),
    }


def connection_manager(
    *,
    name: str,
    files: Files,
    filters: list[Resource],
    idle_timeout: int,
    access_logs: list[Resource],
    local_replies: list[Resource],
    append_forwarded_for: bool = True,
) -> Resource:
    """The network filter that speaks HTTP. `name` is also the name of its routes; `local_replies` are mappers of the
    answers that Envoy gives itself."""
    return {
        "name": "http",
        "typed_config": typed(
            "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix=name,
            rds={"route_config_name": name, "config_source": files.source("routes", name)},
            http_filters=[*([_forwarded_for()] if append_forwarded_for else []), *filters, router()],
            skip_xff_append=True,
            # Clients are strangers: their address is the connection's, and Envoy's own headers mean nothing from them.
            use_remote_address=True,
            internal_address_config={"cidr_ranges": [_NOBODY]},
            generate_request_id=False,
            preserve_external_request_id=True,
            server_header_transformation="PASS_THROUGH",
            stream_idle_timeout=f"{idle_timeout}s",
            common_http_protocol_options={"idle_timeout": f"{idle_timeout}s"},
            upgrade_configs=[{"upgrade_type": "websocket"}],
            access_log=access_logs,
            local_reply_config={"mappers": local_replies},
        ),
    }


def local_reply(*, flags: list[str], status: int, page: str, content_type: str, headers: list[Resource]) -> Resource:
    """A mapper: what is answered where a request ended with one of Envoy's response flags."""
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "status_code": status,
        "body_format_override": {
            # Per cent begins a command there.
            "text_format_source": {"inline_string": page.replace("%", "%%")},
            "content_type": content_type,
        },
        "headers_to_add": headers,
    }


def access_log(path: str, line: str) -> Resource:
    """A log file; `line` in Envoy's format."""
    return {
        "name": "file",
        "typed_config": typed(
            "extensions.access_loggers.file.v3.FileAccessLog",
            path=path,
            log_format={"text_format_source": {"inline_string": line + "\n"}},
        ),
    }
