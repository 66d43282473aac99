"""ECS acts on load balancers and functions with the roles it was given, so that a missing right fails here too."""

from __future__ import annotations

import threading
import time
from typing import Any

from localcloud.emulator import internal
from localcloud.runner.roles import RoleSessions

_SESSION = "ecs-service-deployment"
_CLIENT_SECONDS = 900.0
FUNCTION_SECONDS = 900
"""The longest a Lambda function runs (Lambda quotas)."""

_sessions = RoleSessions()
_clients: dict[tuple[str, str, str], tuple[float, Any]] = {}
_making = threading.Lock()


def acting_as(role: str | None, service: str, *, region: str) -> Any:
    """A client with the role's rights; without a role, one that may do everything. Raises botocore's errors."""
    if not role:
        return internal.client(service, region)
    key = (role, service, region)
    with _making:
        made_at, client = _clients.get(key, (0.0, None))
        if client is None or time.monotonic() - made_at > _CLIENT_SECONDS:
            client = _sessions.client(service, role, name=_SESSION, region=region, read_timeout=FUNCTION_SECONDS)
            _clients[key] = (time.monotonic(), client)
        return client
