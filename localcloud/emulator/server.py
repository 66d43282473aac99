"""MiniStack in this process, on one TLS port of the loopback interface and nowhere else."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack_app

from localcloud import layout
from localcloud.emulator import ecs_report_calls, faults, handlers, lost_regions, persistence
from localcloud.emulator.service_deployments.driver import driver
from localcloud.emulator.services import cloudwatch

_log = logging.getLogger("localcloud.emulator")

_FAREWELL_SECONDS = 1.5

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# MiniStack's own administration is not authenticated: anyone on this machine could wipe everything.
_FORBIDDEN = ("/_ministack/reset", "/_ministack/config", "/_localstack/", "/_ministack/lambda-code")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application: our report calls, MiniStack for everything else."""
    path = scope.get("path", "")
    if scope["type"] == "lifespan":
        await ministack_app.app(scope, receive, _starting_to_save(send))
    elif path.startswith(ecs_report_calls.PATH_PREFIX):
        await ecs_report_calls.answer(scope, receive, send)
    elif path.startswith(_FORBIDDEN):
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b"not available in the local cloud\n"})
    elif scope["type"] == "http" and lost_regions.refuses(scope):
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": lost_regions.ANSWER})
    elif scope["type"] == "http" and (rule := faults.found(scope)):
        await _fail(rule, scope, receive, send)
    else:
        await ministack_app.app(scope, receive, send)


async def _fail(rule: faults.Rule, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer late, or with an error, as a drill wants it."""
    await asyncio.sleep(rule.delay)
    if not rule.status:
        await ministack_app.app(scope, receive, send)
        return
    while (await receive()).get("more_body"):  # a client that is still sending does not read
        continue
    body, content_type = faults.body(rule)
    await send({"type": "http.response.start", "status": rule.status, "headers": [(b"content-type", content_type)]})
    await send({"type": "http.response.body", "body": body})


def _starting_to_save(send: Send) -> Send:
    """What was saved is read during the start: saving before its end would write an empty state over it."""

    async def told(message: Any) -> None:
        if message["type"] == "lifespan.startup.complete":
            persistence.saver.start()
            driver.start()
            cloudwatch.service().start()
        await send(message)

    return told


def run() -> int:
    """Serve until SIGTERM or SIGINT. Returns the process's exit code."""
    port = layout.ports().api
    taken = _port_problem(port)
    if taken:
        print(taken, file=sys.stderr)
        return 1
    _raise_file_limit()
    handlers.install()
    persistence.install()
    asyncio.run(_serve(port))
    return 0


async def _serve(port: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    config = Config()
    # One address: MiniStack's own start adds 127.0.0.1:443 when it serves TLS.
    config.bind = [f"{layout.LOOPBACK}:{port}"]
    config.certfile = os.environ["MINISTACK_SSL_CERT"]
    config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = os.environ["LOG_LEVEL"]

    serving = asyncio.ensure_future(serve(application, config, shutdown_trigger=stopping.wait))  # type: ignore[arg-type]
    stop = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.is_set():
        serving.result()
    await asyncio.wait({serving}, timeout=_FAREWELL_SECONDS)
    cloudwatch.service().stop()
    persistence.saver.stop()
    # An orderly end would wait for deployments that wait for tasks, and for clients to close their connections.
    os._exit(0)


def _port_problem(port: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((layout.LOOPBACK, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return (
                f"port {port} is taken by another program: stop it, or set LOCALCLOUD_BASE_PORT "
                f"(now {layout.ports().base}) to another number"
            )
    return None


def _raise_file_limit() -> None:
    """Every open connection is a file: use what the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
