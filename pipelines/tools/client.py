"""SpendSmart's API as any client calls it."""

from __future__ import annotations

import os
import secrets
import ssl
import time
from pathlib import Path
from typing import Any

import httpx2

RECEIPT = Path(__file__).resolve().parents[2] / "docs" / "demo-receipt.png"
RECEIPT_TOTAL = "17.17"
FINAL = {"extracted", "needs_review", "failed", "rejected"}


class UnexpectedAnswerError(Exception):
    """An answer that was not hoped for."""


class Client:
    """One HTTP client; `STAGE_CA` names a certificate authority to trust beside the system's."""

    def __init__(self, url: str) -> None:
        trust = ssl.create_default_context()
        if authority := os.environ.get("STAGE_CA"):
            trust.load_verify_locations(cafile=authority)
        self._trust = trust
        self.http = httpx2.Client(base_url=url, verify=trust, timeout=30, follow_redirects=True)

    def page(self, path: str) -> str:
        """The text of a page. Raises UnexpectedAnswerError unless it answers 200."""
        return str(expect(self.http.get(path), 200).text)

    def register(self) -> None:
        """Become a user that nobody knows, for this run alone."""
        login = {
            "email": f"smoke-{secrets.token_hex(8)}@example.com",
            "password": secrets.token_urlsafe(24),
        }
        expect(self.http.post("/api/v1/auth/register/", json=login), 201)
        answer = expect(self.http.post("/api/v1/auth/login/", json=login), 200)
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access']}"

    def upload(self, image: Path = RECEIPT) -> str:
        """Announce a receipt, send its image straight to S3, say that it is there; the receipt's id."""
        body = image.read_bytes()
        announced = {"content_type": "image/png", "size": len(body)}
        created = expect(self.http.post("/api/v1/receipts/", json=announced), 201).json()
        form = created["upload"]
        files = {"file": (image.name, body, "image/png")}
        expect(
            httpx2.post(form["url"], data=form["fields"], files=files, verify=self._trust, timeout=30), 200, 201, 204
        )
        expect(self.http.post(f"/api/v1/receipts/{created['id']}/complete/"), 200, 202)
        return str(created["id"])

    def wait(self, receipt: str, *, patience: float) -> dict[str, Any]:
        """The receipt in a final state. Raises UnexpectedAnswerError when `patience` seconds were not enough."""
        deadline = time.monotonic() + patience
        while True:
            seen: dict[str, Any] = expect(self.http.get(f"/api/v1/receipts/{receipt}/"), 200).json()
            if seen["state"] in FINAL:
                return seen
            if time.monotonic() > deadline:
                raise UnexpectedAnswerError(f"the receipt is still {seen['state']} after {patience:.0f} s")
            time.sleep(1)

    def delete(self, receipt: str) -> None:
        expect(self.http.delete(f"/api/v1/receipts/{receipt}/"), 204)


def expect(answer: httpx2.Response, *codes: int) -> httpx2.Response:
    """The answer. Raises UnexpectedAnswerError when its status is none of `codes`."""
    if answer.status_code not in codes:
        request = answer.request
        raise UnexpectedAnswerError(
            f"{request.method} {request.url} answered {answer.status_code}: {answer.text[:300]}"
        )
    return answer
