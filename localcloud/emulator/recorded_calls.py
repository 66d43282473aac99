"""Which role did what here, and whether it was let: each combination once, in `emulator/calls.jsonl`.

One JSON object a line: `role` (its name), `action`, `resource`, `allowed`. Names that grow with use (objects, streams,
tasks) are `*` from where they begin, so that the file ends with the kinds of calls, not with their number.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import sts

from localcloud import layout
from localcloud.access import ATTEMPTS
from localcloud.emulator.corrections import replace

_ROLE = re.compile(r"arn:aws:sts::\d{12}:assumed-role/([^/]+)/(.*)")
_OBJECT = re.compile(r"(arn:aws:s3:::[^/]+/(?:[^/]+/)?).+")
_STREAM = re.compile(r"(:log-stream:).+")
_MADE_UP = re.compile(r"(?<=[/:])[0-9a-f]{8}-?[0-9a-f-]{8,}(?=$|[/:])")


def file() -> Path:
    return layout.folder("emulator") / "calls.jsonl"


class Recorder:
    """Notes each combination the first time, also over restarts. Safe between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = set(path.read_text().splitlines()) if path.exists() else set()

    def note(self, *, role: str, action: str, resource: str, allowed: bool) -> None:
        line = json.dumps({"role": role, "action": action, "resource": _kind_of(resource), "allowed": allowed})
        with self._lock:
            if line not in self._seen:
                self._seen.add(line)
                with self._path.open("a") as log:
                    log.write(f"{line}\n")


def install() -> None:
    """Before `authorization`, whose checks of KMS keys are calls of their own and noted, too."""
    recorder = Recorder(file())
    replace(iam_evaluator, "enforce", _noting(iam_evaluator.enforce, recorder))


def _noting(stock: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        denied = stock(access_key_id, iam_action, service, region, resource_arn, service_context)
        role = _role_of(access_key_id)
        if role and not isinstance(denied, iam_evaluator.AuthError):
            recorder.note(role=role, action=iam_action, resource=resource_arn, allowed=denied is None)
        return denied

    return enforce


def _role_of(access_key_id: str) -> str:
    session = sts._sessions.get(access_key_id) or {}
    found = _ROLE.match(str(session.get("Arn", "")))
    return found[1] if found and found[2] != ATTEMPTS else ""


def _kind_of(resource: str) -> str:
    resource = _OBJECT.sub(r"\1*", resource)
    return _MADE_UP.sub("*", _STREAM.sub(r"\1*", resource))
