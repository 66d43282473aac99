"""The server's side of ecs_reports: POST /_localcloud/ecs/<verb>, for whoever knows the root secret."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from collections.abc import Callable
from typing import Any

from localcloud.emulator import ecs_progress, internal
from localcloud.emulator.ecs_records import UnknownRecordError
from localcloud.emulator.ecs_reports import PATH_PREFIX, TOKEN_HEADER
from localcloud.emulator.persistence import saver

__all__ = ["PATH_PREFIX", "answer"]

_LARGEST_BODY = 1 << 20

_CALLS: dict[str, Callable[..., str | None]] = {
    "create_task": ecs_progress.create_task,
    "report_task": ecs_progress.report_task,
    "complete_deployment": ecs_progress.complete_deployment,
    "fail_deployment": ecs_progress.fail_deployment,
    "add_event": ecs_progress.add_event,
}


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Handle one request; 403 without the token, 404 for an unknown call, 409 for an unknown record."""
    token = next((value for name, value in scope["headers"] if name.decode().lower() == TOKEN_HEADER.lower()), b"")
    body = await _read(receive)
    call = _CALLS.get(scope["path"].removeprefix(PATH_PREFIX))
    if not hmac.compare_digest(token, os.environ["AWS_SECRET_ACCESS_KEY"].encode()):
        await _send(send, 403, {"message": f"{TOKEN_HEADER} is missing or wrong"})
    elif call is None or scope["method"] != "POST":
        await _send(send, 404, {"message": "no such call"})
    else:
        try:
            made = await asyncio.to_thread(_run, call, json.loads(body))
        except (UnknownRecordError, KeyError, TypeError, ValueError) as error:
            await _send(send, 409, {"message": str(error) or type(error).__name__})
        else:
            await _send(send, 200, {"taskArn": made} if made else {})


def _run(call: Callable[..., str | None], payload: dict[str, Any]) -> str | None:
    with internal.scope(payload.pop("region")):
        made = call(**payload)
    saver.touch("ecs")
    return made


async def _read(receive: Any) -> bytes:
    body = b""
    while len(body) <= _LARGEST_BODY:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


async def _send(send: Any, status: int, payload: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(payload).encode()})
