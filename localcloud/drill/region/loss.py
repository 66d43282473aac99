"""The loss of a region: all that runs there and all that is kept there, at once."""

from __future__ import annotations

import shutil
import signal
import time

import psutil

from localcloud import commands, layout, regions, strays, supervision
from localcloud.drill.faults import parts

_PATIENCE = 20.0
"""Seconds that killed processes have to be gone."""


def lose(region: str) -> tuple[float, list[psutil.Process]]:
    """The Unix time at which nothing of the region ran any more, and what was killed.

    Its endpoints refuse first, so that nothing is started there again; then every task and server is killed, with its
    logs on the way to the archive; then its data are deleted. The emulator's process is the other region's, too: it
    starts anew without the lost one.
    """
    found = _running()
    regions.lose(region)
    began = time.time()
    parts.send(found, signal.SIGKILL)
    moment = time.time()
    # What they had started in the meantime; supervisord's new children are none of them.
    found += [process for process in _running() if process not in found and process.create_time() < began]
    parts.send(found, signal.SIGKILL)
    psutil.wait_procs(found, timeout=_PATIENCE)
    for folder in (layout.folder("rds"), layout.folder("elasticache"), layout.folder("secrets", "elasticache")):
        shutil.rmtree(folder)
    for path in [
        *layout.folder("secrets", "rds").glob("*.json"),
        *layout.folder("dataplane", "snapshots").glob(f"{region}.*"),
    ]:
        path.unlink(missing_ok=True)
    supervision.restart("emulator")
    commands.wait_for_api(regions.standing()[0])
    return moment, found


def _running() -> list[psutil.Process]:
    """Tasks, servers, and what keeps them running, which supervisord starts again."""
    spared = {int((layout.home() / "supervisord.pid").read_text()), parts.program("emulator").pid}
    return [process for process in strays.find() if process.pid not in spared]
