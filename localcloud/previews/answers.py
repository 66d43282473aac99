"""Which release a preview answers with, asked all the while that it is deployed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Self

import httpx2

from localcloud import demo
from previews.places import ACCESS_COOKIE

_PAUSE = 0.2
"""Seconds between two questions."""


class Answers:
    """`url` says whether it is ready, with its release in the header X-Release, for requests with `host`. `token` is
    asked for where the preview lets in nobody without one."""

    def __init__(self, url: str, *, host: str, token: Callable[[], str]) -> None:
        self.last = "nothing"
        self._url, self._token = url, token
        self._client = httpx2.Client(headers={"Host": host}, verify=demo.trust(), timeout=5)
        self._first: dict[str, float] = {}
        self._latest: dict[str, float] = {}
        self._before: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="answers", daemon=True)

    def __enter__(self) -> Self:
        self._note()
        self._before = next(iter(self._first), None)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # It is not waited for: its last question may be with a task of the version before, whose database is gone.
        self._over.set()

    def since(self, release: str, *, asked: float) -> float | None:
        """When the release first answered (Unix time); None while it has not. Of one that did so from the beginning,
        as it is deployed again, when it did after `asked`."""
        for said, first in list(self._first.items()):
            if release.startswith(said):
                latest = self._latest[said]
                return first if said != self._before else latest if latest > asked else None
        return None

    def _listen(self) -> None:
        try:
            while not self._over.wait(_PAUSE):
                self._note()
        finally:
            self._client.close()

    def _note(self) -> None:
        try:
            answer = self._client.get(self._url)
        except httpx2.HTTPError as error:
            self.last = str(error)
            return
        self.last = f"{answer.status_code} {answer.text[:200]}"
        if answer.status_code == HTTPStatus.FORBIDDEN:
            self._client.headers["Cookie"] = f"{ACCESS_COOKIE}={self._token()}"
        release = answer.headers.get("X-Release")
        if answer.status_code == HTTPStatus.OK and release:
            now = time.time()
            self._latest[release] = now
            self._first.setdefault(release, now)
