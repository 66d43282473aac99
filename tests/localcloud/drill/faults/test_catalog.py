"""The catalog keeps what was promised of each kind of fault."""

from __future__ import annotations

import pytest

from localcloud.drill.faults.catalog import FAULTS

BY_NAME = {fault.name: fault for fault in FAULTS}


def test_names_are_unique_and_no_name_is_a_groups() -> None:
    assert len(BY_NAME) == len(FAULTS)
    assert not {fault.group for fault in FAULTS} & (BY_NAME.keys() - {"poison"})


@pytest.mark.parametrize("part", ["web", "worker", "beat", "pgbouncer", "envoy", "emulator", "primary", "broker"])
def test_each_part_is_killed_and_frozen(part: str) -> None:
    assert {f"{part}-killed", f"{part}-frozen"} <= BY_NAME.keys()


@pytest.mark.parametrize("part", ["web", "worker"])
def test_tasks_run_out_of_descriptors_and_of_disk(part: str) -> None:
    assert {f"{part}-descriptors", f"{part}-disk-full"} <= BY_NAME.keys()


@pytest.mark.parametrize(
    "name", ["web-killed", "web-frozen", "worker-killed", "worker-frozen", "cache-killed", "cache-slow", "zone-lost"]
)
def test_what_there_are_several_of_may_fail_one_request_in_a_hundred_for_ten_seconds(name: str) -> None:
    bounds = BY_NAME[name].bounds
    assert (bounds.failed_percent, bounds.recovery, bounds.since) == (1.0, 10.0, "made")


@pytest.mark.parametrize(
    "name", [name for name, fault in BY_NAME.items() if name.startswith("broker-") and fault.group == "valkey"]
)
def test_the_broker_is_back_within_fifteen_seconds(name: str) -> None:
    assert BY_NAME[name].bounds.recovery == 15.0


@pytest.mark.parametrize("name", ["primary-killed", "primary-lost", "primary-frozen"])
def test_without_the_primary_reads_go_on_and_writes_are_soon_back(name: str) -> None:
    bounds = BY_NAME[name].bounds
    assert (bounds.writes_back, bounds.reads_gone, bounds.since) == (35.0, 5.0, "made")
