"""Processes of this local cloud that nobody supervises any more.

Every process we start carries a marker in its environment, so after a power cut or a `kill -9` of the supervisor its
orphans can be told from everything else on the machine: from a shell, too, in which somebody set LOCALCLOUD_HOME.
"""

from __future__ import annotations

import os
import signal

import psutil

from localcloud import layout


def find() -> list[psutil.Process]:
    """Processes whose environment names our state folder, this one and its ancestors excepted."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    home = str(layout.home())
    found = []
    for process in psutil.process_iter():
        if process.pid in mine:
            continue
        try:
            if process.environ().get(layout.MARKER) == home and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # gone meanwhile, or another user's
            continue
    return found


def end(processes: list[psutil.Process], *, patience: float = 15) -> list[psutil.Process]:
    """Ask the processes to stop, kill those still there after `patience` seconds; the ones that had to be killed."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    stubborn: list[psutil.Process]
    _, stubborn = psutil.wait_procs(processes, timeout=patience)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=5)
    return stubborn


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
