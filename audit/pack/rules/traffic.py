"""What faces the internet, and what stands before it."""

from __future__ import annotations

from collections.abc import Iterator

from audit.pack.rule import Breach, rule
from preflight.assembly import Assembly, Resource
from preflight.values import Node, entries, integer, target, text

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_DISTRIBUTION = "AWS::CloudFront::Distribution"
_EVERYBODY = ("0.0.0.0/0", "::/0")
_WEB_PORTS = (80, 443)


@rule(
    "OpenToTheWorld",
    title="The world reaches ports 80 and 443, and no other",
    why="A database or a queue that the internet can try is found within minutes, and tried until it gives in",
    remedy="Name the security group of the client instead of the whole internet.",
    controls=("AC-4", "SC-7"),
)
def open_to_the_world(assembly: Assembly) -> Iterator[Breach]:
    for group in assembly.of_type("AWS::EC2::SecurityGroup"):
        for node in entries(group.get("SecurityGroupIngress")):
            yield from _judged(group, node)
    for single in assembly.of_type("AWS::EC2::SecurityGroupIngress"):
        yield from _judged(single, single.get())


def _judged(resource: Resource, node: Node) -> Iterator[Breach]:
    source = text(node.get("CidrIp")) or text(node.get("CidrIpv6"))
    if source not in _EVERYBODY:
        return
    low, high = integer(node.get("FromPort")), integer(node.get("ToPort"))
    if low == high and low in _WEB_PORTS and text(node.get("IpProtocol")) in ("tcp", "6"):
        return
    ports = "every port" if low is None or low == -1 else f"port {low}" if low == high else f"ports {low} to {high}"
    yield Breach(resource=resource, message=f"The whole internet reaches {ports}", finding=ports, at=node.path())


@rule(
    "WafAssociated",
    title="A firewall stands before everything that faces the internet",
    why="Nothing else counts requests by address, or stops a login that is tried a thousand times",
    remedy="Associate a web ACL with the load balancer; name one in the distribution (WebACLId).",
    controls=("SC-5", "SC-7", "SI-4"),
)
def waf_associated(assembly: Assembly) -> Iterator[Breach]:
    protected = {
        target(association.get("ResourceArn"), _BALANCER)
        for association in assembly.of_type("AWS::WAFv2::WebACLAssociation")
        if not association.get("WebACLArn").absent
    }
    for balancer in assembly.of_type(_BALANCER):
        if text(balancer.get("Scheme")) == "internet-facing" and balancer not in protected:
            yield Breach(resource=balancer, message="No web ACL is associated with it")
    for distribution in assembly.of_type(_DISTRIBUTION):
        if distribution.get("DistributionConfig", "WebACLId").absent:
            message = "It names no web ACL"
            yield Breach(resource=distribution, message=message, at="DistributionConfig.WebACLId")


@rule(
    "DistributionLogged",
    title="Every distribution delivers its access logs",
    why="Nobody could say afterwards who asked for what",
    remedy="Add a log delivery (AWS::Logs::DeliverySource, Delivery and DeliveryDestination).",
    controls=("AU-2", "AU-12"),
)
def distributions_logged(assembly: Assembly) -> Iterator[Breach]:
    delivered = {text(delivery.get("DeliverySourceName")) for delivery in assembly.of_type("AWS::Logs::Delivery")}
    logged = {
        target(source.get("ResourceArn"), _DISTRIBUTION)
        for source in assembly.of_type("AWS::Logs::DeliverySource")
        if text(source.get("Name")) in delivered
    }
    for distribution in assembly.of_type(_DISTRIBUTION):
        older = distribution.get("DistributionConfig", "Logging", "Bucket")
        if distribution not in logged and older.absent:
            yield Breach(resource=distribution, message="Nothing delivers its access logs")
