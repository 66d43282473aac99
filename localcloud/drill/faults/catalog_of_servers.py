"""Faults of PostgreSQL and Valkey."""

from __future__ import annotations

from localcloud.drill.faults import databases, valkeys
from localcloud.drill.faults.fault import REDUNDANT, Bounds, Fault
from localcloud.drill.faults.processes import Frozen, Killed

_KILL, _STOP = "SIGKILL", "SIGSTOP"

_FAILOVER = Bounds(writes_back=35.0, reads_gone=5.0)

_OUTAGE = Bounds(recovery=10.0, since="mended")
"""Everybody needs it: writes fail while it is broken, and soon after no more."""

_BROKER = Bounds(recovery=15.0)
_BROKER_BACK = Bounds(recovery=15.0, since="mended")

DATABASE = (
    Fault(
        name="primary-killed", says="PostgreSQL crashes, and recovers on the same volume", how=_KILL, group="database",
        breakage=Killed(databases.writer), bounds=_FAILOVER,
    ),
    Fault(
        name="primary-lost", says="host and volume of the primary are lost; its standby takes over", group="database",
        how=f"{_KILL} to its processes, its data folder taken away", holds=30, breakage=databases.PrimaryLost(),
        bounds=_FAILOVER,
    ),
    Fault(
        name="primary-frozen", says="the primary hangs; its standby takes over, then it wakes up again", holds=40,
        how=f"{_STOP} to all its processes, SIGCONT after 40 s", breakage=databases.PrimaryLost(frozen=True),
        bounds=_FAILOVER, group="database",
    ),
    Fault(
        name="primary-disk-full", says="the primary's volume is full", holds=15, group="database",
        how="RLIMIT_FSIZE of all its processes, also of new ones, for 15 s", breakage=databases.DiskFull(),
        bounds=Bounds(writes_back=35.0, since="mended"),
    ),
    Fault(
        name="connections-taken", says="PostgreSQL has no connection left", holds=20, group="database",
        how="connections with the application's login, until it is refused", breakage=databases.ConnectionsTaken(),
        bounds=_OUTAGE,
    ),
    Fault(
        name="table-locked", says="the table of receipts is locked for 20 s", how="LOCK TABLE", holds=20,
        breakage=databases.LongLock(), bounds=_OUTAGE, group="database",
    ),
    Fault(
        name="replica-lags", says="the replica is a minute behind", how="pg_wal_replay_pause", holds=60,
        breakage=databases.ReplicaLags(), bounds=REDUNDANT, group="database",
    ),
    Fault(
        name="replica-killed", says="the replica crashes", how=_KILL, breakage=Killed(databases.reader),
        bounds=REDUNDANT, group="database",
    ),
    Fault(
        name="replica-promoted", says="somebody promotes the replica", how="pg_promote", holds=30,
        breakage=databases.ReplicaPromoted(), bounds=REDUNDANT, group="database",
    ),
)  # fmt: skip

VALKEY = (
    Fault(
        name="broker-killed", says="the broker crashes", how=_KILL, breakage=Killed(valkeys.processes("broker")),
        bounds=_BROKER, group="valkey",
    ),
    Fault(
        name="broker-frozen", says="the broker hangs", how=f"{_STOP} for 10 s", holds=10, group="valkey",
        breakage=Frozen(valkeys.processes("broker")), bounds=_BROKER_BACK,
    ),
    Fault(
        name="broker-flushed", says="every message is deleted", how="FLUSHALL", breakage=valkeys.Flushed("broker"),
        bounds=_BROKER, group="valkey",
    ),
    Fault(
        name="broker-empty", says="the broker is replaced by an empty one", how=f"FLUSHALL, {_KILL}, no snapshot",
        breakage=valkeys.RestartedEmpty("broker"), bounds=_BROKER, group="valkey",
    ),
    Fault(
        name="broker-full", says="the broker takes no message", how="filled to its limit for 15 s", holds=15,
        breakage=valkeys.Full("broker"), bounds=_BROKER_BACK, group="valkey",
    ),
    Fault(
        name="cache-killed", says="the cache crashes", how=_KILL, breakage=Killed(valkeys.processes("cache")),
        bounds=REDUNDANT, group="valkey",
    ),
    Fault(
        name="cache-slow", says="the cache answers late", how=f"{_STOP} for 0.4 s of every half second", holds=20,
        breakage=valkeys.Stuttering("cache"), bounds=REDUNDANT, group="valkey",
    ),
    Fault(
        name="cache-garbage", says="the cache is full of what nobody put there", how="random bytes in every key",
        breakage=valkeys.Garbage("cache"), bounds=REDUNDANT, group="valkey",
    ),
)  # fmt: skip

SERVERS = (*DATABASE, *VALKEY)
