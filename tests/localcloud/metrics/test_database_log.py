"""PostgreSQL's log on its way to CloudWatch Logs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import aws
from localcloud.dataplane import paths
from localcloud.metrics.rds import Instance
from localcloud.metrics.sources.database_log import DatabaseLog, Entry, entries
from tests.localcloud.dataplane.conftest import BASE_PORT
from tests.localcloud.emulator.support import Emulator

BEGIN = "2026-11-28 07:24:37 UTC:127.0.0.1(1):app@shop:[77]:"
MOMENT = 1795850677000
DEADLOCK = [f"{BEGIN}ERROR:  deadlock detected\n", f"{BEGIN}DETAIL:  Process 1 waits\n", "\tProcess 2 waits\n"]
GROUP = "/aws/rds/instance/main/postgresql"


def test_an_entry_has_all_its_lines() -> None:
    found = list(entries(iter(["initdb: words before there is a prefix\n", *DEADLOCK])))
    assert found == [
        Entry(moment=MOMENT, text=f"{BEGIN}ERROR:  deadlock detected"),
        Entry(moment=MOMENT, text=f"{BEGIN}DETAIL:  Process 1 waits\n\tProcess 2 waits"),
    ]


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    made = Emulator(home=tmp_path / "home", base=BASE_PORT)
    monkeypatch.setenv("LOCALCLOUD_HOME", str(made.home))
    monkeypatch.setenv("LOCALCLOUD_BASE_PORT", str(made.base))
    aws.client.cache_clear()
    made.start()
    yield made
    made.stop(signal.SIGKILL)
    aws.client.cache_clear()


def _messages() -> list[str]:
    found = aws.client("logs", "us-east-1").get_log_events(
        logGroupName=GROUP, logStreamName="main.0", startFromHead=True
    )
    return [event["message"].removeprefix(BEGIN) for event in found["events"]]


@pytest.mark.localcloud
def test_what_is_new_is_sent_once(emulator: Emulator) -> None:
    log = paths.log("rds-main")

    def write(*lines: str) -> None:
        with log.open("a") as file:
            file.writelines(lines)

    def export() -> DatabaseLog:
        return DatabaseLog(Instance(identifier="main", region="us-east-1", instance_class=None, storage=0))

    first = export()
    first.sample()  # no log yet
    write(*DEADLOCK, f"{BEGIN}LOG:  half a li")
    first.sample()
    assert _messages() == ["ERROR:  deadlock detected", "DETAIL:  Process 1 waits\n\tProcess 2 waits"]
    write("ne\n")
    second = export()
    second.sample()
    second.sample()
    assert _messages()[2:] == ["LOG:  half a line"]
    log.write_text("")  # as the data plane keeps it short
    write(f"{BEGIN}LOG:  anew\n")
    second.sample()
    assert _messages()[3:] == ["LOG:  anew"]
