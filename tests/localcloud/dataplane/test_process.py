"""Server processes: started, restarted with back-off, taken over, never twice; and their logs."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localcloud import layout
from localcloud.dataplane import logs, paths
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.process import Server

from .conftest import eventually

pytestmark = pytest.mark.localcloud

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
FAIL = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]


@pytest.fixture
def server(state: Path) -> Iterator[Server]:
    found = Server(name="sleeper", patience=2)
    yield found
    found.stop()
    found.log.unlink(missing_ok=True)


def _running(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_server_has_its_own_process_group_and_a_bare_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for servers")
    assert server.ensure(SLEEP)
    assert not server.ensure(SLEEP)
    assert server.pid
    assert os.getpgid(server.pid) == server.pid
    environment = psutil.Process(server.pid).environ()
    assert environment[layout.MARKER] == str(layout.home())
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    eventually(lambda: server.log.read_text() == "up\n")
    assert server.log.stat().st_mode & 0o077 == 0


def test_a_killed_server_is_started_anew(server: Server) -> None:
    server.ensure(SLEEP)
    first = server.pid
    assert first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not server.alive())
    with pytest.raises(PartError, match="next try soon"):
        server.ensure(SLEEP)
    assert eventually(lambda: _started(server), within=2)
    assert server.pid != first
    assert server.restarts == 1


def _started(server: Server) -> bool:
    try:
        return server.ensure(SLEEP)
    except PartError:
        return False


def test_one_that_cannot_run_is_tried_less_and_less_often(server: Server) -> None:
    begun, starts = time.monotonic(), 0
    while time.monotonic() < begun + 1.2:
        try:
            starts += server.ensure(FAIL)
        except PartError as error:
            said = str(error)
        time.sleep(0.02)
    assert starts == 2
    assert "no such luck" in said


def test_the_next_data_plane_takes_it_over_or_replaces_it(server: Server) -> None:
    server.ensure(SLEEP)
    other = Server(name="sleeper", patience=2)
    assert not other.ensure(SLEEP)
    assert other.pid == server.pid
    third = Server(name="sleeper", patience=2)
    assert third.ensure([*SLEEP, "another argument"])
    assert not _running(other.pid)
    third.stop()
    assert not _running(third.pid)


def test_without_a_record_there_are_still_never_two(server: Server) -> None:
    server.ensure(SLEEP)
    first = server.pid
    (layout.folder("dataplane") / "sleeper.pid").unlink()
    other = Server(name="sleeper", patience=2)
    assert other.ensure(SLEEP)
    assert not _running(first)
    other.stop()


def test_one_that_ignores_the_signal_is_killed(state: Path) -> None:
    stubborn = Server(name="stubborn", patience=0.3)
    ignoring = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    stubborn.ensure([sys.executable, "-c", ignoring])
    eventually(lambda: stubborn.log.read_text() == "up\n")
    pid = stubborn.pid
    stubborn.stop()
    assert not _running(pid)


def test_long_logs_are_cut_and_one_copy_is_kept(state: Path) -> None:
    log = layout.folder("logs") / "long.log"
    with log.open("a") as file:
        file.write("first\n" * 100)
        file.flush()
        logs.rotate_all(most_bytes=100)
        file.write("second\n")
    assert log.read_text() == "second\n"
    assert (layout.folder("logs") / "long.log.1").read_text() == "first\n" * 100


def test_sockets_have_a_short_path_even_in_a_deep_folder(
    state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setenv("LOCALCLOUD_HOME", str(deep / "home"))
    folder = paths.sockets()
    assert len(str(folder)) < 91
    assert folder == paths.sockets()
    folder.chmod(0o755)
    with pytest.raises(PermissionError):
        paths.sockets()
    folder.rmdir()
