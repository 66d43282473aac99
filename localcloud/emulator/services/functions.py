"""Lambda: functions reach a load balancer at the port where it listens here.

Their environment is translated as a task's is (docs/adr/0001): in an address of a load balancer, which is `localhost`
in the local cloud, a listener's port becomes the local one. Nothing else is.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ministack.core import lambda_runtime

from localcloud import layout
from localcloud.emulator.corrections import replace

_USUAL = {"http": 80, "https": 443}


def install() -> None:
    stock = lambda_runtime.Worker._spawn

    def spawn(self: Any) -> Any:
        variables = (self.config.get("Environment") or {}).get("Variables") or {}
        translated = {name: translate(value) for name, value in variables.items()}
        self.config = {**self.config, "Environment": {"Variables": translated}}
        return stock(self)

    replace(lambda_runtime.Worker, "_spawn", spawn)


def translate(value: str) -> str:
    """`http://localhost/login` as it is reached here; any other value as it is."""
    if not value.startswith(("http://localhost", "https://localhost")):
        return value
    url = urlsplit(value)
    if url.hostname != "localhost":
        return value
    port = layout.ports().listener(url.port or _USUAL[url.scheme])
    return url._replace(netloc=f"localhost:{port}").geturl() if port else value
