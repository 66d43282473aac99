"""Container health checks: `python healthcheck.py web|worker|beat|pgbouncer` exits 0 when healthy, else says why.

Standard library only, so that it starts in milliseconds. The task definitions call it every few seconds.
"""

import os
import socket
import struct
import sys
import time
from pathlib import Path

TIMEOUT_SECONDS = 3.0
HEARTBEAT_SECONDS = 60.0

# PostgreSQL's SSLRequest: the smallest message that makes a server of that protocol answer (one byte, S or N).
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class UnhealthyError(Exception):
    """Why the container is not healthy."""


def check_web() -> None:
    """GET /livez on the port the container serves."""
    with socket.create_connection(("127.0.0.1", int(_setting("PORT"))), TIMEOUT_SECONDS) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as answer:
            status = answer.readline().split()
    if len(status) < 2 or status[1] != b"200":
        raise UnhealthyError(f"/livez answered {b' '.join(status).decode('latin-1') or 'nothing'}")


def check_heartbeat() -> None:
    """The process touches the file while its loop turns; a file that stands still means it hangs."""
    path = Path(_setting("SCRATCH_DIR")) / "heartbeat"
    age = time.time() - path.stat().st_mtime
    if age > HEARTBEAT_SECONDS:
        raise UnhealthyError(f"{path} is {age:.0f} s old; at most {HEARTBEAT_SECONDS:.0f} s are healthy")


def check_pgbouncer() -> None:
    """PgBouncer accepts a connection and speaks PostgreSQL's protocol."""
    address = os.environ.get("PGBOUNCER_ADDRESS", "127.0.0.1")
    with socket.create_connection((address, int(_setting("PGBOUNCER_PORT"))), TIMEOUT_SECONDS) as connection:
        connection.sendall(_SSL_REQUEST)
        answer = connection.recv(1)
    if answer not in (b"S", b"N"):
        raise UnhealthyError("the port is open, but what listens there is not PgBouncer")


def _setting(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UnhealthyError(f"the environment variable {name} is not set")
    return value


CHECKS = {
    "web": check_web,
    "worker": check_heartbeat,
    "beat": check_heartbeat,
    "pgbouncer": check_pgbouncer,
}


def main(arguments: list[str]) -> int:
    """0 healthy, 1 not, 2 misused."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(f"usage: healthcheck.py {'|'.join(CHECKS)}", file=sys.stderr)
        return 2
    try:
        CHECKS[arguments[0]]()
    except (UnhealthyError, OSError, ValueError) as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
