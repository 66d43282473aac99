"""Where RDS keeps the automated backups of its instances here, and what is told of them between our processes.

On AWS the buckets are RDS's own; here they are among the account's, as the emulator has one account. Below the id of
an instance's resource lie its base backups and its write-ahead log, as Barman lays them out.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from localcloud import layout


def bucket(region: str) -> str:
    """The bucket with the automated backups of a region."""
    return f"rds-automated-backups-{layout.ACCOUNT}-{region}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Between which times (ISO 8601, UTC) an instance can be restored; empty while there is no base backup.

    The end is the last commit that is surely in the archive, with another one after it.
    """

    resource_id: str
    earliest: str = ""
    latest: str = ""

    def holds(self, time: datetime) -> bool:
        return bool(self.latest) and (
            datetime.fromisoformat(self.earliest) <= time <= datetime.fromisoformat(self.latest)
        )


def _window_path(resource_id: str) -> Path:
    return layout.folder("dataplane", "backups") / f"{resource_id}.json"


def write_window(window: Window) -> None:
    layout.write_private(_window_path(window.resource_id), json.dumps(asdict(window)))


def read_window(resource_id: str) -> Window:
    """What is known, be the instance still there or not."""
    try:
        return Window(**json.loads(_window_path(resource_id).read_text()))
    except FileNotFoundError:
        return Window(resource_id=resource_id)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot that RDS was asked for: `status` is creating, available or failed; `backup` is Barman's id for it."""

    identifier: str
    resource_id: str
    status: str = "creating"
    backup: str = ""


def _snapshots() -> Path:
    return layout.folder("dataplane", "snapshots")


def write_snapshot(snapshot: Snapshot) -> None:
    layout.write_private(_snapshots() / f"{snapshot.identifier}.json", json.dumps(asdict(snapshot)))


def read_snapshot(identifier: str) -> Snapshot | None:
    try:
        return Snapshot(**json.loads((_snapshots() / f"{identifier}.json").read_text()))
    except FileNotFoundError:
        return None


def asked_for(resource_id: str) -> list[Snapshot]:
    """Snapshots of an instance that are still to be made."""
    found = [Snapshot(**json.loads(path.read_text())) for path in sorted(_snapshots().glob("*.json"))]
    return [snapshot for snapshot in found if snapshot.resource_id == resource_id and snapshot.status == "creating"]
