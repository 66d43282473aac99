"""DB instances: the server's processes and folder, and its own statistics over the unix socket."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from localcloud import aws, layout, regions
from localcloud.dataplane import paths, status
from localcloud.dataplane.postgres.folder import SUPERUSER, DataFolder
from localcloud.metrics import rds
from localcloud.metrics.clock import Source
from localcloud.metrics.datum import Datum
from localcloud.metrics.instance_class import instance_class
from localcloud.metrics.processes import Usage, processor_between, usage
from localcloud.metrics.rds import Instance
from localcloud.metrics.roster import Wanted
from localcloud.metrics.sources.database_log import DatabaseLog

_GIB = 1024**3
_PATIENCE = 3
"""Seconds for a connection, and for a statement."""


def databases() -> Wanted:
    """The sources of each instance that has a server here. Raises botocore's errors."""
    found: Wanted = {}
    for region in regions.standing():
        described = aws.client("rds", region).get_paginator("describe_db_instances").paginate()
        records = [each for page in described for each in page["DBInstances"]]
        ports = {each["DBInstanceIdentifier"]: each.get("Endpoint", {}).get("Port", 0) for each in records}
        for record in records:
            instance = _instance(record, region)
            if record["Engine"] == "postgres" and _is_here(record):
                port, source_port = ports[instance.identifier], ports.get(instance.source or "")
                logged = "postgresql" in record.get("EnabledCloudwatchLogsExports", ())
                key = f"{instance} {port} {source_port} {logged}"
                found[key] = partial(_sources, instance, port, source_port, logged=logged)
    return found


def _sources(instance: Instance, port: int, source_port: int | None, *, logged: bool) -> list[Source]:
    sources: list[Source] = [DatabaseHost(instance), Database(instance, port=port, source_port=source_port)]
    return [*sources, DatabaseLog(instance)] if logged else sources


def _instance(record: dict[str, Any], region: str) -> Instance:
    # Across regions the API gives an ARN.
    source = (record.get("ReadReplicaSourceDBInstanceIdentifier") or "").rpartition(":")[2]
    return Instance(
        identifier=record["DBInstanceIdentifier"],
        region=region,
        instance_class=instance_class(record["DBInstanceClass"]),
        storage=record["AllocatedStorage"] * _GIB,
        insights=bool(record.get("PerformanceInsightsEnabled")),
        source=source or None,
    )


def _is_here(record: dict[str, Any]) -> bool:
    endpoint = record.get("Endpoint", {})
    return bool(endpoint.get("Address") == layout.LOOPBACK and endpoint.get("Port", 0) > layout.ports().base)


class DatabaseHost:
    """Looks once a minute."""

    every = 5.0
    delay = 0.0

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._before: tuple[float, Usage] | None = None

    @property
    def name(self) -> str:
        return f"rds-{self._instance.identifier}: host"

    def sample(self) -> None:
        """The first look, from which the first minute is counted."""
        self._before = self._before or self._look()

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        before, now = self._before, self._look()
        self._before = now
        if before is None or now is None:
            return  # no server, no metrics
        (then, earlier), (moment, found) = before, now
        folder = DataFolder(self._instance.identifier).path
        seconds = moment - max(then, found.began)
        yield rds.host(
            minute,
            self._instance,
            rds.Host(
                cores=processor_between(earlier, found) / seconds,
                memory=found.memory,
                swapped=found.swapped,
                data=_size(folder),
                wal=_size(folder / "pg_wal"),
                slots=_size(folder / "pg_replslot"),
                disk_free=shutil.disk_usage(folder).free,
            ),
        )

    def _look(self) -> tuple[float, Usage] | None:
        found = usage(_server(self._instance.identifier))
        return (time.time(), found) if found else None


class Database:
    """PostgreSQL's own statistics, over one connection that is kept. `source_port` is where its primary listens."""

    every = 1.0
    delay = 0.0

    def __init__(self, instance: Instance, *, port: int, source_port: int | None) -> None:
        self._instance = instance
        self._session = _Session(port)
        self._source = _Session(source_port) if source_port else None
        self._looks: list[rds.Sessions] = []
        self._before: tuple[float, rds.InputOutput] | None = None

    @property
    def name(self) -> str:
        return f"rds-{self._instance.identifier}"

    def sample(self) -> None:
        """Raises psycopg2's errors when the server does not answer."""
        connections, running, waiting = self._session.row(_SESSIONS)
        self._looks.append(rds.Sessions(connections=connections, running=running, waiting=waiting))
        self._before = self._before or self._input_output()

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        looks, self._looks = self._looks, []
        yield rds.sessions(minute, self._instance, looks)
        before, now = self._before, self._input_output()
        self._before = now
        if before:
            seconds = now[0] - before[0]
            yield rds.input_output(minute, self._instance, before[1], now[1], seconds=seconds)
        yield rds.engine(minute, self._instance, self._engine())

    def _input_output(self) -> tuple[float, rds.InputOutput]:
        reads, read_bytes, read_ms, writes, write_bytes, write_ms, wal, timed = self._session.row(_INPUT_OUTPUT)
        return time.time(), rds.InputOutput(
            reads=int(reads),
            read_bytes=int(read_bytes),
            read_seconds=read_ms / 1000 if timed else None,
            writes=int(writes),
            write_bytes=int(write_bytes),
            write_seconds=write_ms / 1000 if timed else None,
            wal=int(wal),
        )

    def _engine(self) -> rds.Engine:
        # The primary first: what the replica has replayed after that cannot be less than it had.
        written = self._written()
        transaction_ids, checkpoint_age, slot_lag, standby, replayed, age = self._session.row(_ENGINE)
        return rds.Engine(
            transaction_ids=transaction_ids,
            checkpoint_age=checkpoint_age,
            oldest_slot_lag=None if slot_lag is None else int(slot_lag),
            replica_lag=_lag(written, replayed, age) if standby else None,
        )

    def _written(self) -> int | None:
        """How far the primary's log is; None when it does not say."""
        try:
            return int(self._source.row(_WRITTEN)[0]) if self._source else None
        except psycopg2.Error:
            return None


def _lag(written: int | None, replayed: int, age: float | None) -> float | None:
    """RDS's figure is the age of the last transaction replayed, and its own writes every five minutes keep that from
    growing on a quiet primary. Nobody writes here, so a replica that has replayed all there is is not behind."""
    if written is not None and replayed >= written:
        return 0.0
    return age


class _Session:
    """A connection that is made anew after it failed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._link: Any = None

    def row(self, statement: str) -> tuple[Any, ...]:
        """The first row. Raises psycopg2's errors."""
        try:
            if self._link is None:
                self._link = psycopg2.connect(
                    host=str(paths.sockets()),
                    port=self._port,
                    user=SUPERUSER,
                    dbname="postgres",
                    connect_timeout=_PATIENCE,
                    application_name="localcloud metrics",
                    options=f"-c statement_timeout={_PATIENCE * 1000} -c jit=off",
                )
                self._link.autocommit = True
            with self._link.cursor() as cursor:
                cursor.execute(statement)
                found: tuple[Any, ...] = cursor.fetchone()
                return found
        except psycopg2.Error:
            link, self._link = self._link, None
            if link is not None:
                link.close()
            raise


# Sessions of RDS's own do not count; a session at work that waits for nothing is on the processor.
_SESSIONS = f"""
    SELECT count(*),
           count(*) FILTER (WHERE state = 'active' AND wait_event IS NULL),
           count(*) FILTER (WHERE state = 'active' AND wait_event IS NOT NULL)
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usename <> '{SUPERUSER}'
"""  # noqa: S608 - a constant of ours

_INPUT_OUTPUT = """
    SELECT coalesce(sum(reads), 0), coalesce(sum(reads * op_bytes), 0), coalesce(sum(read_time), 0),
           coalesce(sum(coalesce(writes, 0) + coalesce(extends, 0)), 0),
           coalesce(sum((coalesce(writes, 0) + coalesce(extends, 0)) * op_bytes), 0),
           coalesce(sum(coalesce(write_time, 0) + coalesce(extend_time, 0)), 0),
           (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) - '0/0',
           current_setting('track_io_timing') = 'on'
    FROM pg_stat_io
"""

_WRITTEN = "SELECT pg_current_wal_lsn() - '0/0'"

_ENGINE = """
    SELECT (SELECT max(age(datfrozenxid)) FROM pg_database),
           (SELECT extract(epoch FROM clock_timestamp() - checkpoint_time)::float FROM pg_control_checkpoint()),
           CASE WHEN NOT pg_is_in_recovery()
                THEN (SELECT max(pg_current_wal_lsn() - restart_lsn) FROM pg_replication_slots) END,
           pg_is_in_recovery(),
           (pg_last_wal_replay_lsn() - '0/0')::bigint,
           extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float
"""


def _server(identifier: str) -> list[int]:
    """The server's first process, as the data plane notes it."""
    try:
        pid = json.loads(status.path("rds", identifier).read_text()).get("pid")
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    return [pid] if pid else []


def _size(folder: Path) -> int:
    """Bytes that a folder takes on its disk; files that go while we look count for nothing."""
    total, left = 0, [str(folder)]
    while left:
        try:
            for entry in os.scandir(left.pop()):
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:
            continue
    return total
