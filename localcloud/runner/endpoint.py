"""What a task can ask its host: credentials of its role, metadata about itself, and protection from scale-in.

`/credentials/<task id>` gives them for the task's own token only. `/v4/<task id>-<container>` and `/agent/<task id>`
ask for none, as on Fargate, where nobody else can reach them: here an id is as hard to guess as a token.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import layout
from localcloud.runner import metadata, protection
from localcloud.runner.definitions import ContainerDefinition
from localcloud.runner.task import Task

Answer = tuple[int, dict[str, Any]]

_LARGEST_BODY = 4096


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class TaskEndpoint:
    """An HTTP server on the loopback address; `find` gives a task by its id."""

    def __init__(self, *, find: Callable[[str], Task | None]) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                self._respond("GET")

            def do_PUT(self) -> None:
                self._respond("PUT")

            def _respond(self, method: str) -> None:
                length = self.headers.get("Content-Length") or "0"
                if not length.isdigit() or int(length) > _LARGEST_BODY:
                    self.close_connection = True
                    return self._send(413, {"message": f"a body has at most {_LARGEST_BODY} bytes"})
                body = self.rfile.read(int(length))
                return self._send(*endpoint.answer(method, self.path, self.headers.get("Authorization", ""), body))

            def _send(self, status: int, content: dict[str, Any]) -> None:
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent: tokens are in the headers, and every task asks often."""

        self._find = find
        self._server = _Server((layout.LOOPBACK, layout.ports().credentials), Handler)
        threading.Thread(target=self._server.serve_forever, name="task-endpoint", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """HTTP status and body for one request."""
        kind, _, rest = path.split("?")[0].lstrip("/").partition("/")
        name, _, below = rest.partition("/")
        if kind == "v4":
            return self._metadata(name, below) if method == "GET" else (405, {"message": "GET only"})
        task = self._find(name)
        if task is None:
            return 404, {"message": "no such task"}
        match method, kind, below:
            case "GET", "credentials", "":
                return _credentials(task, authorization)
            case "GET", "agent", "task-protection/v1/state":
                return protection.state(task)
            case "PUT", "agent", "task-protection/v1/state":
                try:
                    return protection.change(task, json.loads(body))
                except ValueError as error:
                    return 400, {"error": {"Code": "InvalidParameterException", "Message": str(error)}}
        return 404, {"message": "no such path"}

    def _metadata(self, name: str, below: str) -> Answer:
        task, found = self._container(name)
        if task is None or found is None:
            return 404, {"message": "no such container"}
        match below:
            case "":
                return 200, metadata.container(task, found)
            case "task":
                return 200, metadata.task(task)
        return 404, {"message": "no such path"}

    def _container(self, name: str) -> tuple[Task | None, ContainerDefinition | None]:
        """Of `<task id>-<container>`; both parts may have hyphens."""
        for place in (index for index, character in enumerate(name) if character == "-"):
            task = self._find(name[:place])
            if task:
                found = (c for c in task.definition.containers if c.name == name[place + 1 :])
                return task, next(found, None)
        return None, None


def _credentials(task: Task, authorization: str) -> Answer:
    role = task.definition.task_role
    if not role or not hmac.compare_digest(authorization.encode(), task.surroundings.token.encode()):
        return 403, {"code": "AccessDenied", "message": "wrong authorization token"}
    try:
        session = task.surroundings.roles.get(role, name=task.identity.id, region=task.identity.region)
    except (ClientError, BotoCoreError) as error:
        return 500, {"code": "AssumeRoleFailed", "message": f"{role}: {error}"}
    return 200, {
        "RoleArn": session.role_arn,
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.token,
        "Expiration": session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
