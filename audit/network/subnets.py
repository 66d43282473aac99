"""Subnets of templates: their addresses, where their routes lead, and what their network ACLs let through.

Sources: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html and
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, ip_network

from audit.access.names import construct, text_of
from audit.network.model import Zone
from preflight.assembly import Assembly, Resource
from preflight.values import Node, boolean, integer, target

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route that leaves the VPC. `gateway` is the construct it leads to, `kind` its type."""

    path: str
    destination: str
    gateway: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class AclEntry:
    """One rule of a network ACL; the lowest number that matches decides."""

    number: int
    egress: bool
    allows: bool
    cidr: str
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """`acl` is None for the VPC's default network ACL, which lets everything through."""

    path: str
    cidr: str
    zone: Zone
    routes: tuple[Route, ...]
    acl: tuple[AclEntry, ...] | None

    def lets(self, port: int, *, egress: bool, peer: str) -> bool:
        """Whether the ACL lets TCP packets to this port through, from or to addresses of `peer`."""
        if self.acl is None:
            return True
        for entry in self.acl:
            if entry.egress is egress and entry.first <= port <= entry.last and overlap(entry.cidr, peer):
                return entry.allows
        return False


class Subnets:
    """All subnets of an assembly, by construct path."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    @cached_property
    def by_path(self) -> dict[str, Subnet]:
        return {construct(one): self._subnet(one) for one in self._assembly.of_type("AWS::EC2::Subnet")}

    def at(self, paths: tuple[str, ...]) -> list[Subnet]:
        return [self.by_path[path] for path in paths if path in self.by_path]

    def _subnet(self, resource: Resource) -> Subnet:
        routes = tuple(self._routes.get(self._tables.get(resource), ()))
        return Subnet(
            path=construct(resource),
            cidr=text_of(resource.get("CidrBlock").value),
            zone=_zone(routes),
            routes=routes,
            acl=self._acls.get(resource),
        )

    @cached_property
    def _tables(self) -> dict[Resource, Resource]:
        found = {}
        for one in self._assembly.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            subnet = target(one.get("SubnetId"), "AWS::EC2::Subnet")
            table = target(one.get("RouteTableId"), "AWS::EC2::RouteTable")
            if subnet and table:
                found[subnet] = table
        return found

    @cached_property
    def _routes(self) -> dict[Resource | None, list[Route]]:
        found: dict[Resource | None, list[Route]] = {}
        for one in self._assembly.of_type("AWS::EC2::Route"):
            table = target(one.get("RouteTableId"), "AWS::EC2::RouteTable")
            if table and (route := _route(one)):
                found.setdefault(table, []).append(route)
        return found

    @cached_property
    def _acls(self) -> dict[Resource, tuple[AclEntry, ...]]:
        entries: dict[Resource, list[AclEntry]] = {}
        for one in self._assembly.of_type("AWS::EC2::NetworkAclEntry"):
            acl = target(one.get("NetworkAclId"), "AWS::EC2::NetworkAcl")
            if acl:
                entries.setdefault(acl, []).append(_entry(one))
        found = {}
        for one in self._assembly.of_type("AWS::EC2::SubnetNetworkAclAssociation"):
            subnet = target(one.get("SubnetId"), "AWS::EC2::Subnet")
            acl = target(one.get("NetworkAclId"), "AWS::EC2::NetworkAcl")
            if subnet and acl:
                found[subnet] = tuple(sorted(entries.get(acl, []), key=lambda entry: entry.number))
        return found


_GATEWAYS = (
    ("GatewayId", "AWS::EC2::InternetGateway"),
    ("NatGatewayId", "AWS::EC2::NatGateway"),
    ("EgressOnlyInternetGatewayId", "AWS::EC2::EgressOnlyInternetGateway"),
    ("TransitGatewayId", "AWS::EC2::TransitGateway"),
    ("VpcPeeringConnectionId", "AWS::EC2::VPCPeeringConnection"),
    ("NetworkInterfaceId", "AWS::EC2::NetworkInterface"),
    ("InstanceId", "AWS::EC2::Instance"),
)


def _route(resource: Resource) -> Route | None:
    for key, kind in _GATEWAYS:
        given = resource.get(key)
        if not given.absent:
            gateway = target(given, kind)
            return Route(
                path=construct(resource),
                destination=_first_text(resource, "DestinationCidrBlock", "DestinationIpv6CidrBlock"),
                gateway=construct(gateway) if gateway else text_of(given.value),
                kind=kind,
            )
    return None


def _zone(routes: tuple[Route, ...]) -> Zone:
    kinds = {route.kind for route in routes}
    if "AWS::EC2::InternetGateway" in kinds:
        return Zone.PUBLIC
    return Zone.PRIVATE if kinds else Zone.ISOLATED


def _entry(resource: Resource) -> AclEntry:
    protocol = text_of(resource.get("Protocol").value)
    return AclEntry(
        number=integer(resource.get("RuleNumber")) or 0,
        egress=boolean(resource.get("Egress")) is True,
        allows=text_of(resource.get("RuleAction").value) == "allow" and protocol in ("-1", "6"),
        cidr=_first_text(resource, "CidrBlock", "Ipv6CidrBlock"),
        first=integer(resource.get("PortRange", "From")) or 0,
        last=_last(resource.get("PortRange", "To")),
    )


def _last(node: Node) -> int:
    found = integer(node)
    return 65535 if found is None else found


def _first_text(resource: Resource, *keys: str) -> str:
    return next((text_of(resource.get(key).value) for key in keys if not resource.get(key).absent), "")


def overlap(one: str, other: str) -> bool:
    """Whether two ranges of IPv4 addresses share any; one that is not known might."""
    networks = [_network(one), _network(other)]
    return None in networks or networks[0].overlaps(networks[1])  # type: ignore[union-attr,arg-type]


def is_public(cidr: str) -> bool:
    """Whether a range holds addresses of the internet."""
    if cidr == "::/0":
        return True
    network = _network(cidr)
    return network is not None and not network.is_private


def _network(cidr: str) -> IPv4Network | None:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return None
    return network if isinstance(network, IPv4Network) else None


def nat_addresses(assembly: Assembly) -> Iterator[tuple[str, str]]:
    """Each NAT gateway's path, and the text that stands for its public address."""
    for gateway in assembly.of_type("AWS::EC2::NatGateway"):
        address = target(gateway.get("AllocationId"), "AWS::EC2::EIP")
        if address is not None:
            yield construct(gateway), f"${{{construct(address)}}}"
