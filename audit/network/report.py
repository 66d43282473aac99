"""Everything about reach in one value: places, connections, the matrix of both, findings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from audit.access.principals import environment_of
from audit.access.settings import Settings
from audit.network.checks import check
from audit.network.model import Connection, NetworkFinding, Place
from audit.network.reach import Network
from preflight.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class NetworkReport:
    """One assembly's network."""

    environment: str
    places: tuple[Place, ...]
    connections: tuple[Connection, ...]
    findings: tuple[NetworkFinding, ...]

    @property
    def ok(self) -> bool:
        return not self.findings

    def matrix(self) -> dict[str, dict[str, str]]:
        """By source, then by target: the ports, "all" without a limit. What is not there cannot be reached."""
        found: dict[str, dict[str, str]] = {}
        for one in self.connections:
            ports = ", ".join(map(str, one.ports)) or "all"
            row = found.setdefault(one.source, {})
            row[one.target] = f"{row[one.target]}, {ports}" if one.target in row else ports
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, the same for the same templates."""
        return {"ok": self.ok, **asdict(self), "matrix": self.matrix()}


def network_report(assembly: Assembly, settings: Settings) -> NetworkReport:
    """Judges one assembly; one without a VPC has the internet as its only place."""
    network = Network(assembly)
    connections = tuple(dict.fromkeys(network.connections()))
    environment = next((environment_of(one) for one in assembly.of_type("AWS::EC2::VPC")), "")
    return NetworkReport(
        environment=environment,
        places=network.places,
        connections=connections,
        findings=tuple(check(network, connections, settings, environment)),
    )
