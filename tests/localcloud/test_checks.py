from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from localcloud import checks, layout
from localcloud.console import LocalCloudError


def test_this_machine_passes(home: Path) -> None:
    checks.machine()
    checks.ports_free()


def test_a_taken_port_names_its_owner_and_a_way_on(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", layout.ports().api))
        taken.listen()
        with pytest.raises(LocalCloudError) as refusal:
            checks.ports_free()
    assert f"port {layout.ports().api}" in str(refusal.value)
    assert f"(process {os.getpid()})" in str(refusal.value)
    assert "LOCALCLOUD_BASE_PORT=25500 make up" in refusal.value.remedy


def test_ports_that_outgoing_connections_get_are_warned_of(home: Path, tmp_path: Path) -> None:
    given_out = tmp_path / "range"
    given_out.write_text("32768\t60999\n")
    assert checks.port_notice(given_out=given_out) == ""
    given_out.write_text("24999 60999\n")
    assert "24500 to 24999" in checks.port_notice(given_out=given_out)
    assert "below 24500" in checks.port_notice(given_out=given_out)


def test_too_little_memory_is_refused_with_both_figures(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "NEEDED_MEMORY", 2**60)
    with pytest.raises(LocalCloudError, match=r"GiB of memory are available, 1073741824 GiB are needed"):
        checks.machine()


def test_a_missing_program_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localcloud.checks.shutil.which", lambda name, **_: None if name == "pgbouncer" else name)
    with pytest.raises(LocalCloudError, match="not installed: pgbouncer"):
        checks.machine()


def test_a_state_folder_too_deep_for_unix_sockets_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / ("d" * 90)))
    with pytest.raises(LocalCloudError, match="too long for Unix sockets"):
        checks.machine()
