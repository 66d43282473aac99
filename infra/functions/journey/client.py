"""SpendSmart's API, and S3's upload form, with the standard library alone."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

SECONDS = 20.0


class StepFailedError(Exception):
    """The platform answered, and not as it should."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: Any


class Client:
    """Calls with the token, once there is one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.token = ""

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, accepted: tuple[int, ...] = (200,)
    ) -> Answer:
        """Raises StepFailedError for a status that is not accepted, OSError without an answer."""
        headers = {"Content-Type": "application/json", "User-Agent": "spendsmart-journey"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        status, content = _send(method, self._url + path, data, headers)
        if status not in accepted:
            raise StepFailedError(f"{method} {path} answered {status}")
        return Answer(status=status, body=json.loads(content) if content else None)

    def send_form(self, form: dict[str, Any], file: bytes, *, content_type: str) -> None:
        """What a browser sends to S3: the form's fields, then the file. Raises as `ask` does."""
        border = secrets.token_hex(16)
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in form["fields"].items()
        ]
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="receipt"\r\n'
        parts += [f"{head}Content-Type: {content_type}\r\n\r\n".encode(), file, f"\r\n--{border}--\r\n".encode()]
        headers = {"Content-Type": f"multipart/form-data; boundary={border}"}
        status, _ = _send("POST", form["url"], b"".join(parts), headers)
        if status not in (200, 201, 204):
            raise StepFailedError(f"S3 answered {status} to the upload")


def _send(method: str, url: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310  (our own addresses)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
