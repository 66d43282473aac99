"""What a test asks of one release, run in its app_src by a process of its own: `python in_a_release.py WHAT JSON`.

Works in both releases, and prints its answer as JSON on the last line.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

import django

django.setup()

SAMPLES = {
    "merchant": "Lidl",
    "address": "Main Street 1",
    "purchased_on": "2026-03-05",
    "currency": "EUR",
    "subtotal": "9.00",
    "tax": "1.00",
    "tax_lines": [{"rate": "7", "net": "9.00", "amount": "1.00"}],
    "tip": "0.50",
    "total": "10.50",
    "payment": "card",
    "items": [
        {"description": "Milk", "quantity": "2", "unit_price": "4.50", "price": "9.00", "box": [0.1, 0.2, 0.3, 0.4]}
    ],
    "category": "groceries",
    "confidence": {"total": 0.9},
    "boxes": {"total": [0.1, 0.2, 0.3, 0.4]},
    "engine": "local",
    "text": "Lidl",
    "needs_review": ["Look."],
}
"""A value for every field of an extraction."""


def tasks() -> dict[str, list[list[Any]]]:
    """Of every task the parameters: name, kind, and whether there is a default."""
    return {
        name: [[one.name, int(one.kind), one.default is not one.empty] for one in _parameters(task)]
        for name, task in _celery().tasks.items()
        if not name.startswith("celery.")
    }


def scheduled() -> list[str]:
    """The tasks that beat sends."""
    return [entry["task"] for entry in _celery().conf.beat_schedule.values()]


def send(calls: list[list[Any]]) -> None:
    """Send messages: name, arguments, queue."""
    for name, arguments, queue in calls:
        _celery().tasks[name].apply_async(arguments, queue=queue)


def extraction() -> dict[str, Any]:
    """An extraction with every field that the release has, as it is kept."""
    from extraction import Extraction

    missing = Extraction.model_fields.keys() - SAMPLES.keys()
    assert not missing, f"give samples of {missing}"
    known = {name: value for name, value in SAMPLES.items() if name in Extraction.model_fields}
    return Extraction.model_validate(known).model_dump(mode="json")


def read(kept: dict[str, Any]) -> dict[str, Any]:
    """What the release makes of an extraction that was kept."""
    from extraction import Extraction

    return Extraction.model_validate(kept).model_dump(mode="json")


def use(email: str) -> dict[str, int]:
    """Go through what leaves something in the cache and the broker's server, and meets what is there; the statuses."""
    from django.test import Client

    client, answers = Client(), {}

    def ask(what: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json", **headers)
        answers[what] = answer.status_code
        return answer

    login = {"email": email, "password": "a long enough password"}
    client.post("/api/v1/auth/register/", login, content_type="application/json")
    ask("wrong password", "post", "auth/login/", {**login, "password": "a wrong one"})
    token = ask("login", "post", "auth/login/", login).json()["access"]
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    ask("announce", "post", "receipts/", {"content_type": "image/png", "size": 100}, **bearer)
    ask("list", "get", "receipts/", **bearer)
    ask("month", "get", "analytics/month/", **bearer)
    ask("month again", "get", "analytics/month/", **bearer)
    return answers


def log_in(email: str) -> dict[str, str]:
    """The two tokens of somebody new."""
    from accounts import tokens
    from accounts.models import User

    pair = tokens.begin(User.objects.create_user(email))
    return {"access": pair.access, "refresh": pair.refresh}


def go_on(pair: dict[str, str]) -> list[int]:
    """Use an access token, and exchange its refresh token; the statuses."""
    from django.test import Client

    seen = Client().get("/api/v1/receipts/", HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    body = {"refresh": pair["refresh"]}
    return [seen.status_code, Client().post("/api/v1/auth/refresh/", body, "application/json").status_code]


def limit(call: str) -> list[Any]:
    """Ask limiter and breaker for a turn, take it, and say how it went; None from a release that has neither."""
    if not Path("openai_gateway").exists():
        return []
    from openai_gateway import breaker, limiter

    said = [breaker.allow(call), limiter.acquire(call, user=None, waiter=call, tokens=10), limiter.stamp(call)]
    limiter.correct(call, tokens=5)
    return [*said, breaker.record(call, failed=False, seconds=1.0)]


def _parameters(task: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(task.run).parameters.values())


def _celery() -> Any:
    from spendsmart.celery import app

    app.finalize()
    app.loader.import_default_modules()
    return app


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*json.loads(sys.argv[2]))))
