"""A server's state as data of AWS/RDS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localcloud.metrics import rds
from localcloud.metrics.instance_class import InstanceClass, instance_class
from localcloud.metrics.rds import Engine, Host, InputOutput, Instance, Sessions

from .support import values

GIB = 1024**3
ONE = {"DBInstanceIdentifier": "one"}
INSTANCE = Instance(
    identifier="one", region="us-east-1", instance_class=instance_class("db.m7g.large"), storage=20 * GIB, insights=True
)
HOST = Host(cores=0.5, memory=GIB, swapped=7, data=3 * GIB, wal=GIB, slots=4096, disk_free=100 * GIB)
IO = InputOutput(
    reads=10, read_bytes=81920, read_seconds=1.0, writes=20, write_bytes=163840, write_seconds=2.0, wal=1000
)


@pytest.mark.parametrize(
    ("name", "vcpus", "gib"),
    [
        ("db.t4g.micro", 2, 1),
        ("db.t4g.small", 2, 2),
        ("db.t3.2xlarge", 8, 32),
        ("db.m7g.large", 2, 8),
        ("db.r6g.4xlarge", 16, 128),
        ("cache.m7g.xlarge", 4, 16),
    ],
)
def test_classes_have_what_aws_says(name: str, vcpus: int, gib: int) -> None:
    assert instance_class(name) == InstanceClass(vcpus=vcpus, memory=gib * GIB)


def test_an_unknown_class_leaves_out_what_is_a_share_of_it() -> None:
    assert instance_class("db.x2g.large") is None
    data = rds.host(0, replace(INSTANCE, instance_class=None), HOST)
    assert not values(data, "CPUUtilization", **ONE)
    assert not values(data, "FreeableMemory", **ONE)


def test_a_server_uses_its_class_and_its_storage() -> None:
    data = rds.host(0, INSTANCE, HOST)
    assert values(data, "CPUUtilization", **ONE) == [25]
    assert values(data, "FreeableMemory", **ONE) == [7 * GIB]
    assert values(data, "FreeStorageSpace", **ONE) == [17 * GIB]
    assert values(data, "TransactionLogsDiskUsage", **ONE) == [GIB]
    nearly_full = rds.host(0, INSTANCE, replace(HOST, disk_free=5))
    assert values(nearly_full, "FreeStorageSpace", **ONE) == [5]  # the machine's disk is smaller than what is allocated


def test_sessions_are_connections_and_database_load() -> None:
    looks = [Sessions(connections=5, running=1, waiting=0), Sessions(connections=7, running=0, waiting=2)]
    data = rds.sessions(0, INSTANCE, looks)
    assert values(data, "DatabaseConnections", **ONE) == [5, 7]
    assert values(data, "DBLoad", **ONE) == [1, 2]
    assert values(data, "DBLoadCPU", **ONE) == [0, 1]
    assert values(data, "DBLoadNonCPU", **ONE) == [0, 2]
    assert not values(rds.sessions(0, replace(INSTANCE, insights=False), looks), "DBLoad", **ONE)


def test_input_and_output_are_rates_and_their_latency_is_per_operation() -> None:
    after = replace(IO, reads=30, read_bytes=245760, read_seconds=1.5, wal=7000)
    data = rds.input_output(0, INSTANCE, IO, after, seconds=60)
    assert values(data, "ReadIOPS", **ONE) == [20 / 60]
    assert values(data, "ReadLatency", **ONE) == [0.025]
    assert values(data, "WriteLatency", **ONE) == [0]
    assert values(data, "TransactionLogsGeneration", **ONE) == [100]
    untimed = rds.input_output(0, INSTANCE, replace(IO, read_seconds=None), after, seconds=60)
    assert not values(untimed, "ReadLatency", **ONE)
    assert rds.input_output(0, INSTANCE, after, IO, seconds=60) == []  # statistics were reset


def test_lag_is_of_replicas_and_slots_of_primaries() -> None:
    data = rds.engine(0, INSTANCE, Engine(transaction_ids=9, checkpoint_age=30.0, replica_lag=1.5))
    assert values(data, "ReplicaLag", **ONE) == [1.5]
    assert not values(data, "OldestReplicationSlotLag", **ONE)
