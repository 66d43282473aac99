"""TLS pieces of Envoy configuration, with the local cloud's own certificate."""

from __future__ import annotations

from localcloud import tls
from localcloud.dataplane.envoy.configuration import Resource, typed

_SOCKETS = "extensions.transport_sockets.tls.v3."


def server_side(*protocols: str) -> Resource:
    """A transport socket that shows our certificate; `protocols` are offered by ALPN."""
    material = tls.material()
    certificate = {
        "certificate_chain": {"filename": str(material.certificate)},
        "private_key": {"filename": str(material.key)},
    }
    common: Resource = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [certificate],
    }
    if protocols:
        common["alpn_protocols"] = list(protocols)
    return {
        "name": "tls",
        "typed_config": typed(_SOCKETS + "DownstreamTlsContext", common_tls_context=common),
    }


def client_side(*, server_name: str, verified: bool) -> Resource:
    """A transport socket towards a server; `verified` asks for a certificate of our own authority."""
    common: Resource = {}
    if verified:
        common["validation_context"] = {"trusted_ca": {"filename": str(tls.material().authority)}}
    context: Resource = {"common_tls_context": common}
    if server_name:
        context["sni"] = server_name
    return {"name": "tls", "typed_config": typed(_SOCKETS + "UpstreamTlsContext", **context)}
