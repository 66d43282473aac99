"""Real PostgreSQL servers and a Valkey, measured while known things happen to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest

from localcloud.dataplane import status
from localcloud.dataplane.elasticache.server import ValkeyServer, administrator
from localcloud.dataplane.elasticache.tls_front import TlsFront
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.postgres import roles
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Login, ValkeySpec
from localcloud.metrics.datum import Datum
from localcloud.metrics.elasticache import Node
from localcloud.metrics.instance_class import instance_class
from localcloud.metrics.rds import Instance
from localcloud.metrics.sources.caches import Cache
from localcloud.metrics.sources.databases import Database, DatabaseHost
from tests.localcloud.dataplane.conftest import BASE_PORT, eventually

from .support import values

pytestmark = pytest.mark.localcloud

LOGIN = Login(username="spendsmart", password="a-password-for-tests")
PRIMARY = DatabaseSpec(
    identifier="main",
    port=BASE_PORT + 100,
    login=LOGIN,
    database="spendsmart",
    replicas=("reader",),
    resource_id="db-1",
    parameters={"rds.force_ssl": "0"},
)
REPLICA = DatabaseSpec(
    identifier="reader", port=BASE_PORT + 101, source="main", resource_id="db-2", parameters=PRIMARY.parameters
)
CACHE = ValkeySpec(group_id="cache", port=BASE_PORT + 150, memory=64 * 1024**2)
MAIN, READER = {"DBInstanceIdentifier": "main"}, {"DBInstanceIdentifier": "reader"}
NODE = {"CacheClusterId": "cache-001"}


class _NoFront(TlsFront):
    """Nobody comes through TLS here."""

    def open(self, group_id: str, *, port: int, upstream: object) -> None:
        pass


@pytest.fixture(scope="module")
def keepers(state: object) -> Iterator[dict[str, Keeper[Any]]]:
    ports = {PRIMARY.identifier: PRIMARY.port}
    found: dict[str, Keeper[Any]] = {
        spec.identifier: Keeper(
            kind="rds",
            name=spec.identifier,
            part=PostgresServer(spec.identifier, source_port=ports.get),
            spec=spec,
        )
        for spec in (PRIMARY, REPLICA)
    }
    found["cache"] = Keeper(kind="elasticache", name="cache", part=ValkeyServer("cache", front=_NoFront()), spec=CACHE)
    try:
        for name, keeper in found.items():
            path = status.path(keeper.kind, name)
            eventually(lambda path=path: '"available"' in path.read_text(), within=90)
        yield found
    finally:
        for keeper in reversed(found.values()):
            keeper.stop()
        for keeper in found.values():
            keeper.join()


def _instance(spec: DatabaseSpec) -> Instance:
    return Instance(
        identifier=spec.identifier,
        region="us-east-1",
        instance_class=instance_class("db.t4g.small"),
        storage=20 * 1024**3,
        insights=True,
        source=spec.source,
    )


def _client() -> Any:
    link = psycopg2.connect(
        host="127.0.0.1", port=PRIMARY.port, dbname="spendsmart", user=LOGIN.username, password=LOGIN.password
    )
    link.autocommit = True
    return link


def _execute(link: Any, statement: str) -> None:
    with link.cursor() as cursor:
        cursor.execute(statement)


def _all(found: Iterable[list[Datum]]) -> list[Datum]:
    return [datum for data in found for datum in data]


def test_connections_and_load_are_those_of_clients(keepers: object) -> None:
    source = Database(_instance(PRIMARY), port=PRIMARY.port, source_port=None)
    source.sample()
    with ExitStack() as stack:
        links = [stack.enter_context(closing(_client())) for _ in range(3)]
        sleeper = threading.Thread(target=_execute, args=(links[0], "SELECT pg_sleep(1.5)"))
        sleeper.start()
        time.sleep(0.3)
        source.sample()
        sleeper.join()
        source.sample()
        data = _all(source.finish(0))
    assert values(data, "DatabaseConnections", **MAIN) == [0, 3, 3]
    assert values(data, "DBLoadNonCPU", **MAIN) == [0, 0, 1]
    assert values(data, "DBLoad", **MAIN) == [0, 0, 1]
    assert values(data, "MaximumUsedTransactionIDs", **MAIN)[0] > 0
    assert not values(data, "ReplicaLag", **MAIN)


def test_writes_show_in_input_output_and_in_the_folder(keepers: object) -> None:
    host, engine = DatabaseHost(_instance(PRIMARY)), Database(_instance(PRIMARY), port=PRIMARY.port, source_port=None)
    host.sample()
    engine.sample()
    (before,) = values(_all(host.finish(0)), "FreeStorageSpace", **MAIN)
    with closing(_client()) as link:
        _execute(link, "CREATE TABLE filled AS SELECT repeat('x', 1000) AS text FROM generate_series(1, 20000)")
        _execute(link, "CHECKPOINT")
    data = [*_all(host.finish(0)), *_all(engine.finish(0))]
    assert before - values(data, "FreeStorageSpace", **MAIN)[0] > 20_000_000
    assert values(data, "CPUUtilization", **MAIN)[0] > 0
    assert values(data, "WriteIOPS", **MAIN)[0] > 0
    assert values(data, "WriteLatency", **MAIN)[0] > 0
    assert values(data, "TransactionLogsGeneration", **MAIN)[0] > 0


def test_a_replica_that_does_not_replay_lags(keepers: object) -> None:
    source = Database(_instance(REPLICA), port=REPLICA.port, source_port=PRIMARY.port)

    def lag() -> float:
        (found,) = values(_all(source.finish(0)), "ReplicaLag", **READER)
        return found

    source.sample()
    eventually(lambda: lag() == 0)
    time.sleep(1.1)
    assert lag() == 0  # nothing was written since
    with roles.connection(REPLICA.port) as cursor, closing(_client()) as link:
        cursor.execute("SELECT pg_wal_replay_pause()")
        try:
            _execute(link, "CREATE TABLE later (number int)")
            time.sleep(1)
            assert 1 <= lag() < 60
        finally:
            cursor.execute("SELECT pg_wal_replay_resume()")
        eventually(lambda: lag() == 0)


def test_cache_hits_and_misses_are_counted_exactly(keepers: object) -> None:
    node = Node(
        cluster_id="cache-001", node_id="0001", region="us-east-1", node_class=instance_class("cache.t4g.micro")
    )
    source = Cache(node, "cache")
    source.sample()
    with closing(administrator("cache")) as client:
        for number in range(100):
            client.set(f"key-{number}", "value")
        for number in range(70, 110):
            client.get(f"key-{number}")
        data = _all(source.finish(0))
    assert values(data, "CacheHits", **NODE) == [30]
    assert values(data, "CacheMisses", **NODE) == [10]
    assert values(data, "CacheHitRate", **NODE) == [75]
    assert values(data, "CurrItems", **NODE) == [100]
    assert values(data, "CurrConnections", CacheNodeId="0001", **NODE) == [2]  # the publisher's is one of them
    assert 0 < values(data, "DatabaseMemoryUsagePercentage", **NODE)[0] < 100
    assert not values(_all(source.finish(0)), "CacheHitRate", **NODE)


def test_a_server_that_is_gone_has_no_metrics(keepers: dict[str, Keeper[Any]]) -> None:
    host, engine = DatabaseHost(_instance(REPLICA)), Database(_instance(REPLICA), port=REPLICA.port, source_port=None)
    cache = Cache(Node(cluster_id="cache-001", node_id="0001", region="us-east-1", node_class=None), "cache")
    for source in (host, engine, cache):
        source.sample()
    for name in ("reader", "cache"):
        keepers[name].stop()
        keepers[name].join()
    assert _all(host.finish(0)) == []
    with pytest.raises(psycopg2.Error):
        engine.sample()
    with pytest.raises(psycopg2.Error):
        _all(engine.finish(0))
    with pytest.raises(Exception, match="No such file"):
        _all(cache.finish(0))
