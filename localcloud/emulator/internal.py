"""boto3 clients that reach MiniStack's services inside this process.

Handlers use the services through the same calls, parameter checks and answers as everyone else, without network, TLS
and authorization: CloudFormation acts for the stack's creator, whose rights were checked when the stack was created.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.awsrequest
import botocore.config
from botocore import UNSIGNED
from ministack import app as ministack_app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope

from localcloud import layout

_SERVICE_NAMES = {
    "elbv2": "elasticloadbalancing",
    "cloudwatch": "monitoring",
    "stepfunctions": "states",
    "efs": "elasticfilesystem",
}
_clients: dict[tuple[str, str, bool], Any] = {}
_making = threading.Lock()


def client(service: str, region: str | None = None, *, validated: bool = True) -> Any:
    """A client of `service` in `region`, by default the region of the request or stack at hand.

    Without validation it sends what boto3 would refuse.
    """
    key = (service, region or get_region(), validated)
    # Making a client is neither quick nor safe to do in two threads at once.
    with _making:
        if key not in _clients:
            _clients[key] = _make(*key)
        return _clients[key]


def _make(service: str, region: str, validated: bool) -> Any:
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url="https://localhost",
        config=botocore.config.Config(
            signature_version=UNSIGNED,
            parameter_validation=validated,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )

    def dispatch(request: botocore.awsrequest.AWSPreparedRequest, **_: Any) -> botocore.awsrequest.AWSResponse:
        return _dispatch(_SERVICE_NAMES.get(service, service), region, request)

    made.meta.events.register("before-send", dispatch)
    return made


def _dispatch(
    service: str, region: str, request: botocore.awsrequest.AWSPreparedRequest
) -> botocore.awsrequest.AWSResponse:
    address = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    headers["host"] = "localhost"
    # S3 looks at who calls in its handlers, too: nobody may do nothing there.
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/20260101/{region}/{service}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    arguments = (
        request.method,
        address.path,
        headers,
        body.encode() if isinstance(body, str) else bytes(body),
        parse_qs(address.query, keep_blank_values=True),
    )
    handler = ministack_app.SERVICE_HANDLERS[service]
    # In a context of its own, so that acting as root ends with the call.
    status, answer_headers, answer = contextvars.copy_context().run(_call_as_root, region, handler, arguments)
    raw = _Raw(answer if isinstance(answer, bytes) else str(answer).encode())
    return botocore.awsrequest.AWSResponse(request.url, status, _lower(answer_headers), raw)


def _call_as_root(region: str, handler: Any, arguments: tuple[Any, ...]) -> Any:
    with request_scope(get_account_id(), region):
        iam_evaluator.pin_request_caller(arguments[2], {})
        # Within the process nothing can be overheard: policies that ask for TLS are kept.
        iam_evaluator.pin_request_origin(layout.LOOPBACK, True)
        return _call(handler, arguments)


def _lower(headers: dict[str, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _call(handler: Any, arguments: tuple[Any, ...]) -> Any:
    """Run a service's coroutine: on the serving loop from a worker thread, at once when called on the loop itself."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return ministack_app.call_service_handler_sync(handler, *arguments)
    coroutine = handler(*arguments)
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    coroutine.close()
    raise RuntimeError("a service waited inside a call made on the event loop: make it from a worker thread")


class _Raw(io.BytesIO):
    """What botocore expects of an HTTP answer's body."""

    def stream(self, **_: Any) -> Generator[bytes, None, None]:
        while chunk := self.read(65536):
            yield chunk


@contextmanager
def scope(region: str) -> Generator[None, None, None]:
    """Act in `region` of the local account, outside of any request."""
    with request_scope(layout.ACCOUNT, region):
        yield
