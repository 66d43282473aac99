"""How each resource type is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Client(Protocol):
    """Gives a boto3 client of a service, in the resource's region unless another is named."""

    def __call__(self, service: str, region: str | None = None) -> Any: ...


Read = Callable[[Client, str, Mapping[str, Any]], Mapping[str, Any]]
"""From clients, the physical id (what Ref returns) and the wanted properties to what the API shows."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One resource type.

    `renamed`: property -> the name the answer has for it (dots go down). `shaped`: property -> a function that gives
    the template's value the API's form. `unreadable`: property -> why no API call shows it.
    """

    read: Read
    renamed: Mapping[str, str] = field(default_factory=dict)
    shaped: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


READERS: dict[str, Reader] = {}


def reads(
    type_name: str,
    *,
    renamed: Mapping[str, str] | None = None,
    shaped: Mapping[str, Callable[[Any], Any]] | None = None,
    unreadable: Mapping[str, str] | None = None,
) -> Callable[[Read], Read]:
    """Register the decorated function as the reader of a resource type."""

    def register(read: Read) -> Read:
        READERS[type_name] = Reader(read=read, renamed=renamed or {}, shaped=shaped or {}, unreadable=unreadable or {})
        return read

    return register


def tags_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags that an API shows as a map, as templates write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def only(items: list[Any]) -> Any:
    """The one item. Raises LookupError when there is none or more."""
    if len(items) != 1:
        raise LookupError(f"expected one record, the API shows {len(items)}")
    return items[0]
