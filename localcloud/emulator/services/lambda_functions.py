"""Lambda: functions find a load balancer's listeners where they are on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ministack.core import lambda_runtime

from localcloud import layout
from localcloud.emulator.corrections import replace

_LISTENER = re.compile(r"(https?://localhost):(\d+)")


def install() -> None:
    stock = lambda_runtime.Worker._spawn

    def spawn(worker: Any) -> Any:
        given = worker.config
        variables = (given.get("Environment") or {}).get("Variables") or {}
        worker.config = {**given, "Environment": {"Variables": translated(variables)}}
        try:
            return stock(worker)
        finally:
            worker.config = given

    replace(lambda_runtime.Worker, "_spawn", spawn)


def translated(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables with addresses of listeners as they are on this machine, as tasks get theirs (docs/adr/0001).

    Only a value that is exactly such an address is replaced, never a part of a value.
    """
    return {name: _translated(value) for name, value in variables.items()}


def _translated(value: str) -> str:
    found = _LISTENER.fullmatch(value)
    port = layout.ports().listener(int(found[2])) if found else None
    return f"{found[1]}:{port}" if found and port else value
