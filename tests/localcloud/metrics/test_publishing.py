"""Minutes, sources that fail, and what CloudWatch makes of the data."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localcloud import aws, layout
from localcloud.metrics import clock, latest
from localcloud.metrics.clock import Source, Ticker
from localcloud.metrics.datum import Datum, Minute, minute_of
from localcloud.metrics.publisher import Publisher
from localcloud.metrics.roster import Roster
from tests.localcloud.dataplane.conftest import BASE_PORT, eventually
from tests.localcloud.emulator.support import Emulator

NOW = minute_of(time.time()) - 120


def _datum(name: str = "RequestCount", minute: int = NOW) -> Datum:
    return Minute(namespace="N", region="us-east-1", start=minute).counted(name, {1: 3, 5: 1}, "Count", A="b")


class _Flaky:
    """Cannot be looked at at first; its second minute breaks off after some data."""

    name, every, delay = "flaky", 0.05, 0.1

    def __init__(self) -> None:
        self.looks, self.minutes = 0, [0]

    def sample(self) -> None:
        self.looks += 1
        if self.looks == 1:
            raise OSError("not yet")

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        self.minutes.append(minute)
        yield [_datum(minute=minute)]
        if len(self.minutes) == 3:
            raise OSError("gone")


def test_a_source_that_fails_is_asked_again_and_every_minute_is_published_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "MINUTE", 1)
    monkeypatch.setattr(clock, "minute_of", int)
    source, stop, published = _Flaky(), threading.Event(), list[Datum]()
    ticker = Ticker(source, publish=published.extend, stop=stop)
    began = int(time.time())
    ticker.start()
    eventually(lambda: ticker.trouble == "OSError: gone", within=20)
    eventually(lambda: len(source.minutes) >= 4 and not ticker.trouble, within=20)
    stop.set()
    minutes = [datum.minute for datum in published]
    assert minutes[0] == began
    assert len(minutes) == len(set(minutes)) >= 3
    assert source.looks > len(minutes)


def test_sources_come_and_go_with_what_they_measure() -> None:
    roster, made = Roster(lambda _: None), list[_Flaky]()

    def make() -> list[Source]:
        made.append(_Flaky())
        return [made[-1]]

    roster.match({"one": make})
    roster.match({"one": make})
    (one,) = made
    assert eventually(roster.troubles) == {"flaky": "OSError: not yet"}
    eventually(lambda: one.looks > 2)
    roster.match({"one, changed": make})
    eventually(lambda: len(made) == 2 and made[1].looks > 2)
    time.sleep(2 * one.every)
    looks = one.looks
    time.sleep(3 * one.every)
    assert one.looks == looks  # it is looked at no more
    roster.match({})


@pytest.mark.localcloud
def test_data_wait_for_cloudwatch_and_add_up_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = Emulator(home=tmp_path / "home", base=BASE_PORT)
    monkeypatch.setenv("LOCALCLOUD_HOME", str(emulator.home))
    monkeypatch.setenv("LOCALCLOUD_BASE_PORT", str(emulator.base))
    aws.client.cache_clear()
    publisher = Publisher()
    publisher.add([_datum(), _datum("Latency"), _datum()])
    assert publisher.send() == []  # nobody answers
    emulator.start()
    try:
        assert len(publisher.send()) == 3
        assert publisher.send() == []
        too_old = _datum(minute=NOW - 30 * 86400)
        publisher.add([too_old, replace(_datum(), namespace="M")])
        assert [datum.namespace for datum in publisher.send()] == ["M"]  # what is refused holds nothing up
        assert publisher.send() == []
        point = _statistics("RequestCount")
        assert (point["SampleCount"], point["Sum"], point["Maximum"]) == (8, 16, 5)
        assert point["Timestamp"] == datetime.fromtimestamp(NOW, UTC)
        percentile = _statistics("Latency", ExtendedStatistics=["p99"])["ExtendedStatistics"]["p99"]
        assert 4 < percentile <= 5
    finally:
        aws.client.cache_clear()
        emulator.stop(signal.SIGKILL)


def _statistics(name: str, **asked: object) -> dict[str, object]:
    found = aws.client("cloudwatch", "us-east-1").get_metric_statistics(
        Namespace="N",
        MetricName=name,
        Dimensions=[{"Name": "A", "Value": "b"}],
        StartTime=datetime.fromtimestamp(NOW - 60, UTC),
        EndTime=datetime.fromtimestamp(NOW + 120, UTC),
        Period=60,
        **(asked or {"Statistics": ["SampleCount", "Sum", "Maximum"]}),
    )
    (point,) = found["Datapoints"]
    return dict(point)


def test_nobody_else_publishes_from_a_state_folder(home: Path) -> None:
    command = [sys.executable, "-m", "localcloud.metrics"]
    with subprocess.Popen(command, cwd=layout.REPOSITORY, stdout=subprocess.DEVNULL) as first:
        try:
            eventually((home / "metrics" / "lock").exists, within=30)
            time.sleep(0.2)
            second = subprocess.run(command, cwd=layout.REPOSITORY, capture_output=True, text=True, timeout=30)
            assert second.returncode == 1
            assert "already" in second.stderr
        finally:
            first.terminate()
        assert first.wait(20) == 0


def test_the_last_minute_is_what_people_see(home: Path) -> None:
    seen = latest.add(latest.Latest(), [_datum()], troubles={"rds-x": "OSError: refused"})
    seen = latest.add(seen, [_datum("Other")], troubles={})
    assert [line.name for line in seen.lines] == ["Other", "RequestCount"]
    assert latest.read() == seen
    text = latest.table(seen)
    assert "N  A=b" in text
    assert "(4 data points, 1 to 5)" in text
    newer = latest.add(seen, [_datum(minute=NOW + 60)], troubles={"rds-x": "refused"})
    assert [line.name for line in newer.lines] == ["RequestCount"]
    assert "rds-x: refused" in latest.table(newer)
