"""Places on a network, what of them reaches what, and what should not be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    INTERNET = "internet"
    CDN = "CDN"
    LOAD_BALANCER = "load balancer"
    TASKS = "tasks"
    FUNCTION = "function"
    DATABASE = "database"
    CACHE = "cache"
    ENDPOINT = "endpoint"
    OTHER = "other"


class Zone(StrEnum):
    """Where a place is. A public subnet has a route to an internet gateway, a private one to a NAT gateway."""

    OUTSIDE = "outside"
    EDGE = "edge"
    PUBLIC = "public subnets"
    PRIVATE = "private subnets"
    ISOLATED = "isolated subnets"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something with an address, or the internet. `path` is its construct, `details` what a reader wants to know.

    `listens` are TCP ports that it serves; `groups` and `subnets` the paths of its security groups and subnets.
    """

    path: str
    type: str
    kind: Kind
    zone: Zone
    listens: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    public_address: bool = False
    parts: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One place may open TCP connections to ports of another. `because` are the constructs of the rules that allow it,
    `via` what stands between, `users` the containers that are told the address."""

    source: str
    target: str
    ports: tuple[int, ...]
    because: tuple[str, ...]
    via: str = ""
    users: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NetworkFinding:
    """`path` is the construct that opens what should be closed."""

    check: str
    path: str
    text: str
    remedy: str


INTERNET = Place(path="Internet", type="", kind=Kind.INTERNET, zone=Zone.OUTSIDE)
"""Everybody, as a source; and everything that is reached through a NAT gateway, as a target."""
