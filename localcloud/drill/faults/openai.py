"""OpenAI's place, taken by a server in the drill's own process: it reads the pictures' numbers, fails as it is told,
and keeps the bill."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from localcloud import layout, openai_server
from localcloud.drill.faults import pictures
from localcloud.drill.platform import Platform
from localcloud.ledger.check import Billed
from localcloud.openai_server import OpenAIServer, Received, Reply

SECRET = "OpenAiApiKey"  # noqa: S105 - its name
KEY = "sk-the-key-of-the-drill"


class Engine:
    """`behave` is asked first; what it returns is the answer. `keys` are the ones that are let in, all when empty."""

    def __init__(self, server: OpenAIServer) -> None:
        self.behave: Callable[[Received], Reply | None] = lambda _request: None
        self.keys: set[str] = set()
        self._server = server
        self._pictures: dict[str, str] = {}
        server.respond = self._answer

    def bill(self) -> list[Billed]:
        """Every call that was billed, and what tells its picture from all others."""
        return [
            Billed(call=call, model=str(line["model"]), picture=self._pictures[str(line["request_id"])])
            for call, line in dict(self._server.bill).items()
        ]

    @property
    def requests(self) -> int:
        return len(self._server.requests)

    def good(self, request: Received) -> Reply:
        """What a good model reads on the picture."""
        number = pictures.number_of(request.picture)
        day = pictures.day(number).isoformat() if number else openai_server.FIELDS["purchased_on"]
        return Reply(body=openai_server.fields(purchased_on=day), billed=True)

    def _answer(self, request: Received) -> Reply:
        if not request.path.startswith("/v1/responses"):
            return error(404, "not_found")
        self._pictures[request.request_id] = str(pictures.number_of(request.picture))
        if self.keys and request.authorization.removeprefix("Bearer ") not in self.keys:
            return error(401, "invalid_api_key")
        return self.behave(request) or self.good(request)


@contextlib.contextmanager
def in_place() -> Iterator[Engine]:
    """Answer in OpenAI's place, and let tasks that start from now on know the way."""
    with openai_server.serve(layout.ports().openai) as server:
        layout.write_private(layout.openai_server(), server.url)
        yield Engine(server)


def error(status: int, code: str, **headers: str) -> Reply:
    body = json.dumps({"error": {"message": "A drill.", "code": code}}).encode()
    return Reply(status=status, body=body, headers=headers)


def secret(platform: Platform) -> Any:
    """The id of the secret that holds the key; None where the environment has none."""
    pages = platform.client("secretsmanager").get_paginator("list_secrets").paginate()
    names = [one["Name"] for page in pages for one in page["SecretList"] if SECRET in one["Name"]]
    return names[0] if names else None
