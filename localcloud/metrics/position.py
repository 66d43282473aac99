"""How far a log was read, kept in a file over restarts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud import layout


@dataclass(frozen=True, kw_only=True)
class Position:
    """All before `offset` of the file with this inode was read."""

    inode: int = 0
    offset: int = 0

    def in_file(self, path: Path) -> int:
        """Where to go on in a file: at its beginning if it is another one, or was emptied."""
        seen = path.stat()
        return self.offset if seen.st_ino == self.inode and seen.st_size >= self.offset else 0


def read(noted: Path) -> Position:
    try:
        return Position(**json.loads(noted.read_text()))
    except FileNotFoundError:
        return Position()


def write(noted: Path, position: Position) -> None:
    layout.write_private(noted, json.dumps(asdict(position)))
