"""The account as the checks see it: read-only calls, asked once each, that answer or say why they do not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from preflight.account.answer import Answer, unchecked
from preflight.account.calls import CALLS
from preflight.assembly import Assembly, Resource, Stack

CONFIG = Config(
    connect_timeout=3,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=16,
    # Nothing is sent that would bring a browser or a person into it, and a slow region holds up nothing but itself.
    user_agent_extra="preflight",
)
"""At worst a call takes 2 × (3 + 8) s; with the 35 s after which none is begun, a whole check stays below a minute."""

REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
        "Client.UnauthorizedOperation",
        "NotAuthorized",
        "403",
    }
)
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "Client.RequestLimitExceeded",
    }
)

MARKERS = {"cloudfront": "Marker", "wafv2": "NextMarker"}
"""Services of which botocore does not turn all pages: the argument that takes an answer's NextMarker."""

Item = TypeVar("Item")


class UnansweredError(Exception):
    """A call had no answer; the text says why, for people."""

    def __init__(self, why: str, *, code: str = "") -> None:
        super().__init__(why)
        self.code = code
        """AWS's own error code, when it was AWS that refused."""


class Account:
    """One AWS account through one set of credentials. Safe to share between threads."""

    def __init__(
        self,
        session_for_region: Callable[[str], boto3.Session],
        *,
        default_region: str | None = None,
        endpoint_url: str | None = None,
        seconds: float = 35,
        at_once: int = 8,
    ) -> None:
        self._session_for_region = session_for_region
        self._default_region = default_region
        self._endpoint_url = endpoint_url
        self._deadline = time.monotonic() + seconds
        self._at_once = at_once
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._asked: dict[tuple[str, ...], Future[list[dict[str, Any]]]] = {}

    # -- calls

    def ask(
        self, service: str, operation: str, *, region: str, absent: Collection[str] = (), **arguments: Any
    ) -> dict[str, Any] | None:
        """The answer to one call. None when AWS answers with one of the error codes in `absent`."""
        pages = self._pages(service, operation, region=region, absent=absent, paged=False, arguments=arguments)
        return pages[0] if pages is not None else None

    def every(
        self, service: str, operation: str, key: str, *, region: str, absent: Collection[str] = (), **arguments: Any
    ) -> list[Any]:
        """The elements under `key` (dotted for a nested one) of all pages."""
        pages = self._pages(service, operation, region=region, absent=absent, paged=True, arguments=arguments)
        return [element for page in pages or [] for element in _under(page, key)]

    def _pages(
        self,
        service: str,
        operation: str,
        *,
        region: str,
        absent: Collection[str],
        paged: bool,
        arguments: Mapping[str, Any],
    ) -> list[dict[str, Any]] | None:
        if (service, operation) not in CALLS:
            raise LookupError(f"{service}:{operation} is not among the calls that the checks may make")
        question = (service, operation, region, str(paged), json.dumps(arguments, sort_keys=True, default=str))
        with self._lock:
            known = self._asked.get(question)
            if known is None:
                mine = self._asked[question] = Future[list[dict[str, Any]]]()
        if known is None:
            known = mine
            try:
                mine.set_result(self._call(service, operation, region=region, paged=paged, arguments=arguments))
            except Exception as error:  # noqa: BLE001 - handed on to each thread that asked the same
                mine.set_exception(error)
        try:
            return known.result()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in absent:
                return None
            raise UnansweredError(_because(error, service, operation, region), code=code) from error
        except (BotoCoreError, HTTPClientError, ResponseParserError, OSError) as error:
            raise UnansweredError(f"{service}:{operation} in {region}: {error}") from error

    def _call(
        self, service: str, operation: str, *, region: str, paged: bool, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        client = self._client(service, region)
        method = xform_name(operation)
        self._in_time(operation)
        if not paged:
            return [getattr(client, method)(**arguments)]
        pages = []
        if client.can_paginate(method):
            for page in client.get_paginator(method).paginate(**arguments):
                pages.append(page)
                self._in_time(operation)
            return pages
        marker, argument = None, MARKERS.get(service)
        while True:
            page = getattr(client, method)(**arguments, **({argument: marker} if argument and marker else {}))
            pages.append(page)
            before, marker = marker, _marker(page)
            if argument is None or not marker or marker == before:
                return pages
            self._in_time(operation)

    def _in_time(self, operation: str) -> None:
        if time.monotonic() > self._deadline:
            raise UnansweredError(f"the time for the whole check was up before {operation}")

    def _client(self, service: str, region: str) -> Any:
        # botocore's sessions may not make two clients at once; the clients themselves are safe to share.
        with self._making:
            if (service, region) not in self._clients:
                session = self._session_for_region(region)
                options = {"endpoint_url": self._endpoint_url} if self._endpoint_url else {}
                self._clients[service, region] = session.client(service, region_name=region, config=CONFIG, **options)
            return self._clients[service, region]

    # -- what of the assembly concerns this account

    def region(self, stack: Stack) -> str:
        region = stack.region or self._default_region
        if region is None:
            raise UnansweredError(
                f"{stack.name} names no region, and neither AWS_REGION nor the profile does: set AWS_REGION"
            )
        return region

    def number(self, region: str) -> str:
        identity = self.ask("sts", "GetCallerIdentity", region=region) or {}
        return str(identity.get("Account", ""))

    def stacks(self, assembly: Assembly) -> list[Stack]:
        """The stacks that go into this account."""
        return [stack for stack in assembly.stacks if self._holds(stack)]

    def _holds(self, stack: Stack) -> bool:
        try:
            return stack.account in (None, self.number(self.region(stack)))
        except UnansweredError:
            # Who asks is not known: then nothing is left out, and each call says itself why it has no answer.
            return True

    def regions(self, assembly: Assembly) -> list[str]:
        return sorted({self.region(stack) for stack in self.stacks(assembly)})

    def of_type(self, assembly: Assembly, *types: str) -> list[Resource]:
        return [resource for stack in self.stacks(assembly) for resource in stack.of_type(*types)]

    def by_region(self, assembly: Assembly, *types: str) -> dict[str, list[Resource]]:
        """The resources of these types under the region they go to; regions without any are left out."""
        found: dict[str, list[Resource]] = {}
        for resource in self.of_type(assembly, *types):
            found.setdefault(self.region(resource.stack), []).append(resource)
        return dict(sorted(found.items()))

    def deployed(self, stack: Stack) -> dict[str, str]:
        """Logical to physical ids of what the stack has in the account now; empty when it does not exist."""
        name = self.stack_name(stack)
        if name is None:
            return {}
        summaries = self.every(
            "cloudformation",
            "ListStackResources",
            "StackResourceSummaries",
            region=self.region(stack),
            absent=("ValidationError",),
            StackName=name,
        )
        return {
            summary["LogicalResourceId"]: summary["PhysicalResourceId"]
            for summary in summaries
            if summary.get("PhysicalResourceId") and summary.get("ResourceStatus") != "DELETE_COMPLETE"
        }

    def stack_name(self, stack: Stack) -> str | None:
        """What CloudFormation knows the stack by; None for a nested one that is not there yet."""
        if stack.parent is None:
            return stack.name
        own = (key for key, nested in stack.parent.nested.items() if nested is stack)
        return self.deployed(stack.parent).get(next(own, ""))

    def physical(self, resource: Resource) -> str | None:
        """The resource's physical id when its stack has it already."""
        return self.deployed(resource.stack).get(resource.logical_id)

    # -- many questions at once

    def each(
        self,
        items: Iterable[Item],
        answers: Callable[[Item], Iterable[Answer]],
        *,
        subject: Callable[[Item], str] = str,
    ) -> Iterator[Answer]:
        """The answers for each item, asked side by side; an item that AWS has no answer for is `unchecked`."""

        def safely(item: Item) -> list[Answer]:
            given: list[Answer] = []
            try:
                given.extend(answers(item))
            except UnansweredError as error:
                given.append(unchecked(subject(item), str(error)))
            return given

        questions = list(items)
        if min(len(questions), self._at_once) < 2:
            for item in questions:
                yield from safely(item)
            return
        with ThreadPoolExecutor(min(self._at_once, len(questions))) as pool:
            for given in pool.map(safely, questions):
                yield from given


def _under(page: Mapping[str, Any], key: str) -> list[Any]:
    found: Any = page
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def _marker(page: Mapping[str, Any]) -> str | None:
    for part in (page, *(value for value in page.values() if isinstance(value, dict))):
        if "NextMarker" in part:
            return str(part["NextMarker"]) or None
    return None


def _because(error: ClientError, service: str, operation: str, region: str) -> str:
    details = error.response.get("Error", {})
    code = str(details.get("Code", ""))
    call = f"{service}:{operation} in {region}"
    if code in REFUSED or "not authorized" in str(details.get("Message", "")):
        return f"the credentials may not call {call}"
    if code in THROTTLED:
        return f"AWS throttled {call}"
    said = " ".join(filter(None, (code, str(details.get("Message", "")).strip())))
    return f"{call} answered {said}"


def place(item: tuple[str, Resource, *tuple[Any, ...]]) -> str:
    """The subject of an answer about a resource in a region: what an item of `each` mostly begins with."""
    return f"{item[0]} {item[1].construct_path}"
