"""`python -m localcloud.runner`: run the deployed tasks until stopped. RUNTIME=docker runs them in containers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.runner import leftovers
from localcloud.runner.containers import Containers, DockerMissingError
from localcloud.runner.launch import Runtime
from localcloud.runner.processes import Processes
from localcloud.runner.runner import QUIET_PAUSE, Runner, disown_status

log = logging.getLogger("runner")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    os.umask(0o077)
    try:
        runtime = _runtime(os.environ.get("RUNTIME") or "process")
    except (ValueError, DockerMissingError) as error:
        log.error("%s", error)
        return 1
    disown_status()
    ended = leftovers.clear(runtime)
    if ended:
        log.warning("ended %d processes that an earlier runner left", ended)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    runner = Runner(runtime)
    pause = 0.0
    while not stopping.wait(pause):
        try:
            pause = runner.turn()
        except (ClientError, BotoCoreError, OSError) as error:
            # Tasks outlive the control plane; they are looked at again when it answers.
            log.warning("the AWS API does not answer: %s", error)
            pause = QUIET_PAUSE
        except Exception:
            # One odd record must not take the tasks of all services with it.
            log.exception("this turn failed")
            pause = QUIET_PAUSE
    runner.stop()
    return 0


def _runtime(name: str) -> Runtime:
    match name:
        case "process":
            return Processes()
        case "docker":
            return Containers()
    raise ValueError(f"RUNTIME is {name!r}; accepted: process, docker")


if __name__ == "__main__":
    sys.exit(main())
