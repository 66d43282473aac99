"""Distributions as Envoy listeners and clusters. One port takes TLS and plain text, as viewers use both."""

from __future__ import annotations

from localcloud import aws
from localcloud.dataplane import paths
from localcloud.dataplane.distribution.checker import socket_path
from localcloud.dataplane.distribution.routes import AUTHORIZATION, COMPRESSION, SCRIPT, cluster_name
from localcloud.dataplane.envoy import http, request_log, secure
from localcloud.dataplane.envoy.configuration import Files, Resource, typed
from localcloud.dataplane.specs import DistributionSpec, OriginSpec

CHECKER_CLUSTER = "signatures"

_IDLE_SECONDS = 60

# No query: it may hold a signature.
_LOG_LINE = (
    '%START_TIME% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(:METHOD)% "%REQ(:AUTHORITY)%" '
    '"%PATH(NQ:ORIG_OR_PATH)%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_SENT% %DURATION% '
    '"%REQ(USER-AGENT)%" %REQ(X-FORWARDED-PROTO)% %UPSTREAM_CLUSTER%'
)

_QUERY_SCRIPT = """\
local signature = { ["Expires"] = true, ["Policy"] = true, ["Signature"] = true, ["Key-Pair-Id"] = true,
  ["Hash-Algorithm"] = true }

function envoy_on_request(handle)
  local fate = handle:metadata():get("query")
  if fate == nil or fate == "keep" then return end
  local path = handle:headers():get(":path")
  local start = string.find(path, "?", 1, true)
  if not start then return end
  local kept = {}
  if fate == "unsign" then
    for part in string.gmatch(string.sub(path, start + 1), "[^&]+") do
      if not signature[string.match(part, "^[^=]*")] then kept[#kept + 1] = part end
    end
  end
  local query = #kept > 0 and ("?" .. table.concat(kept, "&")) or ""
  handle:headers():replace(":path", string.sub(path, 1, start - 1) .. query)
end
"""

# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
_COMPRESSIBLE = [
    "application/javascript",
    "application/json",
    "application/xml",
    "application/x-javascript",
    "application/xhtml+xml",
    "application/vnd.ms-fontobject",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/xml",
]
_LEAST_BYTES = 1000

_LIMITS, _PLENTY = ("max_connections", "max_pending_requests", "max_requests"), 10_000

_ERRORS = {"502 ERROR": ["UF", "URX", "UC", "UR", "LR", "UPE", "UH", "NC"], "504 ERROR": ["UT", "SI"]}


def listener_name(distribution: DistributionSpec) -> str:
    return f"cdn-{distribution.distribution_id}"


def listener(distribution: DistributionSpec, *, files: Files) -> Resource:
    """Envoy's Listener."""
    manager = _connection_manager(distribution, files)
    return http.listener(
        name=listener_name(distribution),
        port=distribution.local_port,
        listener_filters=[
            {
                "name": "tls inspector",
                "typed_config": typed("extensions.filters.listener.tls_inspector.v3.TlsInspector"),
            }
        ],
        filter_chains=[
            {
                "filter_chain_match": {"transport_protocol": "tls"},
                "transport_socket": secure.server_side("h2", "http/1.1"),
                "filters": [manager],
            },
            {"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": [manager]},
        ],
    )


def clusters(distribution: DistributionSpec) -> dict[str, Resource]:
    """Envoy's clusters of the origins, by name."""
    return {
        cluster_name(distribution, origin.origin_id): _cluster(cluster_name(distribution, origin.origin_id), origin)
        for origin in distribution.origins
    }


def checker_cluster() -> Resource:
    """The service that checks signatures."""
    return _static(CHECKER_CLUSTER, {"pipe": {"path": str(socket_path())}})


def _connection_manager(distribution: DistributionSpec, files: Files) -> Resource:
    name = listener_name(distribution)
    return http.connection_manager(
        name=name,
        files=files,
        filters=[_compressor(), _authorization(distribution), {**http.lua(_QUERY_SCRIPT), "name": SCRIPT}],
        idle_timeout=_IDLE_SECONDS,
        access_logs=[
            http.access_log(str(paths.log(name)), _LOG_LINE),
            request_log.access_log(distribution.distribution_id),
        ],
        local_replies=[
            http.local_reply(
                flags=flags,
                status=int(title[:3]),
                page=f"<html><head><title>ERROR: The request could not be satisfied</title></head>"
                f"<body><h1>{title}</h1></body></html>",
                content_type="text/html",
                headers=[],
            )
            for title, flags in _ERRORS.items()
        ],
    )


def _authorization(distribution: DistributionSpec) -> Resource:
    def names(*exact: str) -> Resource:
        return {"patterns": [{"exact": name} for name in exact]}

    return {
        "name": AUTHORIZATION,
        "typed_config": typed(
            "extensions.filters.http.ext_authz.v3.ExtAuthz",
            http_service={
                "server_uri": {"uri": "http://signatures", "cluster": CHECKER_CLUSTER, "timeout": "2s"},
                "path_prefix": f"/{distribution.distribution_id}",
                "authorization_response": {"allowed_client_headers": names("content-type")},
            },
            allowed_headers=names("cookie", "x-forwarded-proto", "x-forwarded-for"),
            failure_mode_allow=False,
            status_on_error={"code": "ServiceUnavailable"},
        ),
    }


def _compressor() -> Resource:
    return {
        "name": COMPRESSION,
        "typed_config": typed(
            "extensions.filters.http.compressor.v3.Compressor",
            response_direction_config={
                "common_config": {
                    "min_content_length": _LEAST_BYTES,
                    "content_type_matcher": [{"prefix": each} for each in _COMPRESSIBLE],
                }
            },
            compressor_library={
                "name": "gzip",
                "typed_config": typed("extensions.compression.gzip.compressor.v3.Gzip"),
            },
        ),
    }


def _cluster(name: str, origin: OriginSpec) -> Resource:
    address = http.address(origin.port)
    found = _static(name, address)
    if origin.tls:
        found["transport_socket"] = secure.client_side(server_name="localhost", verified=True)
    if origin.bucket:
        found["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                # In the upstream chain, so that what is signed is what is sent.
                http_filters=[
                    _signing(origin),
                    {
                        "name": "codec",
                        "typed_config": typed("extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
                    },
                ],
            )
        }
    return found


def _signing(origin: OriginSpec) -> Resource:
    """Origin access control: CloudFront signs as itself, a principal that exists on AWS alone; here root signs, after
    `desired` has looked whether the bucket policy lets the distribution in."""
    root = aws.root_credentials()
    return {
        "name": "signing",
        "typed_config": typed(
            "extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
            service_name="s3",
            region=origin.region,
            use_unsigned_payload=True,
            match_excluded_headers=[{"prefix": "x-forwarded"}, {"prefix": "x-envoy"}, {"exact": "x-request-id"}],
            credential_provider={
                "inline_credential": {
                    "access_key_id": root.access_key_id,
                    "secret_access_key": root.secret_access_key,
                }
            },
        ),
    }


def _static(name: str, address: Resource) -> Resource:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [dict.fromkeys(_LIMITS, _PLENTY)]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
