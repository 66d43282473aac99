"""STS: a session is good until it expires. Tasks hold theirs for an hour, and the emulator may start anew meanwhile."""

from __future__ import annotations

from ministack.services import sts

from localcloud.emulator import stores


def install() -> None:
    stores.keep("sessions", sts._sessions, service="sts")
