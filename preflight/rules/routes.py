"""Where a subnet's packets can go: shared by rules about things that get no public address in a VPC."""

from __future__ import annotations

from preflight.assembly import Assembly, Resource
from preflight.rules.remembering import remembered
from preflight.values import is_unknown, target, text

DEFAULT_ROUTES = {"0.0.0.0/0", "::/0"}
SUBNET, TABLE, VPC = "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::VPC"


class Routes:
    """The route tables of an assembly: which subnet uses which, and which of them lead out."""

    def __init__(self, assembly: Assembly) -> None:
        self.tables: dict[Resource, list[Resource | None]] = {}
        for association in assembly.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            if (subnet := target(association.get("SubnetId"), SUBNET)) is not None:
                self.tables.setdefault(subnet, []).append(target(association.get("RouteTableId"), TABLE))
        leading = [route for route in assembly.of_type("AWS::EC2::Route") if _leads_out(route)]
        self.leading_out = {target(route.get("RouteTableId"), TABLE) for route in leading}
        self.with_endpoints = {
            target(endpoint.get("VpcId"), VPC)
            for endpoint in assembly.of_type("AWS::EC2::VPCEndpoint")
            if text(endpoint.get("VpcEndpointType")) == "Interface"
        }


def _leads_out(route: Resource) -> bool:
    """Whether it may be a default route to something else than an internet gateway."""
    destinations = [route.get(f"Destination{kind}") for kind in ("CidrBlock", "Ipv6CidrBlock", "PrefixListId")]
    unclear = any(is_unknown(destination) for destination in destinations)
    if not unclear and not any(text(destination) in DEFAULT_ROUTES for destination in destinations):
        return False
    gateway = route.get("GatewayId")
    return gateway.absent or target(gateway, "AWS::EC2::InternetGateway") is None


def way_out(subnet: Resource) -> bool | None:
    """Whether something without a public address reaches the internet from here; None where it cannot be told.

    False only when the template shows the whole table and no default route other than to an internet gateway, and the
    VPC has no interface endpoint that could make a way out needless.
    """
    assembly = subnet.stack.assembly
    routes = remembered(assembly, "routes", lambda: Routes(assembly))
    network = target(subnet.get("VpcId"), VPC)
    if network is None or not routes.with_endpoints.isdisjoint({network, None}):
        return None
    tables = routes.tables.get(subnet, [])
    if len(tables) != 1 or tables[0] is None:
        return None
    return tables[0] in routes.leading_out or None in routes.leading_out
