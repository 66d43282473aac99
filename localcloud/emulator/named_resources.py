"""Which Valkey users, user groups and parameters a call is about, as IAM policies name them: it needs a right to each.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticache.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_USERS = re.compile(r"(?:UserId|UserIds|UserIdsToAdd|UserIdsToRemove)(?:\.member)?(?:\.\d+)?")


def of_elasticache(params: Mapping[str, Any], *, prefix: str) -> tuple[str, ...]:
    """The user group comes first. `prefix` is what ARNs in the region begin with, up to the service's last colon."""
    users = (_first(value) for name, value in params.items() if _USERS.fullmatch(name))
    group = _first(params.get("UserGroupId", ""))
    return (*([f"{prefix}usergroup:{group}"] if group else []), *sorted(f"{prefix}user:{user}" for user in users))


def of_ssm(body: bytes, *, prefix: str) -> tuple[str, ...]:
    """GetParametersByPath is about the path itself, whatever is below it."""
    call = json.loads(body) if body[:1] == b"{" else {}
    return tuple(f"{prefix}parameter/{name.lstrip('/')}" for name in _parameters(call))


def _parameters(call: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(path := call.get("Path"), str):
        yield path
    yield from (name for name in call.get("Names") or () if isinstance(name, str))


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)
