"""A preview's names: one short name for a branch, and what is called after it.

A branch's name may be long, hold slashes, upper case or any script; host names, database names and the ids of Valkey
users may not. `PreviewName.of` makes a name of at most 20 characters, a to z, 0 to 9 and hyphens: the branch's own
where it is one already, otherwise one that ends in a hash of the branch's full name, so that two branches never share
one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

LONGEST = 20
"""Characters. The tightest limit is 40, of an ElastiCache user's id (CreateUser), with room for what is around it."""

_HASH = 6
_GENERATION = 8
_LONGEST_TAG = 256
_VALID = re.compile(r"[a-z](?:-?[a-z0-9])*")
RESERVED = frozenset({"dev", "staging", "prod", "production", "preview", "main", "master", "template", "base", "www"})
"""Names of what is no preview: somebody would take one for the other."""


class PreviewNameError(ValueError):
    """Nothing can be called so; the message says what can."""


@dataclass(frozen=True, kw_only=True)
class PreviewName:
    """`name` is the short one, `branch` what it was made of."""

    name: str
    branch: str

    @classmethod
    def of(cls, branch: str) -> PreviewName:
        """The name of a branch's preview; that of a name is itself. Raises PreviewNameError."""
        given = branch.strip().removeprefix("refs/heads/")
        if not given or len(given) > 255 or not given.isprintable():
            raise PreviewNameError(
                f"a preview cannot be called {branch[:60]!r}: give a branch's name, of 1 to 255 printable characters"
            )
        name = given if _fits(given) else _shortened(given)
        if given.lower() in RESERVED:
            raise PreviewNameError(
                f"a preview cannot be called {given!r}: {', '.join(sorted(RESERVED))} are names of something else; "
                "give another one, such as pr-42"
            )
        return cls(name=name, branch=given)

    @property
    def stack(self) -> str:
        """What the stack is called after its environment, as in SpendSmart-Dev-Preview-pr-42."""
        return f"Preview-{self.name}"

    @property
    def identifier(self) -> str:
        """In PostgreSQL: the role, and how its databases' names begin. A hyphen there would want quotes."""
        return f"preview_{self.name.replace('-', '_')}"

    def database(self, generation: str) -> str:
        """The name of the database that a push gets: another `generation` is another database."""
        return database_name(self.identifier, generation)

    @property
    def environment(self) -> str:
        """What the application believes to be in, the id of its Valkey user, and how its keys begin."""
        return f"preview-{self.name}"

    @property
    def key_prefix(self) -> str:
        """Of the keys in both Valkey servers."""
        return f"{self.environment}:"

    @property
    def object_prefix(self) -> str:
        """Of the objects in the bucket of previews."""
        return f"previews/{self.name}/"

    @property
    def tag(self) -> str:
        """The branch as a tag's value."""
        return tag_value(self.branch)

    def host(self, domain: str) -> str:
        return f"{self.name}.{domain}"


def database_name(role: str, generation: str) -> str:
    """Of the database that is a role's in one generation; `is_database` knows it again."""
    return f"{role}_{hashlib.sha256(generation.encode()).hexdigest()[:_GENERATION]}"


def is_database(name: str, *, role: str) -> bool:
    """Whether a database is called as those of this role, and not as another's whose name begins alike."""
    return re.fullmatch(rf"{re.escape(role)}_[0-9a-f]{{{_GENERATION}}}", name) is not None


def tag_value(text: str) -> str:
    """What a tag takes of a text: few characters beside letters and digits of any script."""
    return re.sub(r"[^\w .:/=+@-]", "_", text)[:_LONGEST_TAG]


def _fits(text: str) -> bool:
    return len(text) <= LONGEST and _VALID.fullmatch(text) is not None


def _shortened(branch: str) -> str:
    digest = hashlib.sha256(branch.encode()).hexdigest()[:_HASH]
    plain = unicodedata.normalize("NFKD", branch).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not words[:1].isalpha():
        words = f"b-{words}".strip("-")
    return f"{words[: LONGEST - _HASH - 1].rstrip('-')}-{digest}"
