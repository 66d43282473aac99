"""What a task can ask its host: credentials of its role, metadata about itself, and protection from scale-in.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import layout
from localcloud.runner.roles import RoleSessions
from localcloud.runner.task import Task

PROTECTION_DEFAULT = 120
"""Minutes of protection when a task does not say how many (ECS: UpdateTaskProtection)."""


class TaskEndpoint:
    """An HTTP server on the loopback address; `find` gives a task by its id."""

    def __init__(self, *, find: Callable[[str], Task | None], roles: RoleSessions) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.answer(self, "GET")

            def do_PUT(self) -> None:
                endpoint.answer(self, "PUT")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent: tokens are in the headers, and every task asks often."""

        self._find = find
        self._roles = roles
        self._server = ThreadingHTTPServer((layout.LOOPBACK, layout.ports().credentials), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="task-endpoint", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        kind, _, rest = request.path.lstrip("/").partition("/")
        task_id, _, path = rest.partition("/")
        task = self._find(task_id)
        if task is None:
            return _send(request, 404, {"message": "no such task"})
        match method, kind, path:
            case "GET", "credentials", "":
                return self._credentials(request, task)
            case "GET", "v4", "" | "task":
                return _send(request, 200, _metadata(task))
            case "GET", "agent", "task-protection/v1/state":
                return _send(request, 200, _protection(task))
            case "PUT", "agent", "task-protection/v1/state":
                body = json.loads(request.rfile.read(int(request.headers.get("Content-Length", 0))) or b"{}")
                minutes = int(body.get("ExpiresInMinutes", PROTECTION_DEFAULT))
                task.protected_until = time.time() + 60 * minutes if body.get("ProtectionEnabled") else 0.0
                return _send(request, 200, _protection(task))
        return _send(request, 404, {"message": "no such path"})

    def _credentials(self, request: BaseHTTPRequestHandler, task: Task) -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), task.token.encode()) or not task.definition.task_role:
            return _send(request, 403, {"code": "AccessDenied", "message": "wrong authorization token"})
        try:
            session = self._roles.get(task.definition.task_role, name=task.identity.id, region=task.identity.region)
        except (ClientError, BotoCoreError) as error:
            return _send(request, 500, {"code": "AssumeRoleFailed", "message": str(error)})
        return _send(
            request,
            200,
            {
                "RoleArn": session.role_arn,
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret_access_key,
                "Token": session.token,
                "Expiration": session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )


def _metadata(task: Task) -> dict[str, Any]:
    return {
        "Cluster": task.identity.cluster,
        "TaskARN": task.identity.arn,
        "Family": task.definition.family,
        "Revision": task.definition.arn.rsplit(":", 1)[-1],
        "DesiredStatus": "STOPPED" if task.stopping else "RUNNING",
        "KnownStatus": task.status,
        "LaunchType": "FARGATE",
        "Containers": [{"Name": c.name, "Image": c.image} for c in task.definition.containers],
    }


def _protection(task: Task) -> dict[str, Any]:
    enabled = task.protected_until > time.time()
    state: dict[str, Any] = {"ProtectionEnabled": enabled, "TaskArn": task.identity.arn}
    if enabled:
        left = timedelta(seconds=task.protected_until - time.time())
        state["ExpirationDate"] = (datetime.now(UTC) + left).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"protection": state}


def _send(request: BaseHTTPRequestHandler, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
