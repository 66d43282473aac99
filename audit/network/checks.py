"""What must not be reachable, and what must: findings name the construct that opens it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.access.patterns import covers
from audit.access.settings import PublicEntry, Settings, StoreReach
from audit.network.model import INTERNET, Connection, Kind, NetworkFinding, Place, Zone
from audit.network.reach import Network
from audit.network.subnets import EVERYWHERE, is_public

_STORES = (Kind.DATABASE, Kind.CACHE)


def check(
    network: Network, connections: Sequence[Connection], settings: Settings, environment: str
) -> Iterator[NetworkFinding]:
    """All findings, in a fixed order."""
    stores = [one for one in network.places if one.kind in _STORES]
    for store in stores:
        yield from _store(store, network, connections, settings)
        yield from _isolation(store, network)
    yield from _public(network, connections, settings, environment)
    yield from _open_groups(network, settings)


def _store(
    store: Place, network: Network, connections: Sequence[Connection], settings: Settings
) -> Iterator[NetworkFinding]:
    named = [one for one in settings.store_reach if one.type == store.type and covers(one.stores, store.path)]
    if not named:
        yield NetworkFinding(
            check="REACH-UNNAMED",
            path=store.path,
            text="nothing says who may reach it",
            remedy="name its clients under [[store_reach]] in config/access.toml",
        )
        return
    reaching = {one.source: one for one in connections if one.target == store.path}
    for source, connection in reaching.items():
        if not _is_named(source, named):
            yield NetworkFinding(
                check="REACH-STORE",
                path=store.path,
                text=f"{source} reaches it on {_ports(connection)}, and is not among its clients "
                f"({', '.join(connection.because)})",
                remedy="take the rule out, or name the client under [[store_reach]] in config/access.toml",
            )
    for place in network.places:
        if place.path not in reaching and place is not store and _is_named(place.path, named) and place.groups:
            yield NetworkFinding(
                check="REACH-CLIENT",
                path=store.path,
                text=f"{place.path} is named as a client and cannot reach it",
                remedy="add the rules in both groups, or take the client out of config/access.toml",
            )


def _is_named(path: str, named: Sequence[StoreReach]) -> bool:
    return any(covers(pattern, path) for one in named for pattern in one.sources)


def _isolation(store: Place, network: Network) -> Iterator[NetworkFinding]:
    for subnet in network.subnets.at(store.subnets):
        for route in subnet.routes:
            yield NetworkFinding(
                check="REACH-ROUTE",
                path=store.path,
                text=f"its subnet {subnet.path} has a route out of the VPC: {route.destination} by {route.gateway} "
                f"({route.path})",
                remedy="delete the route: stores belong into subnets without any way out",
            )
    if store.public_address:
        yield NetworkFinding(
            check="REACH-PUBLIC",
            path=store.path,
            text="it gets a public address",
            remedy="set PubliclyAccessible to false",
        )


def _public(
    network: Network, connections: Sequence[Connection], settings: Settings, environment: str
) -> Iterator[NetworkFinding]:
    by_path = {one.path: one for one in network.places}
    entered: dict[str, set[int]] = {}
    for one in connections:
        if one.source == INTERNET.path:
            entered.setdefault(one.target, set()).update(one.ports)
    for path, ports in entered.items():
        place = by_path[path]
        entry = next((one for one in settings.public_entry if one.type == place.type), None)
        beyond = sorted(ports - set(entry.ports if entry else ()))
        if beyond:
            yield NetworkFinding(
                check="REACH-PUBLIC",
                path=path,
                text=f"the internet reaches it on port {', '.join(map(str, beyond))}",
                remedy="close the port, or name it under [[public_entry]] in config/access.toml",
            )
        if entry:
            yield from _firewall(place, entry, environment)


def _firewall(place: Place, entry: PublicEntry, environment: str) -> Iterator[NetworkFinding]:
    if not any(detail.startswith("WAF") for detail in place.details) and environment not in entry.without_firewall:
        yield NetworkFinding(
            check="REACH-WAF",
            path=place.path,
            text="it faces the internet without a firewall (WAF)",
            remedy="associate a web ACL, or name the environment in without_firewall in config/access.toml",
        )


def _open_groups(network: Network, settings: Settings) -> Iterator[NetworkFinding]:
    """A group open to the world is one route away from being reached, wherever it is used now."""
    for rule in network.rules:
        if not rule.ingress or rule.peer_is_group or not is_public(rule.peer):
            continue
        carriers = [one for one in network.places if rule.group in one.groups]
        allowed = [entry for one in carriers for entry in settings.public_entry if entry.type == one.type]
        meant = (
            carriers
            and len(allowed) == len(carriers)
            and all(port in entry.ports for entry in allowed for port in (rule.first, rule.last))
        )
        if not meant:
            who = "everybody" if rule.peer in EVERYWHERE else rule.peer
            yield NetworkFinding(
                check="REACH-GROUP",
                path=rule.group,
                text=f"lets {who} in on {'all ports' if rule.ports == 'all ports' else f'port {rule.ports}'} "
                f"({rule.path}); carried by {', '.join(one.path for one in carriers) or 'nothing in the templates'}",
                remedy="name the groups that may come in instead of addresses",
            )


def _ports(connection: Connection) -> str:
    return f"port {', '.join(map(str, connection.ports))}"


def zones(places: Sequence[Place]) -> dict[Zone, list[Place]]:
    """Places by zone, in the order of the zones."""
    return {zone: [one for one in places if one.zone is zone] for zone in Zone}
