"""What RDS makes inside a new instance: the master user, its database, replication slots; over the unix socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from localcloud.dataplane import paths
from localcloud.dataplane.errors import NotYetError, PartError
from localcloud.dataplane.postgres.folder import REPLICATOR, SUPERUSER
from localcloud.dataplane.specs import Login

_SLOT_PREFIX = "rds_"

_MASTER_ROLE = "rds_superuser"
_GRANTED = ("pg_monitor", "pg_signal_backend", "pg_checkpoint", "pg_read_all_stats", "pg_use_reserved_connections")


def slot_name(replica: str) -> str:
    """The replication slot of a read replica: slot names take letters, digits and underscores."""
    return _SLOT_PREFIX + replica.lower().replace("-", "_")


@contextmanager
def connection(port: int, database: str = "postgres") -> Iterator[Any]:
    """A cursor of the superuser, each statement its own transaction. Raises NotYetError while the server starts."""
    try:
        link = psycopg2.connect(
            host=str(paths.sockets()), port=port, user=SUPERUSER, dbname=database, connect_timeout=5
        )
    except psycopg2.OperationalError as error:
        raise NotYetError(f"waits for the server: {str(error).strip()}") from error
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            yield cursor
    except psycopg2.Error as error:
        raise PartError(str(error).strip()) from error
    finally:
        link.close()


def prepare(cursor: Any) -> None:
    """The roles that RDS brings along."""
    if not _role_exists(cursor, REPLICATOR):
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN REPLICATION").format(sql.Identifier(REPLICATOR)))
    if not _role_exists(cursor, _MASTER_ROLE):
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(_MASTER_ROLE)))
        for granted in _GRANTED:
            cursor.execute(
                sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(
                    sql.Identifier(granted), sql.Identifier(_MASTER_ROLE)
                )
            )


def set_master(cursor: Any, login: Login) -> None:
    """Create the master user, or give it its present password. It is no superuser, but may make databases and roles,
    and extensions that PostgreSQL calls trusted."""
    name = sql.Identifier(login.username)
    if not _role_exists(cursor, login.username):
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(name))
        cursor.execute(sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(sql.Identifier(_MASTER_ROLE), name))
    # Hashed here: statements may be logged, and the password must not stand there.
    hashed = encrypt_password(login.password, login.username, cursor.connection, "scram-sha-256")
    cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(hashed)))


def has_master(cursor: Any) -> bool:
    """Whether there is a master user, as a promoted standby has from its primary."""
    cursor.execute(
        "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE r.rolname = %s", (_MASTER_ROLE,)
    )
    return cursor.fetchone() is not None


def ensure_database(cursor: Any, name: str, *, owner: str) -> None:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))


def match_slots(cursor: Any, replicas: tuple[str, ...]) -> None:
    """A slot for each read replica; those of replicas that are gone go too, as they would hold WAL for ever."""
    cursor.execute("SELECT slot_name, active FROM pg_replication_slots WHERE slot_type = 'physical'")
    found: dict[str, bool] = dict(cursor.fetchall())
    wanted = {slot_name(replica) for replica in replicas}
    for name in wanted - found.keys():
        cursor.execute("SELECT pg_create_physical_replication_slot(%s, true)", (name,))
    for name in found.keys() - wanted:
        if name.startswith(_SLOT_PREFIX) and not found[name]:
            cursor.execute("SELECT pg_drop_replication_slot(%s)", (name,))


def ensure_slot(port: int, name: str) -> None:
    with connection(port) as cursor:
        cursor.execute("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute("SELECT pg_create_physical_replication_slot(%s, true)", (name,))


def streams_to(port: int, standby: str) -> bool:
    """Whether a standby has caught up and streams."""
    return _replication(port, standby)[0] == "streaming"


def is_synchronous(port: int, standby: str) -> bool:
    """Whether each commit waits for a standby."""
    return _replication(port, standby)[1] == "sync"


def _replication(port: int, standby: str) -> tuple[str, str]:
    with connection(port) as cursor:
        cursor.execute("SELECT state, sync_state FROM pg_stat_replication WHERE application_name = %s", (standby,))
        found: tuple[str, str] = cursor.fetchone() or ("", "")
        return found


def has_slot(port: int, replica: str) -> bool:
    with connection(port) as cursor:
        cursor.execute("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", (slot_name(replica),))
        return cursor.fetchone() is not None


def switch_log(cursor: Any) -> tuple[str, datetime]:
    """Have the log written so far archived, whole: the segment it ends in, and a time from which on there is a commit
    in it. (Recovery to a time ends at the first commit after it, and fails where there is none.)"""
    cursor.execute("SET synchronous_commit = local")  # a standby that is gone holds nothing up here
    cursor.execute("SELECT clock_timestamp()")
    before = cursor.fetchone()[0]
    cursor.execute("SELECT pg_current_xact_id()")  # a commit of its own, as RDS's heartbeat is
    cursor.execute("SELECT pg_walfile_name(pg_switch_wal())")
    return cursor.fetchone()[0], before


def has_archived(cursor: Any, segment: str) -> bool:
    """Whether a segment of the log, and so all before it, is in the archive."""
    cursor.execute("SELECT last_archived_wal FROM pg_stat_archiver")
    last = cursor.fetchone()[0]
    return last is not None and last[: len(segment)] >= segment


def _role_exists(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    return cursor.fetchone() is not None
