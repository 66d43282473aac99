"""The controller: once a second, reads what should run and brings the servers closer to it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.dataplane import desired, status
from localcloud.dataplane.envoy import Envoy
from localcloud.dataplane.postgres import PostgresServer
from localcloud.dataplane.specs import Desired
from localcloud.dataplane.valkey import ValkeyServer

INTERVAL = 1.0
"""Seconds between two turns."""

log = logging.getLogger("dataplane")


class Controller:
    """Owns every server; knows nothing of AWS but what `desired` says."""

    def __init__(self) -> None:
        self.databases: dict[str, PostgresServer] = {}
        self.valkeys: dict[str, ValkeyServer] = {}
        self.envoy = Envoy()

    def turn(self, wanted: Desired) -> None:
        self._databases(wanted)
        self._valkeys(wanted)
        self.envoy.reconcile(wanted, valkeys=list(self.valkeys.values()))

    def _databases(self, wanted: Desired) -> None:
        specs = {spec.name: spec for spec in wanted.databases}
        for name in self.databases.keys() - specs.keys():
            server = self.databases.pop(name)
            server.delete(source=self.databases.get(server.spec.source or ""))
        # Primaries first: a standby is a copy of one.
        for spec in sorted(specs.values(), key=lambda s: s.source is not None):
            server = self.databases.setdefault(spec.name, PostgresServer(spec))
            try:
                server.reconcile(spec, source=self.databases.get(spec.source or ""))
            except Exception as error:
                log.exception("database %s", spec.name)
                status.report(server.part, status="failed", message=str(error), port=spec.port)

    def _valkeys(self, wanted: Desired) -> None:
        specs = {spec.name: spec for spec in wanted.valkeys}
        for name in self.valkeys.keys() - specs.keys():
            self.valkeys.pop(name).delete()
        for spec in specs.values():
            server = self.valkeys.setdefault(spec.name, ValkeyServer(spec))
            try:
                server.reconcile(spec)
            except Exception as error:
                log.exception("replication group %s", spec.name)
                status.report(server.part, status="failed", message=str(error), port=spec.port)

    def stop(self) -> None:
        """Standbys before their primaries, so that these need not wait for them."""
        self.envoy.stop()
        for server in sorted(self.databases.values(), key=lambda s: s.spec.source is None):
            server.stop()
        for valkey in self.valkeys.values():
            valkey.stop()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    os.umask(0o077)
    status.forget_all()
    controller = Controller()
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (the signal module's signature)
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    wanted = Desired()
    while not stopping:
        begun = time.monotonic()
        try:
            wanted = desired.read()
        except (BotoCoreError, ClientError) as error:
            # What runs goes on as it is: on AWS, too, servers outlive their control plane.
            log.warning("the AWS API does not answer: %s", error)
        controller.turn(wanted)
        time.sleep(max(0.0, INTERVAL - (time.monotonic() - begun)))
    controller.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
