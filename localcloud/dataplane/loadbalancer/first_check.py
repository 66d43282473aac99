"""One health check of a target by the load balancer's rules, before Envoy does them."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException

from localcloud.dataplane.specs import Target, TargetGroupSpec

USER_AGENT = "ELB-HealthChecker/2.0"

_LONGEST = 5.0
"""Seconds, however long the group's own timeout: a local cloud that ends waits for it."""


def passes(group: TargetGroupSpec, target: Target) -> bool:
    """Whether the target answers as its group's check asks. Of one that does not speak plain HTTP/1.1: whether it
    listens."""
    check = group.health_check
    port, timeout = check.port or target.port, min(float(check.timeout), _LONGEST)
    if (check.protocol, group.protocol_version) != ("HTTP", "HTTP1"):
        return _listens(target.address, port, timeout)
    connection = HTTPConnection(target.address, port, timeout=timeout)
    try:
        connection.request("GET", check.path, headers={"User-Agent": USER_AGENT, "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return any(first <= status <= last for first, last in check.accepted())


def _listens(address: str, port: int, timeout: float) -> bool:
    try:
        socket.create_connection((address, port), timeout).close()
    except OSError:
        return False
    return True
