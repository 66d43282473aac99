"""TLS for Valkey: the wheel's server is built without it, so an Envoy of its own terminates it.

Not the load balancer's Envoy: whoever stops that one in a drill should not lose queue and cache as well.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from localcloud.dataplane.envoy import http, secure
from localcloud.dataplane.envoy.configuration import Configuration, Resource, typed
from localcloud.dataplane.envoy.server import EnvoyServer
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.status import Status


@dataclass(frozen=True, kw_only=True)
class _Door:
    port: int
    upstream: Path


class TlsFront:
    """Ports of all replication groups. `open` and `close` may be called from any thread; a keeper runs the rest."""

    def __init__(self) -> None:
        self._envoy = EnvoyServer("envoy-valkey")
        self._doors: dict[str, _Door] = {}
        self._lock = threading.Lock()
        self._listening: dict[str, _Door] = {}

    def open(self, group_id: str, *, port: int, upstream: Path) -> None:
        """Ask for a TLS port that leads to the unix socket `upstream`. Raises PartError until it is open."""
        with self._lock:
            self._doors[group_id] = _Door(port=port, upstream=upstream)
            if self._listening.get(group_id) == self._doors[group_id]:
                return
            self._serve()
        if self._listening.get(group_id) != self._doors[group_id]:
            raise PartError(f"port {port} could not be opened: {'; '.join(self._envoy.refusals())}")

    def close(self, group_id: str) -> None:
        with self._lock:
            if self._doors.pop(group_id, None):
                self._serve()

    def reconcile(self, _spec: None) -> Status:
        with self._lock:
            if self._doors and not self._envoy.process.alive():
                self._serve()
        return Status(status="available", pid=self._envoy.process.pid, restarts=self._envoy.process.restarts)

    def stop(self) -> None:
        with self._lock:
            self._envoy.stop()

    delete = stop

    def _serve(self) -> None:
        self._listening = {}
        self._envoy.ensure()
        doors = dict(self._doors)
        self._envoy.publish(
            Configuration(
                listeners={name: _listener(name, door.port) for name, door in doors.items()},
                clusters={name: _cluster(name, door.upstream) for name, door in doors.items()},
            )
        )
        up = self._envoy.await_listeners(set(doors))
        self._listening = {name: door for name, door in doors.items() if name in up}


def _listener(name: str, port: int) -> Resource:
    chain = {
        "transport_socket": secure.server_side(),
        "filters": [
            {
                "name": "tcp",
                "typed_config": typed(
                    "extensions.filters.network.tcp_proxy.v3.TcpProxy",
                    stat_prefix=name,
                    cluster=name,
                    # Workers wait for tasks on connections that are silent for hours.
                    idle_timeout="0s",
                ),
            }
        ],
    }
    return http.listener(name=name, port=port, filter_chains=[chain])


def _cluster(name: str, upstream: Path) -> Resource:
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(upstream)}}}}
    limit = {"max_connections": 65000, "max_pending_requests": 65000}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limit]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
