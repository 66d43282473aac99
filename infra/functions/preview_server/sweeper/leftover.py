"""What is found without its preview, and who knows how to find and delete it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that carries a preview's name. `owner` is that name with underscores, the one form that all have."""

    kind: str
    name: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`find` tells of everything of this kind that belongs to some preview, as owner and name; `delete` takes a name,
    and does nothing where it is gone already."""

    name: str
    find: Callable[[Settings], Iterable[tuple[str, str]]]
    delete: Callable[[Settings, str], None]

    def all(self, settings: Settings) -> list[Leftover]:
        return [
            Leftover(kind=self.name, name=name, owner=key_of(owner)) for owner, name in self.find(settings) if owner
        ]


def key_of(name: str) -> str:
    """A preview's name as PostgreSQL has it."""
    return name.replace("-", "_")


def unless_gone(call: Callable[[], object], *codes: str) -> None:
    """Make a call; an error with one of these codes says that there is nothing to do."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
