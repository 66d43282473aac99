"""Security groups of templates: which rules let whom in, and whom out.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audit.access.names import construct, text_of
from preflight.assembly import Assembly, Resource
from preflight.values import Node, Reference, Text, entries, integer, target

_PORTS = {"postgres": 5432, "mysql": 3306, "mariadb": 3306}
ALL_PORTS = (0, 65535)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule, TCP or all protocols. `peer` is a group's path, or a range of addresses; `path` the construct."""

    path: str
    group: str
    ingress: bool
    first: int
    last: int
    peer: str
    peer_is_group: bool

    def has(self, port: int) -> bool:
        return self.first <= port <= self.last

    @property
    def ports(self) -> str:
        if (self.first, self.last) == ALL_PORTS:
            return "all ports"
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def group_path(value: Any) -> str:
    """The path of the group that a value names: `Ref` and `GroupId` are both its id."""
    if isinstance(value, Reference):
        path = construct(value.resource)
        return path if value.resource.type == "AWS::EC2::SecurityGroup" else f"{path}.{value.attribute}"
    return text_of(value)


def rules(assembly: Assembly) -> Iterator[Rule]:
    """Every rule, wherever it is written. A group without egress rules lets everything out."""
    outgoing = set()
    for resource in assembly.of_type("AWS::EC2::SecurityGroupEgress"):
        outgoing.add(group_path(resource.get("GroupId").value))
    for group in assembly.of_type("AWS::EC2::SecurityGroup"):
        for key, ingress in (("SecurityGroupIngress", True), ("SecurityGroupEgress", False)):
            for entry in entries(group.get(key)):
                yield from _rule(entry, group=construct(group), ingress=ingress, path=construct(group))
        if group.get("SecurityGroupEgress").absent and construct(group) not in outgoing:
            yield Rule(
                path=construct(group),
                group=construct(group),
                ingress=False,
                first=0,
                last=65535,
                peer="0.0.0.0/0",
                peer_is_group=False,
            )
    for resource in assembly.of_type("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        node = Node(resource, (), resource.properties)
        group_id = group_path(resource.get("GroupId").value)
        yield from _rule(node, group=group_id, ingress=resource.type.endswith("Ingress"), path=construct(resource))


def _rule(node: Node, *, group: str, ingress: bool, path: str) -> Iterator[Rule]:
    protocol = text_of(node.get("IpProtocol").value).lower()
    if protocol not in ("tcp", "6", "-1"):
        return
    peer, is_group = _peer(node)
    first, last = (
        ALL_PORTS if protocol == "-1" else (port_of(node.get("FromPort"), 0), port_of(node.get("ToPort"), 65535))
    )
    yield Rule(path=path, group=group, ingress=ingress, first=first, last=last, peer=peer, peer_is_group=is_group)


def _peer(node: Node) -> tuple[str, bool]:
    for key in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if not node.get(key).absent:
            return group_path(node.get(key).value), True
    for key in ("CidrIp", "CidrIpv6", "SourcePrefixListId", "DestinationPrefixListId"):
        given = node.get(key)
        if not given.absent:
            return _address(given.value), False
    return "0.0.0.0/0", False


def _address(value: Any) -> str:
    """A range; a VPC's own is written out, and what only the deployment will know stands for its construct."""
    if isinstance(value, Reference) and value.attribute == "CidrBlock":
        return text_of(value.resource.get("CidrBlock").value)
    if isinstance(value, Text):
        return "".join(_address(part) if isinstance(part, Reference) else text_of(part) for part in value.parts)
    return text_of(value)


def port_of(node: Node, otherwise: int) -> int:
    """A port, also where it is another resource's attribute, such as a database's `Endpoint.Port`."""
    found = integer(node)
    if found is not None and found >= 0:
        return found
    if isinstance(node.value, Reference):
        return listening_port(node.value.resource, otherwise)
    return otherwise


def listening_port(resource: Resource, otherwise: int) -> int:
    """The port of a database or cache: as written, or its engine's own."""
    written = integer(resource.get("Port"))
    if written:
        return written
    if resource.type.startswith("AWS::ElastiCache"):
        return 6379
    source = target(resource.get("SourceDBInstanceIdentifier"), "AWS::RDS::DBInstance")
    if source is not None and source is not resource:
        return listening_port(source, otherwise)
    return _PORTS.get(
        text_of(resource.get("Engine").value).removeprefix("aurora-").removesuffix("ql"), otherwise or 5432
    )
