from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from localcloud import layout


def test_a_resource_keeps_its_port(home: Path) -> None:
    first = layout.allocate_port("rds", "primary")
    assert layout.allocate_port("rds", "replica") != first
    assert layout.allocate_port("rds", "primary") == first


def test_a_released_port_is_given_out_again(home: Path) -> None:
    first = layout.allocate_port("task", "a")
    layout.release_port("task", "a")
    layout.release_port("task", "never taken")
    assert layout.allocate_port("task", "b") == first


def test_a_full_range_is_an_error_that_names_it(home: Path) -> None:
    for number in range(50):
        layout.allocate_port("rds", str(number))
    with pytest.raises(layout.PortsExhaustedError, match="all 50 local ports for rds"):
        layout.allocate_port("rds", "one too many")


def _allocate(name: str) -> int:
    return layout.allocate_port("task", name)


def test_processes_at_the_same_moment_get_different_ports(home: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as pool:
        taken = pool.map(_allocate, [str(number) for number in range(64)])
    assert len(set(taken)) == 64


def test_private_files_are_readable_by_their_owner_only(home: Path) -> None:
    path = layout.folder("secrets", "rds") / "primary.json"
    layout.write_private(path, "{}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home, home / "secrets", path.parent)} == {0o700}
    assert [entry.name for entry in path.parent.iterdir()] == ["primary.json"]


def test_all_ports_move_with_the_base(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = layout.ports()
    monkeypatch.setenv("LOCALCLOUD_BASE_PORT", "30000")
    after = layout.ports()
    assert after.api - before.api == after.cdn - before.cdn == 30000 - 24500
    assert after.listener(80) == 30080
    assert after.listener(12345) is None


def test_the_first_distribution_has_the_usual_port_as_long_as_it_is_there(home: Path) -> None:
    usual = layout.ports().cdn
    assert [layout.distribution_port(name) for name in ("E1", "E2", "E1")] == [usual, layout.ports().base + 200, usual]
    layout.release_distribution_port("E2")
    assert layout.distribution_port("E3") == layout.ports().base + 200
    layout.release_distribution_port("E1")
    assert layout.distribution_port("E4") == usual
