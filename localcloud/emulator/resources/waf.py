"""What ties web ACLs to load balancers and to their logs."""

from __future__ import annotations

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource


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
