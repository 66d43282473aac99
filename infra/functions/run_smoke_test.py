"""Lifecycle hook POST_TEST_TRAFFIC_SHIFT: asks a new release a few things before anybody is sent to it.

How ECS calls a hook and what it expects back is written down in `run_migration.py`. It changes nothing, so it can be
called any number of times. What may pass while load balancer and tasks get ready is tried again until the time is up:
no connection, 502 to 504, and an answer of another release. Any other wrong answer sends the release back at once.
"""

import http.client
import json
import os
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

PAUSE_SECONDS = 2
ANSWER_SECONDS = 10


class NotYetError(Exception):
    """What may pass."""


class WrongAnswerError(Exception):
    """What will not."""


class TlsToName(http.client.HTTPSConnection):
    """HTTPS to the load balancer's own address, whose certificate is for the name that people use."""

    def __init__(self, address: str, port: int, *, name: str) -> None:
        super().__init__(address, port, timeout=ANSWER_SECONDS)
        self.name = name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.name)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    revision = event["executionDetails"]["targetServiceRevisionArn"]
    answer: dict[str, Any]
    try:
        release = release_of(boto3.client("ecs"), revision)
        until = time.monotonic() + float(os.environ["PATIENCE_SECONDS"])
        answer = {"hookStatus": "SUCCEEDED", "checks": run(release, until=until), "release": release}
    except (ClientError, LookupError, NotYetError, WrongAnswerError) as error:
        answer = {"hookStatus": "FAILED", "reason": f"{type(error).__name__}: {error}"}
    print(json.dumps({"hook": "smoke test", "revision": revision, **answer}))
    return answer


def release_of(ecs: Any, revision: str) -> str:
    """What the tasks of a service revision call themselves. Raises LookupError."""
    found = ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"]
    if not found:
        raise LookupError(f"no service revision {revision}")
    task_definition = ecs.describe_task_definition(taskDefinition=found[0]["taskDefinition"])["taskDefinition"]
    for container in task_definition["containerDefinitions"]:
        for variable in container.get("environment", []):
            if variable["name"] == os.environ["RELEASE_VARIABLE"]:
                return str(variable["value"])
    raise LookupError(f"{task_definition['taskDefinitionArn']} names no release")


def run(release: str, *, until: float) -> list[str]:
    """The names of the checks, all of which passed. Raises NotYetError when the time is up, WrongAnswerError."""
    for name, path, status, part in CHECKS:
        while True:
            try:
                check(path, status, part, release)
                break
            except NotYetError as error:
                if time.monotonic() + PAUSE_SECONDS > until:
                    raise NotYetError(f"{name}: {error}") from error
                time.sleep(PAUSE_SECONDS)
            except WrongAnswerError as error:
                raise WrongAnswerError(f"{name}: {error}") from error
    return [name for name, *_ in CHECKS]


def check(path: str, right: int, part: bytes, release: str) -> None:
    status, answered, body = get(path)
    said = f"GET {path}: {status} {body[:200].decode(errors='replace')!r}"
    if status in (502, 503, 504):
        raise NotYetError(said)
    if answered != release:
        raise NotYetError(f"{said} from release {answered}, not from {release}")
    if status != right or part not in body:
        raise WrongAnswerError(said)


def get(path: str) -> tuple[int, str | None, bytes]:
    """Status, release and body. Raises NotYetError without an answer."""
    url, host = urlsplit(os.environ["TEST_URL"]), os.environ["HOST"]
    address, port = url.hostname or "", url.port or 0
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        connection = TlsToName(address, port, name=host)
    else:
        connection = http.client.HTTPConnection(address, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "spendsmart-smoke-test"})
        response = connection.getresponse()
        return response.status, response.getheader("X-Release"), response.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotYetError(f"GET {path}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


CHECKS = [
    ("database and broker answer", "/readyz", 200, b'"status": "ok"'),
    ("there is a page to log in on", "/login/", 200, b'name="password"'),
    ("the first page knows its styles", "/", 200, b"/static/"),
    ("the API describes itself", "/api/schema/", 200, b"/api/v1/receipts/"),
    ("receipts are for those who say who they are", "/api/v1/receipts/", 401, b"detail"),
]
"""Name, path, and the status and a part of the body that are right."""
