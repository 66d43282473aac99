"""A thread for each resource: slow work on one (a base backup, say) holds up no other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from localcloud.dataplane import status
from localcloud.dataplane.errors import NotYetError, PartError
from localcloud.dataplane.status import Status

_log = logging.getLogger(__name__)

_PERIOD = 0.5
"""Seconds between two looks at a server: a killed one is seen within a second."""


Spec = TypeVar("Spec")
SpecIn = TypeVar("SpecIn", contravariant=True)


class Part(Protocol[SpecIn]):
    """A resource as a server. All calls come from one thread."""

    def reconcile(self, spec: SpecIn) -> Status:
        """Make it so; cheap when it is so already. Raises PartError."""

    def stop(self) -> None:
        """End the server in good order; the data stays."""

    def delete(self) -> None:
        """End the server and remove its data."""


class Keeper(Generic[Spec]):
    """Keeps one resource as its spec says until told to stop or to delete it."""

    def __init__(self, *, kind: str, name: str, part: Part[Spec], spec: Spec) -> None:
        self.kind, self.name = kind, name
        self._part = part
        self._spec = spec
        self._written: Status | None = None
        self._wake = threading.Event()
        self._ending: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"{kind}-{name}")
        self._thread.start()

    def want(self, spec: Spec) -> None:
        if spec != self._spec:
            self._spec = spec
            self._wake.set()

    def stop(self) -> None:
        """Begin to stop; `join` waits for the end."""
        self._end_with(self._stop)

    def delete(self) -> None:
        """Begin to delete; `join` waits for the end."""
        self._end_with(self._delete)

    def join(self) -> None:
        self._thread.join()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def _end_with(self, ending: Callable[[], None]) -> None:
        self._ending = ending
        self._wake.set()

    def _stop(self) -> None:
        self._part.stop()
        self._write(Status(status="stopped"))

    def _delete(self) -> None:
        self._part.delete()
        status.remove(self.kind, self.name)

    def _run(self) -> None:
        while self._ending is None:
            self._write(self._reconciled())
            self._wake.wait(_PERIOD)
            self._wake.clear()
        try:
            self._ending()
        except Exception:  # noqa: BLE001
            _log.exception("%s-%s: could not be ended in good order", self.kind, self.name)

    def _reconciled(self) -> Status:
        try:
            return self._part.reconcile(self._spec)
        except NotYetError as error:
            return Status(status="creating", message=str(error))
        except PartError as error:
            return Status(status="failed", message=str(error))
        except Exception as error:  # noqa: BLE001 - a keeper that dies would leave its server alone
            _log.exception("%s-%s", self.kind, self.name)
            return Status(status="failed", message=f"{type(error).__name__}: {error}")

    def _write(self, found: Status) -> None:
        if found == self._written:
            return
        if found.message and (self._written is None or found.message != self._written.message):
            _log.log(
                logging.WARNING if found.status == "failed" else logging.INFO,
                "%s-%s: %s: %s",
                self.kind,
                self.name,
                found.status,
                found.message,
            )
        status.write(self.kind, self.name, found)
        self._written = found
