"""Somebody who logged in while the first region served, and looks again when the second one does."""

from __future__ import annotations

import secrets

import httpx2

from localcloud import demo
from localcloud.demo import DemoUser

_API = "/api/v1/auth"


class Session:
    """A pair of tokens of an account of its own, made once and asked for nothing until the end."""

    def __init__(self, url: str) -> None:
        """Raises LocalCloudError or httpx2.HTTPError when nobody can log in."""
        self._url = url
        login = DemoUser(email=f"drill-{secrets.token_hex(4)}@example.com", password=secrets.token_urlsafe(12))
        demo.Client(url, login)  # registers
        with self._http() as http:
            answer = http.post(f"{_API}/login/", json={"email": login.email, "password": login.password})
            answer.raise_for_status()
            self._refresh = str(answer.json()["refresh"])

    def goes_on(self) -> bool:
        """Whether the tokens that were given then are taken now."""
        with self._http() as http:
            return http.post(f"{_API}/refresh/", json={"refresh": self._refresh}).status_code == 200

    def _http(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._url, verify=demo.trust(), timeout=30)
