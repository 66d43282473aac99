"""What no template says about a store: what it holds, how sensitive that is, and what is meant to happen to it.

`config/tooling/data-stores.toml` holds one entry for each store, or for each kind of store; the first that matches
counts. A store without an entry fails the report.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from audit.assembly import AuditError

FILE = Path(__file__).resolve().parents[2] / "config" / "tooling" / "data-stores.toml"
CLASSES = ("personal", "secret", "operational", "copy of personal")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """`path` and `type` are patterns (`*-Data/Broker/*`). `no_backup` says why a backup is not promised; `kept` how
    long the data is kept where no setting of AWS decides that.
    """

    path: str
    classification: str
    holds: str
    type: str = "*"
    no_backup: str = ""
    kept: str = ""

    def matches(self, path: str, kind: str) -> bool:
        return fnmatchcase(path, self.path) and fnmatchcase(kind, self.type)


def declared(file: Path = FILE) -> tuple[Declared, ...]:
    """The entries in their order. Raises AuditError for one that lacks something or says what is not known."""
    try:
        entries = tomllib.loads(file.read_text())["store"]
        found = tuple(Declared(**entry) for entry in entries)
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{file}: {error}") from error
    for one in found:
        if one.classification not in CLASSES:
            raise AuditError(f"{file.name}: {one.path} is {one.classification!r}; use one of {', '.join(CLASSES)}")
    return found


def of(path: str, kind: str, entries: Sequence[Declared]) -> Declared | None:
    return next((one for one in entries if one.matches(path, kind)), None)
