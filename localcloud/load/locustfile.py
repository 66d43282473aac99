"""What a person's client asks for, for locust: it runs in an environment of its own (`scripts/load-tools`).

LOAD_ACCOUNTS is a file of logins, each with an access token and the id of a receipt. Requests are drawn by what people
do most; nobody pauses, so that as many are under way as there are users.
"""
# mypy: ignore-errors

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

from locust import FastHttpUser, constant, task

_ACCOUNTS = itertools.cycle(json.loads(Path(os.environ["LOAD_ACCOUNTS"]).read_text()))
_API = "/api/v1"


class Person(FastHttpUser):
    wait_time = constant(0)
    connection_timeout = network_timeout = 20

    def on_start(self) -> None:
        self.account = dict(next(_ACCOUNTS))

    @task(5)
    def list_receipts(self) -> None:
        self._get("/receipts/", "list")

    @task(4)
    def poll(self) -> None:
        self._get(f"/receipts/{self.account['receipt']}/", "one receipt")

    @task(2)
    def spending(self) -> None:
        self._get("/analytics/month/", "spending by month")

    @task(1)
    def announce(self) -> None:
        announced = {"content_type": "image/png", "size": 1000}
        self.client.post(f"{_API}/receipts/", json=announced, headers=self._headers(), name="announce")

    def _get(self, path: str, name: str) -> None:
        with self.client.get(f"{_API}{path}", headers=self._headers(), name=name, catch_response=True) as answer:
            if answer.status_code == 401:  # tokens live for ten minutes
                self._log_in()
                answer.success()

    def _log_in(self) -> None:
        login = {"email": self.account["email"], "password": self.account["password"]}
        answer = self.client.post(f"{_API}/auth/login/", json=login, name="log in")
        if answer.status_code == 200:
            self.account["access"] = answer.json()["access"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account['access']}"}
