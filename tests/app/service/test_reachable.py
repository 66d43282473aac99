"""What the scheduler says of the servers, whether they answer or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from spendsmart.reachable import Reachable


def figures(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {name: value for line in lines if "_aws" in line for name, value in line.items() if name != "_aws"}


def test_servers_that_answer(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    found = Reachable()
    assert found.publish()
    assert figures(capsys) | {"DatabaseCacheHitPercent": 0} == {
        "DatabaseReachable": 1, "BrokerReachable": 1, "DatabaseLockWaits": 0, "DatabaseCacheHitPercent": 0,
    }  # fmt: skip
    found.publish()
    assert 0 <= figures(capsys).get("DatabaseCacheHitPercent", 100) <= 100


def test_a_broker_that_is_gone(
    db: None, stop_server: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    stop_server("broker")
    assert not Reachable().publish()
    found = figures(capsys)
    assert (found["DatabaseReachable"], found["BrokerReachable"]) == (1, 0)


def test_counters_that_began_anew_give_no_share(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    found = Reachable()
    found._hits = found._reads = 10**18
    found.publish()
    assert "DatabaseCacheHitPercent" not in figures(capsys)


def test_a_database_that_is_gone(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> bool:
        # This thread's own connection, to a port that nobody listens on.
        connection.settings_dict = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "1"}
        return Reachable().publish()

    with ThreadPoolExecutor(max_workers=1) as thread:
        assert not thread.submit(ask).result()
    found = figures(capsys)
    assert (found["DatabaseReachable"], found["BrokerReachable"]) == (0, 1)
    assert "DatabaseLockWaits" not in found
