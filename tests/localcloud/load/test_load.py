"""What is read from locust's figures, and when a soak has stayed flat."""

from __future__ import annotations

import pytest

from localcloud.console import LocalCloudError
from localcloud.load import ladder, locust
from localcloud.load.ladder import Rung
from localcloud.load.locust import Counted
from localcloud.load.soak import Look, Soak

TABLE = """\
Type,Name,Request Count,Failure Count,Median Response Time,Requests/s,50%,95%,99%
GET,list,70,1,9,14.0,9,21,40
,Aggregated,100,2,10,20.0,10,30,50
"""


def counted(*, users: int = 1, per_second: float = 20.0, failed: int = 0) -> Counted:
    return Counted(users=users, requests=100, failed=failed, per_second=per_second, p50_ms=10, p95_ms=30, p99_ms=50)


def soak(*, web: list[float], failed: int = 0, unread: int = 0) -> Soak:
    looks = tuple(
        Look(at=float(number), web=each, worker=500, beat=100, connections=20) for number, each in enumerate(web)
    )
    return Soak(minutes=60, requests=100, failed=failed, p95=0.1, receipts=9, unread=unread, looks=looks)


def test_the_line_over_all_requests_is_read() -> None:
    assert locust.counted(TABLE, users=4) == Counted(
        users=4, requests=100, failed=2, per_second=20, p50_ms=10, p95_ms=30, p99_ms=50
    )


def test_nothing_asked_is_nothing_measured() -> None:
    with pytest.raises(LocalCloudError, match="sent no request"):
        locust.counted(TABLE.replace("100", "0"), users=4)


def test_it_bends_where_twice_the_users_are_served_no_faster() -> None:
    rungs = [
        Rung(tasks=1, counted=counted(users=users, per_second=rate), cpu_ms=5)
        for users, rate in ((1, 50.0), (2, 95.0), (4, 150.0), (8, 152.0))
    ]
    assert ladder.bend(rungs).counted.users == 4


def test_what_stays_flat_after_warming_up_holds() -> None:
    assert soak(web=[100, 200, 250, 260, 261, 259, 262, 260, 258, 261, 263, 260]).faults() == []


def test_what_grows_is_named() -> None:
    (fault,) = soak(web=[100 + 20.0 * number for number in range(12)]).faults()
    assert fault.startswith("web grew from")


def test_a_failed_request_is_a_fault() -> None:
    assert soak(web=[100.0] * 12, failed=3).faults() == ["3 of 100 requests failed"]


def test_a_receipt_that_was_not_read_is_a_fault() -> None:
    assert soak(web=[100.0] * 12, unread=1).faults() == ["1 of 9 receipts were not read"]
