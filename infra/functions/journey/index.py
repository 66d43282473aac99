"""The synthetic user: logs in, uploads a receipt, waits until it is read, looks at the month, and tidies up.

Publishes JourneySucceeded (1 or 0) and the seconds of each step. The picture is the same each time, so that OpenAI is
asked, and paid, for it once.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from .client import Client, StepFailedError

PICTURE = Path(__file__).with_name("receipt.png")
TYPE = "image/png"
READ = {"extracted", "needs_review"}
ENDED = READ | {"failed", "rejected"}
PAUSE_SECONDS = 1.0


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    took: dict[str, float] = {}
    failed = ""
    journey = Journey(Client(os.environ["SITE_URL"]), patience=float(os.environ["PATIENCE_SECONDS"]))
    for name, step in journey.steps():
        began = time.monotonic()
        try:
            step()
        except (StepFailedError, OSError) as error:
            failed = f"{name}: {error}"
            break
        finally:
            took[name] = time.monotonic() - began
    _publish(took, succeeded=not failed)
    print(
        json.dumps(
            {"level": "error" if failed else "info", "event": "failed" if failed else "done", "why": failed, **took}
        )
    )
    return {"failed": failed, "seconds": took}


class Journey:
    """One walk. What an earlier one left behind is deleted first."""

    def __init__(self, client: Client, *, patience: float) -> None:
        self._client, self._patience = client, patience
        self._receipt = ""

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("login", self._login),
            ("upload", self._upload),
            ("read", self._wait),
            ("analytics", self._look),
            ("tidy", self._tidy),
        ]

    def _login(self) -> None:
        login = json.loads(
            boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["LOGIN_SECRET"])["SecretString"]
        )
        credentials = {"email": login["email"], "password": login["password"]}
        answer = self._client.ask("POST", "/api/v1/auth/login/", credentials, accepted=(200, 401))
        if answer.status == 401:  # the first walk of all
            self._client.ask("POST", "/api/v1/auth/register/", credentials, accepted=(201,))
            answer = self._client.ask("POST", "/api/v1/auth/login/", credentials)
        self._client.token = answer.body["access"]
        for left in self._client.ask("GET", "/api/v1/receipts/").body["results"]:
            self._client.ask("DELETE", f"/api/v1/receipts/{left['id']}/", accepted=(204, 404))

    def _upload(self) -> None:
        picture = PICTURE.read_bytes()
        made = self._client.ask(
            "POST", "/api/v1/receipts/", {"content_type": TYPE, "size": len(picture)}, accepted=(201,)
        )
        self._client.send_form(made.body["upload"], picture, content_type=TYPE)
        self._receipt = made.body["id"]
        self._client.ask("POST", f"/api/v1/receipts/{self._receipt}/complete/", accepted=(200, 202))

    def _wait(self) -> None:
        until = time.monotonic() + self._patience
        while True:
            state = self._client.ask("GET", f"/api/v1/receipts/{self._receipt}/").body["state"]
            if state in ENDED:
                break
            if time.monotonic() > until:
                raise StepFailedError(f"still {state} after {self._patience:g} s")
            time.sleep(PAUSE_SECONDS)
        if state not in READ:
            raise StepFailedError(f"the receipt is {state}")

    def _look(self) -> None:
        if not self._client.ask("GET", "/api/v1/analytics/month/").body["results"]:
            raise StepFailedError("a receipt was read, and the months are empty")

    def _tidy(self) -> None:
        self._client.ask("DELETE", f"/api/v1/receipts/{self._receipt}/", accepted=(204,))
        self._client.ask("POST", "/api/v1/auth/logout-everywhere/", accepted=(200, 204))


def _publish(took: dict[str, float], *, succeeded: bool) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=os.environ["NAMESPACE"],
        MetricData=[
            {"MetricName": "JourneySucceeded", "Value": float(succeeded), "Unit": "Count"},
            *(
                {
                    "MetricName": "JourneySeconds",
                    "Dimensions": [{"Name": "Step", "Value": step}],
                    "Value": seconds,
                    "Unit": "Seconds",
                }
                for step, seconds in took.items()
            ),
        ],
    )
