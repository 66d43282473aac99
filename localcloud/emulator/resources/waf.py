"""Web ACLs whole, and what ties them to load balancers and to their logs."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import waf

from localcloud.emulator import coercion, wire
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Handler, Properties, Provisioned, Wanted, resource


@resource("AWS::WAFv2::WebACL")
class WebAcl(Completion):
    """Upstream keeps rules as the template writes them; the API has search strings in base64."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        _, identifier, scope = ref.split("|")
        record = waf.web_acl_record(identifier, scope)
        request = coercion.to_input("wafv2", "CreateWebACL", wanted.properties, without=("Name", "Scope", "Tags"))
        wire.keep("wafv2", "WebACL", record, _with_text_blobs(request))
        return {"LabelNamespace": f"awswaf:{get_account_id()}:webacl:{record['Name']}:"}


def _with_text_blobs(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _with_text_blobs(item) for name, item in value.items()}
    return [_with_text_blobs(item) for item in value] if isinstance(value, list) else value


@resource("AWS::WAFv2::WebACLAssociation")
class WebAclAssociation(Handler):
    def create(self, wanted: Wanted) -> Provisioned:
        client("wafv2").associate_web_acl(**coercion.to_input("wafv2", "AssociateWebACL", wanted.properties))
        return Provisioned(ref=f"{wanted.properties['WebACLArn']}|{wanted.properties['ResourceArn']}")

    def delete(self, ref: str, properties: Properties) -> None:
        client("wafv2").disassociate_web_acl(ResourceArn=properties["ResourceArn"])


@resource("AWS::WAFv2::LoggingConfiguration")
class LoggingConfiguration(Handler):
    """Ref is the web ACL's ARN."""

    immutable = frozenset({"ResourceArn"})

    def create(self, wanted: Wanted) -> Provisioned:
        configuration = coercion.to_shape("wafv2", "LoggingConfiguration", wanted.properties)
        client("wafv2").put_logging_configuration(LoggingConfiguration=configuration)
        return Provisioned(ref=str(wanted.properties["ResourceArn"]), attributes={"ManagedByFirewallManager": False})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("wafv2").delete_logging_configuration(ResourceArn=ref)
