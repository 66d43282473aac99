"""Load balancer listeners as Envoy listeners."""

from __future__ import annotations

from localcloud.dataplane import paths
from localcloud.dataplane.envoy import http, request_log, secure
from localcloud.dataplane.envoy.configuration import Files, Resource, typed
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.loadbalancer.matching import SOURCE_ADDRESS
from localcloud.dataplane.loadbalancer.routes import SERVER_HEADER, error_page
from localcloud.dataplane.specs import ListenerSpec, LoadBalancerSpec

# docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html, by Envoy's flags.
_ERRORS = {
    "503 Service Temporarily Unavailable": ["UH", "NC", "UO", "NFCF"],
    "502 Bad Gateway": ["UF", "URX", "UC", "UR", "LR", "UPE"],
    "504 Gateway Time-out": ["UT", "SI"],
}

# docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html, the fields there are here.
_LOG_LINE = (
    '{type} %START_TIME% {name} %DOWNSTREAM_REMOTE_ADDRESS% "%UPSTREAM_HOST%" %REQUEST_DURATION% %RESPONSE_DURATION% '
    '%DURATION% %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% "%REQ(:METHOD)% '
    '%REQ(X-FORWARDED-PROTO)%://%REQ(:AUTHORITY)%%REQ(:PATH)% %PROTOCOL%" "%REQ(USER-AGENT)%" '
    '%DOWNSTREAM_TLS_CIPHER% %DOWNSTREAM_TLS_VERSION% %UPSTREAM_CLUSTER% "%REQ(X-AMZN-TRACE-ID)%"'
)

# docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
_REQUEST_SCRIPT = """\
math.randomseed(os.time() + tonumber(string.match(tostring({{}}), "0x(%x+)"), 16) % 2147483648)

local function trace()
  return string.format("1-%08x-%06x%06x%06x%06x", os.time(), math.random(0, 16777215), math.random(0, 16777215),
    math.random(0, 16777215), math.random(0, 16777215))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if {drop_invalid} then
    local invalid = {{}}
    for name, _ in pairs(headers) do
      if not string.match(name, "^:?[-%w]+$") then invalid[#invalid + 1] = name end
    end
    for _, name in ipairs(invalid) do headers:remove(name) end
  end
  local present = headers:get("x-amzn-trace-id")
  if present and string.find(present, "Root=", 1, true) then
    headers:replace("x-amzn-trace-id", "Self=" .. trace() .. ";" .. present)
  else
    headers:replace("x-amzn-trace-id", "Root=" .. trace())
  end
end
"""


def listener(spec: ListenerSpec, *, balancer: LoadBalancerSpec, files: Files) -> Resource:
    """Envoy's Listener. Raises UnsupportedError."""
    if balancer.forwarded_for not in ("append", "preserve"):
        raise UnsupportedError(f"X-Forwarded-For mode {balancer.forwarded_for} is not available here")
    if spec.protocol not in ("HTTP", "HTTPS"):
        raise UnsupportedError(f"listener {spec.port}: protocol {spec.protocol} is not available here")
    chain: Resource = {
        "filters": [
            {
                "name": "source address",
                "typed_config": typed(
                    "extensions.filters.network.set_filter_state.v3.Config",
                    on_new_connection=[
                        {
                            "object_key": SOURCE_ADDRESS,
                            "factory_key": "envoy.network.ip",
                            "format_string": {
                                "text_format_source": {"inline_string": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
                            },
                        }
                    ],
                ),
            },
            _connection_manager(spec, balancer, files),
        ]
    }
    if spec.protocol == "HTTPS":
        chain["transport_socket"] = secure.server_side("h2", "http/1.1")
    return http.listener(name=spec.arn, port=spec.local_port, filter_chains=[chain])


def _connection_manager(spec: ListenerSpec, balancer: LoadBalancerSpec, files: Files) -> Resource:
    kind = "https" if spec.protocol == "HTTPS" else "http"
    script = _REQUEST_SCRIPT.format(drop_invalid="true" if balancer.drop_invalid_header_fields else "false")
    return http.connection_manager(
        name=spec.arn,
        files=files,
        filters=[http.lua(script)],
        idle_timeout=balancer.idle_timeout,
        access_logs=[
            http.access_log(str(paths.log(f"alb-{balancer.name}")), _LOG_LINE.format(type=kind, name=balancer.name)),
            request_log.access_log(balancer.arn),
        ],
        local_replies=[
            http.local_reply(
                flags=flags,
                status=int(title[:3]),
                page=error_page(title),
                content_type="text/html",
                headers=[SERVER_HEADER],
            )
            for title, flags in _ERRORS.items()
        ],
        append_forwarded_for=balancer.forwarded_for == "append",
    )
