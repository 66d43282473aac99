"""The run for real: what is judged of a recording, and the load itself against a server of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from localcloud.console import LocalCloudError
from localcloud.scaling.model import Service, Timing
from localcloud.scaling.real.compare import as_json, compare, plots_of
from localcloud.scaling.real.load import PATH, Load
from localcloud.scaling.real.run import Cost, Recording, run
from localcloud.scaling.real.trace import FLASH
from localcloud.scaling.real.watch import Count
from localcloud.scaling.report.plot import as_svg
from localcloud.scaling.simulator import replay

BEGIN = 1_000_000.0


@pytest.fixture
def recording(prod: list[Service]) -> Recording:
    """What a local cloud that behaves like the simulator would leave behind."""
    quick = replace(prod[0], timing=Timing(start=20, ready=0, drain=30))
    seen = replay(quick, FLASH, metric_delay=0.0)
    counts = [
        Count(at=BEGIN + now.at + second, desired=now.desired, running=(now if second >= 20 else before).running)
        for before, now in zip((seen.minutes[0], *seen.minutes), seen.minutes, strict=False)
        for second in range(0, 60, 10)
    ]
    return Recording(
        begin=BEGIN,
        counts=tuple(counts),
        cpu={int(BEGIN + minute.at): minute.cpu or 0.0 for minute in seen.minutes},
        activities=(),
        cost=Cost(idle=2.0, request=0.4),
        sent=100,
        failed=0,
    )


def test_a_recording_that_follows_the_crowd_is_good(prod: list[Service], recording: Recording) -> None:
    found = compare(prod[0], recording)
    assert found.ok
    assert found.agreeing > 0.8
    assert as_json(found)["ok"] is True
    svg = as_svg(plots_of(found)[0], key="k")
    assert "local cloud" in svg
    assert "simulated" in svg


def test_one_that_stays_where_it_is_is_not(prod: list[Service], recording: Recording) -> None:
    idle = tuple(Count(at=one.at, desired=2, running=2) for one in recording.counts)
    assert not compare(prod[0], replace(recording, counts=idle)).ok


def test_neither_is_one_that_leaves_the_limits_or_fails_requests(prod: list[Service], recording: Recording) -> None:
    low = (*recording.counts, Count(at=BEGIN + FLASH.seconds, desired=2, running=1))
    assert not compare(prod[0], replace(recording, counts=low)).within
    assert not compare(prod[0], replace(recording, failed=1)).ok


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == PATH else 404)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_load_follows_its_rate_and_counts_failures(home: Path, server: ThreadingHTTPServer) -> None:
    load = Load(url=f"http://127.0.0.1:{server.server_port}", rate=lambda second: 30.0 if second < 1 else 0.0)
    load.start()
    time.sleep(2)
    load.stop()
    assert 5 <= load.sent <= 60
    assert load.failed == 0
    nobody = Load(url="http://127.0.0.1:9", rate=lambda _second: 20.0)
    nobody.start()
    time.sleep(0.5)
    nobody.stop()
    assert 0 < nobody.failed == nobody.sent


def test_a_crowd_that_this_machine_cannot_serve_is_refused_before_it_comes(prod: list[Service]) -> None:
    with pytest.raises(LocalCloudError, match=r"would keep \d+\.\d processors busy"):
        run(replace(prod[0], maximum=100_000))
