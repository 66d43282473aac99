"""Hooks of schemathesis for `test_schema_fuzz.py`: who asks, and from where. It runs in schemathesis' own process."""

from __future__ import annotations

import json
import os
import random
from typing import Any
from uuid import uuid4

import django

django.setup()

import schemathesis  # noqa: E402
from schemathesis.generation.meta import TestPhase  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.jwt import AccessToken  # noqa: E402
from accounts.models import User  # noqa: E402

PASSWORD = "correct horse battery"
ENDS_SESSIONS = ("/logout-everywhere/", "/sessions/{id}/", "/password/")
"""Asked by somebody of their own, or the first such call would leave everything after it unauthorized."""


def _whose(case: Any, _context: Any) -> str:
    return "leaving" if case.operation.path.endswith(ENDS_SESSIONS) else "staying"


@schemathesis.auth(refresh_interval=60, cache_by_key=_whose)
class Login:
    def get(self, case: Any, context: Any) -> str:
        return token(_whose(case, context))

    def set(self, case: Any, data: str, _context: Any) -> None:
        # Its own sessions end now and then: a new one for each call.
        access = token("leaving") if _whose(case, None) == "leaving" else data
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {access}"}


def token(who: str) -> str:
    return tokens.begin(User.objects.get(email=f"{who}@example.com")).access


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """From ever new addresses, so that the limit of one does not answer in the application's place; half of the time
    with ids that there are, and with right tokens and passwords."""
    address = ".".join(str(random.randint(1, 250)) for _ in range(4))  # noqa: S311
    case.headers = {**(case.headers or {}), "X-Forwarded-For": address}
    # A stateful case follows the ids that it was answered: others in their place would look like lost objects.
    if case.meta.phase.name == TestPhase.STATEFUL or random.random() < 0.5:  # noqa: S311
        return
    path = case.operation.path
    if case.path_parameters:
        case.path_parameters = {**case.path_parameters, **_ids(path)}
    if isinstance(case.body, dict):
        case.body = {**case.body, **_credentials(path)}


def _ids(path: str) -> dict[str, str]:
    ids = {"user_id": os.environ["FUZZ_USER"]}
    for part, known in json.loads(os.environ["FUZZ_IDS"]).items():
        if part in path:
            ids["id"] = random.choice(known)  # noqa: S311
    if path.endswith("/sessions/{id}/"):
        ids["id"] = str(AccessToken(token("leaving"))["family"])
    return {name: value for name, value in ids.items() if f"{{{name}}}" in path}


def _credentials(path: str) -> dict[str, str]:
    if path.endswith(("/refresh/", "/logout/")):
        return {"refresh": tokens.begin(User.objects.get(email="leaving@example.com")).refresh}
    if path.endswith("/login/"):
        return {"email": "staying@example.com", "password": PASSWORD}
    if path.endswith("/register/"):
        return {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    return {"email": "staying@example.com"} if path.endswith("/find-user/") else {}
