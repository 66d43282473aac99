"""Barman's cloud commands (https://docs.pgbarman.org, barman-cloud), which keep backups and WAL in S3.

They are programs of their own, found by the AWS SDK's configuration file that we write: the emulator's address, its
authority and RDS's key.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from localcloud import aws, layout, tls
from localcloud.dataplane import paths, process
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.specs import ArchiveSpec

_PROFILE = "rds"
_TIMEOUT = 1800.0

_CONFIGURATION = """\
[profile {profile}]
aws_access_key_id = {root.access_key_id}
aws_secret_access_key = {root.secret_access_key}
region = {region}
endpoint_url = {endpoint}
ca_bundle = {authority}
retry_mode = standard
max_attempts = 2
"""


@dataclass(frozen=True, kw_only=True)
class BaseBackup:
    """One base backup: `backup_id` is Barman's, `ended` the first moment that it can be restored to."""

    backup_id: str
    ended: datetime


def archive_command(archive: ArchiveSpec, *, unless_missing: str) -> str:
    """PostgreSQL's `archive_command`. Until the file `unless_missing` is in the data folder nothing is kept, as WAL
    from before the first base backup is of no use."""
    line = _line("barman-cloud-wal-archive", archive, ["--gzip"], ["%p"])
    return f"test ! -e {unless_missing} || {shlex.join(line)}"


def restore_command(archive: ArchiveSpec, *, spool: Path) -> str:
    """PostgreSQL's `restore_command`. Starting a program for each segment would take most of the time, so the next
    ones are fetched into the folder `spool`."""
    ahead = ["--parallel", "8", "--spool-dir", str(spool)]
    return shlex.join(_line("barman-cloud-wal-restore", archive, ahead, ["%f", "%p"]))


def back_up(archive: ArchiveSpec, *, port: int, user: str, name: str = "") -> None:
    """A base backup of the server at `port`; at a low priority unless somebody waits for it by its name. Raises
    PartError."""
    options = ["--gzip", "--jobs", "1", "--immediate-checkpoint", "--host", str(paths.sockets()), "--port", str(port)]
    options += ["--user", user, *(["--name", name] if name else [])]
    line = _line("barman-cloud-backup", archive, options, [])
    _run(line if name else ["nice", "-n", "5", *line])


def backups(archive: ArchiveSpec) -> list[BaseBackup]:
    """The whole base backups there are, the oldest first. Raises PartError."""
    return [
        BaseBackup(backup_id=each["backup_id"], ended=datetime.fromisoformat(each["end_time_iso"]))
        for each in _listed(archive)
        if each["status"] == "DONE"
    ]


def named(archive: ArchiveSpec, name: str) -> str:
    """The id of the base backup with this name. Raises PartError."""
    for each in _listed(archive):
        if each.get("backup_name") == name and each["status"] == "DONE":
            return str(each["backup_id"])
    raise PartError(f"there is no base backup {name} of {archive.server}")


def keep(archive: ArchiveSpec, backup_id: str) -> None:
    """Have a base backup, with the WAL that it needs itself, outlive the retention period. Raises PartError."""
    _run(_line("barman-cloud-backup-keep", archive, ["--target", "standalone"], [backup_id]))


def delete_expired(archive: ArchiveSpec, *, days: int) -> None:
    """Delete what is not needed to restore to any second of the last `days`. Raises PartError."""
    policy = ["--retention-policy", f"RECOVERY WINDOW OF {days} DAYS"]
    _run(["nice", "-n", "5", *_line("barman-cloud-backup-delete", archive, policy, [])])


def restore(archive: ArchiveSpec, *, into: Path, backup_id: str = "", time: str = "") -> None:
    """Unpack a base backup into an empty folder: the one of that id, or the last one before `time` (the very last one
    without a time). Raises PartError."""
    options = ["--target-time", time] if time and not backup_id else []
    _run(_line("barman-cloud-restore", archive, options, [backup_id or "auto", str(into)]))


def _listed(archive: ArchiveSpec) -> list[dict[str, Any]]:
    said = _run(_line("barman-cloud-backup-list", archive, ["--format", "json"], []))
    found: list[dict[str, Any]] = json.loads(said)["backups_list"] if said.strip() else []
    return sorted(found, key=lambda each: str(each["backup_id"]))


def _line(program: str, archive: ArchiveSpec, options: Sequence[str], arguments: Sequence[str]) -> list[str]:
    return [
        "env",
        f"AWS_CONFIG_FILE={_configuration(archive.region)}",
        str(Path(sysconfig.get_path("scripts")) / program),
        *("--aws-profile", _PROFILE, "--addressing-style", "path"),
        *options,
        f"s3://{archive.bucket}",
        archive.server,
        *arguments,
    ]


def _configuration(region: str) -> Path:
    path = layout.folder("secrets", "rds") / f"aws-{region}.ini"
    text = _CONFIGURATION.format(
        profile=_PROFILE,
        root=aws.root_credentials(),
        region=region,
        endpoint=aws.endpoint(),
        authority=tls.material().authority,
    )
    if not path.exists() or path.read_text() != text:
        layout.write_private(path, text)
    return path


def _run(line: Sequence[str]) -> str:
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        # Its archives are packed in the temporary folder.
        env={**process.environment(), "TMPDIR": str(layout.folder("run"))},
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT,
    )
    if done.returncode:
        program = next(Path(word).name for word in line if "barman-cloud" in word)
        raise PartError(f"{program}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout
