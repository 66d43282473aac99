"""Faults of what SpendSmart stands on and does not run itself: OpenAI, S3, Secrets Manager, KMS, credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from localcloud import demo, openai_server
from localcloud.drill.faults import openai, parts, pictures
from localcloud.drill.faults.fault import Scene
from localcloud.emulator import faults
from localcloud.emulator.faults import Rule
from localcloud.openai_server import Received, Reply

Behavior = Callable[[Received], Reply | None]


@dataclass
class OpenAIBehaves:
    """OpenAI answers like this."""

    behavior: Behavior

    def make(self, scene: Scene) -> None:
        scene.engine.behave = self.behavior

    def mend(self, scene: Scene) -> None:
        scene.engine.behave = lambda _request: None


def down(_request: Received) -> Reply:
    return openai.error(503, "server_error")


def limited(_request: Received) -> Reply:
    return openai.error(429, "rate_limit_exceeded", **{"Retry-After": "5"})


def nonsense(request: Received) -> Reply:
    """Billed, and no JSON where JSON was agreed."""
    del request
    return Reply(body=openai_server.answer(openai_server.text("Lovely weather today.")), billed=True)


def cut_off(_request: Received) -> Reply:
    """Billed, and the connection breaks in the middle of the answer."""
    return Reply(body=openai_server.fields(), billed=True, cut_after=80)


def slow(request: Received) -> Reply:
    """A good answer after twenty seconds."""
    number = pictures.number_of(request.picture)
    return Reply(
        body=openai_server.fields(purchased_on=pictures.day(number).isoformat()), billed=True, delay_seconds=20
    )


@dataclass
class ServiceFails:
    """Calls to an AWS service meet these errors, those of the application and of browsers alone."""

    rules: Sequence[Rule]

    def make(self, scene: Scene) -> None:  # noqa: ARG002
        faults.put(self.rules)

    def mend(self, scene: Scene) -> None:  # noqa: ARG002
        faults.put([])


@dataclass
class ObjectsVanish:
    """What was uploaded is deleted before the application is told of it."""

    def make(self, scene: Scene) -> None:
        s3, bucket = scene.platform.client("s3"), parts.bucket()
        scene.book.damage = lambda form, _image: s3.delete_object(Bucket=bucket, Key=form["fields"]["key"])

    def mend(self, scene: Scene) -> None:
        scene.book.damage = None


@dataclass
class ObjectsReplaced:
    """The same signed form is used a second time with another image of the same size."""

    def make(self, scene: Scene) -> None:
        trust = demo.trust()

        def replace(form: dict[str, Any], image: bytes) -> None:
            other = image[:-16] + bytes(reversed(image[-16:-12])) + image[-12:]
            files = {"file": ("receipt.png", other, "image/png")}
            httpx2.post(form["url"], data=form["fields"], files=files, verify=trust, timeout=15)

        scene.book.damage = replace

    def mend(self, scene: Scene) -> None:
        scene.book.damage = None


def wait_for(holds: Callable[[], bool], *, patience: float) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True
