"""One request to OpenAI: sent once, never again from here, and each failure sorted by what it costs.

The library is imported where it is needed: it is 12 MiB, and most processes ask nothing.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx2
from opentelemetry import trace

from extraction.openai_answer import Answered, MalformedAnswerError, parse

if TYPE_CHECKING:
    import openai
    from openai import OpenAI

TIMEOUT_SECONDS = 25.0
"""For each wait on the connection."""

DEADLINE_SECONDS = 35.0
"""For the whole answer, so that one that drips does not go on for ever."""

CONNECT_SECONDS = 5.0

LONGEST_WAIT = 3600.0
"""Seconds that we wait for because an answer says so; whoever means more is asked again by then."""

_tracer = trace.get_tracer("spendsmart.openai")


class Cost(StrEnum):
    """What a call that brought no answer costs."""

    NOT_SENT = "not_sent"
    """No connection was made: OpenAI knows nothing of it."""
    FREE = "free"
    """OpenAI answered with an error, which it does not bill."""
    IN_DOUBT = "in_doubt"
    """It was sent, and nobody knows whether OpenAI answered and billed it."""


class CallFailedError(Exception):
    """No answer. What to do about it depends on `cost` and `again`.

    Attributes:
        outcome: One word for logs, metrics and the ledger: `http_429`, `timeout`, `malformed`…
        again: Whether the same request may succeed later.
        retry_after: Seconds OpenAI asked us to wait; None where it did not say.
        shut: OpenAI takes none of our requests at all: a wrong key, an empty account.
        headers: Those of the answer, if there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        cost: Cost,
        outcome: str,
        again: bool = True,
        retry_after: float | None = None,
        shut: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.cost, self.outcome, self.again, self.shut = cost, outcome, again, shut
        self.retry_after, self.headers = retry_after, headers or {}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer, with the headers that tell how much of the limits is left."""

    answered: Answered
    seconds: float
    request_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@cache
def client(*, api_key: str, base_url: str | None) -> OpenAI:
    """A client that never retries: limiter, breaker and ledger must see each attempt."""
    from openai import OpenAI

    return OpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=httpx2.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
        max_retries=0,
    )


def send(
    body: dict[str, Any],
    *,
    to: OpenAI,
    call_id: str,
    deadline: float | None = None,
    timeout: float | None = None,
) -> Reply:
    """Send one body of `request_body` and wait for its answer, at most DEADLINE_SECONDS and one TIMEOUT_SECONDS more.

    `call_id` is our name for the call, by which OpenAI finds one that never brought an answer:
    https://developers.openai.com/api/reference/overview#debugging-requests
    Raises CallFailedError; anything else that is raised leaves the call in doubt.
    """
    # https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": str(body["model"]),
        "spendsmart.call": call_id,
    }
    with _tracer.start_as_current_span(
        f"chat {body['model']}", kind=trace.SpanKind.CLIENT, attributes=attributes
    ) as span:
        reply = _sent(body, to=to, call_id=call_id, deadline=deadline, timeout=timeout)
        usage = reply.answered.usage
        span.set_attributes(
            {
                "gen_ai.usage.input_tokens": usage.input,
                "gen_ai.usage.output_tokens": usage.output,
                "spendsmart.outcome": reply.answered.outcome,
            }
        )
    return reply


def _sent(body: dict[str, Any], *, to: OpenAI, call_id: str, deadline: float | None, timeout: float | None) -> Reply:
    import openai

    began = time.monotonic()
    limit = DEADLINE_SECONDS if deadline is None else deadline
    options: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
    options["extra_headers"] = {"X-Client-Request-Id": call_id}
    try:
        with to.responses.with_streaming_response.create(**body, **options) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            received = bytearray()
            for part in response.iter_bytes():
                received += part
                if time.monotonic() - began > limit:
                    raise CallFailedError(
                        "OpenAI's answer drips", cost=Cost.IN_DOUBT, outcome="slow_drip", headers=headers
                    )
    except openai.APIError as error:
        raise classified(error) from error
    except httpx2.TransportError as error:  # while the body was read: the SDK passes these through
        raise CallFailedError("OpenAI's answer broke off", cost=Cost.IN_DOUBT, outcome="broken_off") from error
    try:
        answered = parse(json.loads(received))
    except (ValueError, MalformedAnswerError) as error:
        raise CallFailedError(
            f"OpenAI's answer cannot be read: {error}", cost=Cost.IN_DOUBT, outcome="malformed", headers=headers
        ) from error
    return Reply(
        answered=answered,
        seconds=time.monotonic() - began,
        request_id=headers.get("x-request-id", ""),
        headers=headers,
    )


def classified(error: openai.APIError) -> CallFailedError:
    """What the SDK raised, by what it costs."""
    import openai

    cause = error.__cause__
    if isinstance(error, openai.APIConnectionError):
        if isinstance(cause, (httpx2.ConnectTimeout, httpx2.ConnectError, httpx2.PoolTimeout)):
            return CallFailedError("OpenAI could not be reached", cost=Cost.NOT_SENT, outcome="unreachable")
        if isinstance(error, openai.APITimeoutError):
            return CallFailedError("OpenAI did not answer in time", cost=Cost.IN_DOUBT, outcome="timeout")
        return CallFailedError("The connection to OpenAI broke off", cost=Cost.IN_DOUBT, outcome="broken_off")
    if isinstance(error, openai.APIStatusError):
        return of_status(
            error.status_code, code=error.code or "", headers={k.lower(): v for k, v in error.response.headers.items()}
        )
    return CallFailedError("OpenAI's answer cannot be read", cost=Cost.IN_DOUBT, outcome="malformed")


def of_status(status: int, *, code: str = "", headers: Mapping[str, str] | None = None) -> CallFailedError:
    """An answer with an HTTP status of 300 or more. `code` is the one in OpenAI's error body."""
    headers, code = headers or {}, code.replace("\x00", "")[:64]
    told = f"OpenAI answered {status}" + (f" ({code})" if code else "")
    outcome = f"http_{status}"
    # A gateway that gave up waiting does not know what came of the request either.
    if status in (504, 524):
        return CallFailedError(told, cost=Cost.IN_DOUBT, outcome=outcome, headers=headers)
    shut = status in (401, 403) or code in ("insufficient_quota", "billing_hard_limit_reached")
    again = shut or status in (408, 409, 429) or status >= 500
    return CallFailedError(
        told, cost=Cost.FREE, outcome=outcome, again=again, shut=shut, retry_after=retry_after(headers), headers=headers
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, LONGEST_WAIT at most; a date in Retry-After, which OpenAI does not send, counts as not said."""
    for header, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[header]) * unit
        except (KeyError, ValueError):
            continue
        if not math.isnan(seconds):
            return min(max(0.0, seconds), LONGEST_WAIT)
    return None
