"""What a data folder begins with when it is a copy of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.dataplane.postgres.folder import DataFolder


@pytest.mark.usefixtures("state")
def test_a_copy_of_a_primary_does_not_wait_for_the_primarys_standby() -> None:
    """It has none of that name: its first commit would wait for ever."""
    primary, copied = DataFolder("primary"), DataFolder("copied")
    _brought_by_a_backup(primary.path)
    primary.set_synchronous('"primary.standby"')
    new = copied.path.with_name(".copied.new")
    _brought_by_a_backup(new)
    (new / "localcloud.standby.conf").write_text((primary.path / "localcloud.standby.conf").read_text())
    copied._finish(new)
    assert not (copied.path / "localcloud.standby.conf").exists()
    assert (copied.path / "postgresql.conf").exists()


def _brought_by_a_backup(folder: Path) -> None:
    folder.mkdir()
    (folder / "postgresql.conf").write_text("# as initdb wrote it\n")
