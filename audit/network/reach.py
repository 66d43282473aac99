"""Which place reaches which: a connection needs a route, a rule out, a rule in, and both network ACLs.

Answers come back through security groups by themselves, as these are stateful; through network ACLs they need the
ephemeral ports 1024 to 65535: https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from audit.access.names import construct, text_of
from audit.network.groups import Rule, rules
from audit.network.model import INTERNET, Connection, Kind, Place, Zone
from audit.network.places import places
from audit.network.subnets import EVERYWHERE, Subnet, Subnets, is_public, nat_addresses, overlap
from preflight.assembly import Assembly, references_in
from preflight.values import entries, target

_EPHEMERAL = 32768
_ANY = "0.0.0.0/0"


@dataclass(eq=False)
class Network:
    """Places and rules of one assembly."""

    assembly: Assembly
    subnets: Subnets = field(init=False)
    places: tuple[Place, ...] = field(init=False)
    rules: tuple[Rule, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.subnets = Subnets(self.assembly)
        self.places = places(self.assembly, self.subnets)
        self.rules = tuple(rules(self.assembly))
        self._nat = dict(nat_addresses(self.assembly))

    def connections(self) -> Iterator[Connection]:
        """Every connection that can be opened, in the order of the places."""
        users = dict(_users(self.assembly))
        for source in self.places:
            for goal in self.places:
                if source is goal:
                    continue
                for found in self._between(source, goal):
                    yield _told(found, users.get((source.path, goal.path), ()))
            yield from self._outward(source)
        yield from self._origins()

    def rules_in(self, place: Place, port: int) -> Iterator[Rule]:
        """Rules of the place's groups that let something in on a port."""
        for rule in self.rules:
            if rule.ingress and rule.group in place.groups and rule.has(port):
                yield rule

    def _between(self, source: Place, goal: Place) -> Iterator[Connection]:
        ways: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for port in goal.listens if len(goal.listens) < 100 else (22, 443):
            for via, because in self._ways(source, goal, port):
                ways.setdefault((via, because), []).append(port)
        for (via, because), ports in ways.items():
            yield Connection(source=source.path, target=goal.path, ports=tuple(ports), because=because, via=via)

    def _ways(self, source: Place, goal: Place, port: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        if goal.zone is Zone.EDGE:
            if source is INTERNET:
                yield "", (goal.path,)
            return
        if source is INTERNET:
            yield from self._from_internet(goal, port)
        elif source.subnets and goal.subnets:
            yield from self._within(source, goal, port)
            yield from self._through_nat(source, goal, port)

    def _from_internet(self, goal: Place, port: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        if not goal.public_address:
            return
        open_subnets = [one for one in self.subnets.at(goal.subnets) if one.zone is Zone.PUBLIC]
        for rule in self.rules_in(goal, port):
            if (
                not rule.peer_is_group
                and is_public(rule.peer)
                and any(_let(one, port, rule.peer) for one in open_subnets)
            ):
                yield "" if rule.peer in EVERYWHERE else f"addresses {rule.peer}", (rule.path,)
                return

    def _within(self, source: Place, goal: Place, port: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        for incoming in self.rules_in(goal, port):
            if not self._is_peer(incoming, source):
                continue
            for outgoing in self._rules_out(source, port):
                if self._is_peer(outgoing, goal) and self._acls_let(source, goal, port):
                    yield "", (outgoing.path, incoming.path)
                    return

    def _through_nat(self, source: Place, goal: Place, port: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """To a public address of the same VPC: the request comes from the NAT gateway's address."""
        if not goal.public_address or source.kind is Kind.LOAD_BALANCER:
            return
        gateways = {route.gateway for one in self.subnets.at(source.subnets) for route in one.routes}
        addresses = {self._nat[one] for one in gateways if one in self._nat}
        for outgoing in self._rules_out(source, port):
            if outgoing.peer != _ANY:
                continue
            for incoming in self.rules_in(goal, port):
                if incoming.peer in EVERYWHERE or incoming.peer.removesuffix("/32") in addresses:
                    yield "NAT", (outgoing.path, incoming.path)
                    return

    def _outward(self, source: Place) -> Iterator[Connection]:
        """To the internet: a rule that lets out to everywhere, and a route to a gateway."""
        routes = [
            route
            for one in self.subnets.at(source.subnets)
            for route in one.routes
            if route.destination in EVERYWHERE and (route.kind != "AWS::EC2::InternetGateway" or source.public_address)
        ]
        found = [
            rule for rule in self.rules if not rule.ingress and rule.group in source.groups and is_public(rule.peer)
        ]
        if not routes or not found:
            return
        kind = "NAT" if any(route.kind.endswith("NatGateway") for route in routes) else "internet gateway"
        ports = sorted({rule.first for rule in found if rule.first == rule.last})
        yield Connection(
            source=source.path,
            target=INTERNET.path,
            ports=() if any(rule.first != rule.last for rule in found) else tuple(ports),
            because=tuple(dict.fromkeys(rule.path for rule in found)),
            via=kind,
        )

    def _origins(self) -> Iterator[Connection]:
        """From a CDN to its origins that have places here."""
        known = {place.path: place for place in self.places}
        for one in self.assembly.of_type("AWS::CloudFront::Distribution"):
            for origin in entries(one.get("DistributionConfig", "Origins")):
                balancer = target(origin.get("DomainName"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
                if balancer is None or construct(balancer) not in known:
                    continue
                port = (
                    80
                    if text_of(origin.get("CustomOriginConfig", "OriginProtocolPolicy").value) == "http-only"
                    else 443
                )
                because = [
                    rule.path for rule in self.rules_in(known[construct(balancer)], port) if not rule.peer_is_group
                ]
                if because:
                    yield Connection(
                        source=construct(one), target=construct(balancer), ports=(port,), because=(because[0],)
                    )

    def _rules_out(self, source: Place, port: int) -> Iterator[Rule]:
        for rule in self.rules:
            if not rule.ingress and rule.group in source.groups and rule.has(port):
                yield rule

    def _is_peer(self, rule: Rule, place: Place) -> bool:
        if rule.peer_is_group:
            return rule.peer in place.groups
        # What stands for an Elastic IP is a public address: none of a subnet's.
        return "${" not in rule.peer and any(overlap(rule.peer, one.cidr) for one in self.subnets.at(place.subnets))

    def _acls_let(self, source: Place, goal: Place, port: int) -> bool:
        return any(
            one.lets(port, egress=True, peer=other.cidr)
            and other.lets(port, egress=False, peer=one.cidr)
            and other.lets(_EPHEMERAL, egress=True, peer=one.cidr)
            and one.lets(_EPHEMERAL, egress=False, peer=other.cidr)
            for one in self.subnets.at(source.subnets)
            for other in self.subnets.at(goal.subnets)
        )


def _let(subnet: Subnet, port: int, peer: str) -> bool:
    return subnet.lets(port, egress=False, peer=peer) and subnet.lets(_EPHEMERAL, egress=True, peer=peer)


def _told(connection: Connection, users: Sequence[str]) -> Connection:
    if not users:
        return connection
    return Connection(
        source=connection.source,
        target=connection.target,
        ports=connection.ports,
        because=connection.because,
        via=connection.via,
        users=tuple(users),
    )


def _users(assembly: Assembly) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    """Per service and place: the containers whose environment names the place's address."""
    for service in assembly.of_type("AWS::ECS::Service"):
        definition = target(service.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
        if definition is None:
            continue
        found: dict[str, list[str]] = {}
        for container in entries(definition.get("ContainerDefinitions")):
            name = text_of(container.get("Name").value)
            for resource in dict.fromkeys(references_in(container.get("Environment").value)):
                found.setdefault(construct(resource), []).append(name)
        for path, names in found.items():
            yield (construct(service), path), tuple(names)
