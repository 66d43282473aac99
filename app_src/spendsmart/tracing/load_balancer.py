"""The trace id that the load balancer gives each request, traced or not.

Its header can begin outside: whoever sends `Root=…` finds it passed on, after a `Self=…` of the load balancer's own.
Only what the load balancer made up is used, so that nobody outside can join a trace or have their requests sampled.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
"""

from __future__ import annotations

import re

HEADER = "X-Amzn-Trace-Id"

_FIELD = re.compile(r"(?:^|;)\s*(Self|Root)=1-([0-9a-f]{8})-([0-9a-f]{24})\s*(?=;|$)")


def trace_id(header: str) -> str | None:
    """32 hexadecimal digits, as W3C and CloudWatch write a trace id; None where the header holds none."""
    found: dict[str, str] = {}
    for field, when, rest in _FIELD.findall(header):
        found.setdefault(field, when + rest)
    return found.get("Self") or found.get("Root")
