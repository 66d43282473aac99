"""The loop: reads what should run, and starts, tells, and ends keepers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import layout, regions
from localcloud.dataplane import logs, status
from localcloud.dataplane.desired.api import Reader
from localcloud.dataplane.desired.databases import databases
from localcloud.dataplane.desired.distributions import distributions
from localcloud.dataplane.desired.load_balancers import load_balancers
from localcloud.dataplane.desired.replication_groups import replication_groups
from localcloud.dataplane.edge import EdgeServer
from localcloud.dataplane.elasticache.server import ValkeyServer
from localcloud.dataplane.elasticache.tls_front import TlsFront
from localcloud.dataplane.keeper import Keeper, Part
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Edge, ValkeySpec

_log = logging.getLogger(__name__)

_PERIOD = 1.0
_API_ERRORS = (BotoCoreError, ClientError)


class Controller:
    """Runs until `stop` is set."""

    def __init__(self) -> None:
        self._readers = [Reader(region) for region in regions.standing()]
        self._front = TlsFront()
        self._databases: dict[str, Keeper[DatabaseSpec]] = {}
        self._caches: dict[str, Keeper[ValkeySpec]] = {}
        self._edge: Keeper[Edge] | None = None
        self._front_keeper: Keeper[None] | None = None
        self._ports: dict[str, int] = {}
        self._ending: list[Keeper[Any]] = []
        self._troubles: dict[str, str] = {}
        for kind in ("rds", "elasticache"):
            status.remove_all(kind)  # words of a data plane that was killed

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._attempt("databases", self._match_databases)
            self._attempt("replication groups", self._match_caches)
            self._attempt("load balancers and distributions", self._match_edge)
            self._ending = [keeper for keeper in self._ending if not keeper.ended]
            logs.rotate_all()
            stop.wait(_PERIOD)
        self._stop()

    def _attempt(self, what: str, match: Callable[[], None]) -> None:
        """While the API does not answer, or answers what nobody expected, everything goes on as it is."""
        try:
            match()
        except Exception as error:  # noqa: BLE001 - an end of this loop would leave all servers alone
            if self._troubles.get(what) != str(error):
                expected = isinstance(error, _API_ERRORS)
                _log.warning("%s: cannot be read: %s", what, error, exc_info=None if expected else error)
            self._troubles[what] = str(error)
        else:
            if self._troubles.pop(what, None):
                _log.info("%s: can be read again", what)

    def _match_databases(self) -> None:
        wanted = databases(self._readers)
        self._ports = {name: spec.port for name, spec in wanted.items()}
        self._match("rds", self._databases, wanted, lambda name: PostgresServer(name, source_port=self._port))

    def _port(self, identifier: str) -> int | None:
        return self._ports.get(identifier)

    def _match_caches(self) -> None:
        wanted = replication_groups(self._readers)
        if wanted and self._front_keeper is None:
            self._front_keeper = Keeper(kind="envoy", name="valkey", part=self._front, spec=None)
        self._match("elasticache", self._caches, wanted, lambda name: ValkeyServer(name, front=self._front))

    def _match_edge(self) -> None:
        found = load_balancers(self._readers)
        specs, refused = distributions(self._readers[0], balancers=found)
        edge = Edge(
            load_balancers=found.balancers,
            target_groups=found.groups,
            distributions=specs,
            refused=(*found.refused, *refused),
        )
        if self._edge:
            self._edge.want(edge)
        elif edge != Edge():
            self._edge = Keeper(kind="envoy", name="edge", part=EdgeServer(), spec=edge)

    def _match(
        self, kind: str, keepers: dict[str, Keeper[Any]], wanted: Mapping[str, Any], part: Callable[[str], Part[Any]]
    ) -> None:
        for name, spec in wanted.items():
            if name in keepers:
                keepers[name].want(spec)
            elif not any(keeper.kind == kind and keeper.name == name for keeper in self._ending):
                _log.info("%s-%s: new", kind, name)
                keepers[name] = Keeper(kind=kind, name=name, part=part(name), spec=spec)
        for name in keepers.keys() - wanted.keys():
            _log.info("%s-%s: deleted", kind, name)
            keepers[name].delete()
            self._ending.append(keepers.pop(name))

    def _stop(self) -> None:
        """Stop what uses others before what it uses; all of one kind at once."""
        _log.info("stopping")
        stages: list[list[Keeper[Any]]] = [
            [self._edge] if self._edge else [],
            [*self._caches.values(), *self._databases.values(), *self._ending],
            [self._front_keeper] if self._front_keeper else [],
        ]
        for stage in stages:
            for keeper in stage:
                if keeper not in self._ending:
                    keeper.stop()
            for keeper in stage:
                keeper.join()
        _log.info("stopped; the state is in %s", layout.home())
