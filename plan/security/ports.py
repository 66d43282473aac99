"""Security-group rules: which ports open, to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plan.resources import described, short_path
from plan.security.finding import Direction, Finding
from preflight.assembly import Assembly, Resource
from preflight.values import Reference

_PEERS = {
    "CidrIp": "",
    "CidrIpv6": "",
    "SourceSecurityGroupId": "",
    "DestinationSecurityGroupId": "",
    "SourceSecurityGroupName": "",
    "SourcePrefixListId": "the prefix list ",
    "DestinationPrefixListId": "the prefix list ",
}
_EVERYONE = {"0.0.0.0/0", "::/0"}
_NOBODY = "255.255.255.255/32"
"""CDK's way to say that a group lets nothing out: an empty list would let everything out."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a security group, in words; equal rules are one, wherever they are written."""

    group: str
    ingress: bool
    ports: str
    peer: str

    @property
    def text(self) -> str:
        peer = f"everyone ({self.peer})" if self.peer in _EVERYONE else self.peer
        return f"{self.ports} {'from' if self.ingress else 'to'} {peer}"


def port_findings(before: Assembly, after: Assembly, prefix: str) -> Iterator[Finding]:
    """Rules that come and rules that go. A new group's own rules are told, too: they open what was not there."""
    old, new = _rules(before, prefix), _rules(after, prefix)
    for rule in new:
        if rule not in old:
            yield Finding(direction=Direction.WIDER, path=rule.group, text=f"opens {rule.text}")
    for rule in old:
        if rule not in new:
            yield Finding(direction=Direction.NARROWER, path=rule.group, text=f"closes {rule.text}")


def _rules(assembly: Assembly, prefix: str) -> dict[Rule, None]:
    found: dict[Rule, None] = {}

    def name(value: Any) -> str:
        # Of a group its path is enough: Ref and GroupId are both its id.
        return short_path(value.resource, prefix) if isinstance(value, Reference) else described(value, prefix)

    for resource in assembly.of_type("AWS::EC2::SecurityGroup"):
        for key, ingress in (("SecurityGroupIngress", True), ("SecurityGroupEgress", False)):
            written = resource.get(key).value
            for one in written if isinstance(written, list) else ():
                if isinstance(one, dict):
                    found[_rule(short_path(resource, prefix), one, ingress, name, prefix)] = None
    for resource in assembly.of_type("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        properties: Any = resource.properties
        if isinstance(properties, dict):
            group = name(properties.get("GroupId", properties.get("GroupName", "")))
            found[_rule(group, properties, _is_ingress(resource), name, prefix)] = None
    return {rule: None for rule in found if rule.peer != _NOBODY}


def _is_ingress(resource: Resource) -> bool:
    return resource.type.endswith("Ingress")


def _rule(group: str, one: dict[str, Any], ingress: bool, name: Callable[[Any], str], prefix: str) -> Rule:
    peer = next((f"{before}{name(one[key])}" for key, before in _PEERS.items() if key in one), "nobody named")
    return Rule(group=group, ingress=ingress, ports=_ports(one, prefix), peer=peer)


def _ports(one: dict[str, Any], prefix: str) -> str:
    protocol = str(one.get("IpProtocol", "-1"))
    if protocol == "-1":
        return "all ports"
    first, last = one.get("FromPort"), one.get("ToPort")
    if protocol == "icmp" or first is None or first == -1:
        return f"{protocol.upper()}, all ports" if protocol != "icmp" else "ICMP"
    ports = described(first, prefix)
    if first != last:
        ports += f" to {described(last, prefix)}"
    return f"{protocol.upper()} {ports}"
