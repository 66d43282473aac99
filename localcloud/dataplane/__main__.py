"""`python -m localcloud.dataplane`: keep the servers as the AWS API says until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading

from localcloud import layout
from localcloud.dataplane.controller import Controller


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.environ["LOCALCLOUD_HOME"] = str(layout.home())
    with (layout.folder("dataplane") / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another data plane runs in {layout.home()}", file=sys.stderr)
            return 1
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Controller().run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
