"""The processes of the local cloud under supervisord: emulator, data plane, task runner, metrics.

The data plane and the runner supervise what they start themselves; supervisord sees to it that they live.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

from localcloud import layout
from localcloud.console import LocalCloudError

PROGRAMS = ("emulator", "dataplane", "runner", "metrics")

_CONFIGURATION = """\
[unix_http_server]
file = {socket}
chmod = 0600

[supervisord]
directory = {repository}
logfile = {logs}/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {home}/supervisord.pid
childlogdir = {logs}
umask = 077

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """
[program:{name}]
command = {python} -m localcloud.{name}
autorestart = true
startsecs = 1
startretries = 1000
stopsignal = TERM
stopwaitsecs = {patience}
stdout_logfile = {logs}/{name}.log
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
redirect_stderr = true
"""

# Runner before the data plane, so that tasks end while their database still answers; tasks may take up to their
# stopTimeout.
_PATIENCE = {"metrics": 10, "runner": 135, "dataplane": 30, "emulator": 15}


@dataclass(frozen=True, kw_only=True)
class ProgramState:
    """One supervised process: `state` is supervisord's word (RUNNING, BACKOFF, FATAL, …)."""

    name: str
    state: str
    pid: int
    description: str


def _socket() -> Path:
    return layout.folder() / "supervisor.sock"


def _server() -> xmlrpc.client.ServerProxy:
    transport = SupervisorTransport(None, None, serverurl=f"unix://{_socket()}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def running() -> bool:
    try:
        _server().supervisor.getState()
    except (OSError, xmlrpc.client.Error):
        return False
    return True


def start() -> None:
    """Start supervisord with its programs stopped or, where it runs already, do nothing.

    Raises LocalCloudError when it does not come up.
    """
    if running():
        return
    home, logs = layout.folder(), layout.folder("logs")
    _socket().unlink(missing_ok=True)
    text = _CONFIGURATION.format(socket=_socket(), repository=layout.REPOSITORY, logs=logs, home=home)
    for name in PROGRAMS:
        text += _PROGRAM.format(name=name, python=sys.executable, logs=logs, patience=_PATIENCE[name])
    configuration = home / "supervisord.conf"
    layout.write_private(configuration, text)
    started = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
        env=_environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if started.returncode:
        raise LocalCloudError(
            f"supervisord did not start: {started.stderr.strip()}", remedy=f"see {logs}/supervisord.log"
        )
    deadline = time.monotonic() + 10
    while not running():
        if time.monotonic() > deadline:
            raise LocalCloudError("supervisord does not answer", remedy=f"see {logs}/supervisord.log")
        time.sleep(0.05)


def _environment() -> dict[str, str]:
    """The supervisor's environment: the caller's, less what would steer the AWS SDK elsewhere."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    home = str(layout.home())
    return kept | {"LOCALCLOUD_HOME": home, "LOCALCLOUD_BASE_PORT": str(layout.ports().base), layout.MARKER: home}


def states() -> list[ProgramState]:
    """Every program and its state; empty when no supervisor runs."""
    if not running():
        return []
    rows = _server().supervisor.getAllProcessInfo()
    assert isinstance(rows, list)  # noqa: S101  (XML-RPC carries no types)
    return [
        ProgramState(name=r["name"], state=r["statename"], pid=r["pid"], description=r["description"]) for r in rows
    ]


def restart(program: str) -> None:
    """Stop a program in good order, and start it again. Raises xmlrpc.client.Fault."""
    server = _server()
    server.supervisor.stopProcess(program)
    server.supervisor.startProcess(program)


def stop() -> None:
    """Stop the programs, the last one first, then supervisord itself."""
    if not running():
        return
    server = _server()
    for name in reversed(PROGRAMS):
        try:
            server.supervisor.stopProcess(name)
        except xmlrpc.client.Fault:  # not running
            continue
    server.supervisor.shutdown()
    deadline = time.monotonic() + 15
    while running() and time.monotonic() < deadline:
        time.sleep(0.1)
