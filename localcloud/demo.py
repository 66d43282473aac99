"""One receipt goes the whole way, by the same HTTP calls that any client makes."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from localcloud import layout, tls
from localcloud.console import LocalCloudError

RECEIPT = layout.REPOSITORY / "docs" / "demo-receipt.png"
FINAL = {"extracted", "needs_review", "failed", "rejected"}
PATIENCE = 90
"""Seconds from upload to a final state; a first receipt also loads the recognition models."""


@dataclass(frozen=True, kw_only=True)
class DemoUser:
    email: str
    password: str


def user() -> DemoUser:
    """The demo login: made once, kept where only its owner reads it."""
    path = layout.folder("secrets") / "demo.json"
    if not path.exists():
        made = {"email": "demo@example.com", "password": secrets.token_urlsafe(12)}
        layout.write_private(path, json.dumps(made))
    return DemoUser(**json.loads(path.read_text()))


def trust() -> ssl.SSLContext:
    """Trust in the local cloud's own authority, and in no other."""
    return ssl.create_default_context(cafile=str(tls.material().authority))


class Client:
    """A client of SpendSmart's API, logged in as one user. `host` is whom `url` is asked for, where it is not its
    own: the resolver of this machine need not know the names of previews. `cookie` is what lets in, where it takes
    one."""

    def __init__(self, url: str, login: DemoUser, *, host: str | None = None, cookie: str | None = None) -> None:
        headers = {name: value for name, value in (("Host", host), ("Cookie", cookie)) if value}
        # Uploads go to the local cloud's S3, whose certificate our own authority signed.
        self._http = httpx2.Client(base_url=url, headers=headers, verify=trust(), timeout=30)
        self._login(login)

    def _login(self, login: DemoUser) -> None:
        credentials = {"email": login.email, "password": login.password}
        answer = self._http.post("/api/v1/auth/login/", json=credentials)
        if answer.status_code == 401:
            _expect(self._http.post("/api/v1/auth/register/", json=credentials), 201)
            answer = self._http.post("/api/v1/auth/login/", json=credentials)
        self._http.headers["Authorization"] = f"Bearer {_expect(answer, 200)['access']}"

    def raw(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Any call, whatever the answer."""
        return self._http.request(method, path, **arguments)

    def get(self, path: str) -> Any:
        return _expect(self._http.get(path), 200)

    def receipts(self) -> list[dict[str, Any]]:
        """All of the user's receipts, page by page."""
        found: list[dict[str, Any]] = []
        path: str | None = "/api/v1/receipts/"
        while path:
            page = self.get(path)
            found += page["results"]
            path = page["next"]
        return found

    def create(self, *, content_type: str, size: int) -> dict[str, Any]:
        """Announce a receipt: its id, and the presigned form for its image of `size` bytes."""
        made: dict[str, Any] = _expect(
            self._http.post("/api/v1/receipts/", json={"content_type": content_type, "size": size}), 201
        )
        return made

    def upload(self, image: Path, *, content_type: str) -> str:
        """Create a receipt, send the image straight to S3, say that it is there; the receipt's id."""
        body = image.read_bytes()
        created = self.create(content_type=content_type, size=len(body))
        self.store(created["upload"], body, name=image.name, content_type=content_type)
        self.complete(created["id"])
        return str(created["id"])

    def store(self, form: dict[str, Any], body: bytes, *, name: str, content_type: str) -> None:
        """Send an image to S3 by a presigned form. Raises LocalCloudError when S3 refuses it."""
        stored = httpx2.post(
            form["url"],
            data=form["fields"],
            files={"file": (name, body, content_type)},
            verify=trust(),
            timeout=30,
        )
        if stored.status_code not in (200, 201, 204):
            raise LocalCloudError(f"S3 refused the upload: {stored.status_code} {stored.text[:500]}")

    def complete(self, receipt: str) -> None:
        """Say that the image is there."""
        _expect(self._http.post(f"/api/v1/receipts/{receipt}/complete/"), 200, 202)

    def wait(self, receipt: str, *, patience: float = PATIENCE) -> dict[str, Any]:
        """The receipt once it is in a final state. Raises LocalCloudError when `patience` seconds were not enough."""
        deadline = time.monotonic() + patience
        while True:
            seen: dict[str, Any] = self.get(f"/api/v1/receipts/{receipt}/")
            if seen["state"] in FINAL:
                return seen
            if time.monotonic() > deadline:
                raise LocalCloudError(
                    f"the receipt is still {seen['state']} after {patience:.0f} s", remedy="run: make status"
                )
            time.sleep(0.3)


def _expect(answer: httpx2.Response, *codes: int) -> Any:
    if answer.status_code not in codes:
        raise LocalCloudError(
            f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text[:500]}",
            remedy="run: make status, then make logs PART=web",
        )
    return answer.json() if answer.content else None
