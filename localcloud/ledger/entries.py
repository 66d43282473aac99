"""Every acknowledged write, one JSON line each, on disk before the client goes on.

A line is written only after the answer has come. What was sent and got no answer is not in it: nobody was promised
anything, and it may be there or not.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["receipt", "correction"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One promise: a receipt whose upload was acknowledged, or a correction of one.

    `asked` and `at` are Unix times: when the request was sent, and when its answer had come. Somewhere between the two
    it was committed. A receipt has the `key` of its object and the `sha256` of the image that was sent; a correction
    has the `fields` that it set, as text.
    """

    kind: Kind
    receipt: str
    user: str
    asked: float
    at: float
    key: str = ""
    sha256: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


class Ledger:
    """A file that promises are added to; safe for threads. What an earlier process wrote stays."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._guard = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Returns when the line is on disk."""
        with self._guard:
            self._file.write(json.dumps(asdict(entry)) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Entry]:
    """All promises in the order they were written down. A last line that was cut off, as by a crash, is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [Entry(**json.loads(line)) for line in lines[:-1] if line]


def until(entries: Iterable[Entry], moment: float) -> list[Entry]:
    """Promises that were kept by a moment at the latest: a restore to it must bring them all."""
    return [entry for entry in entries if entry.at <= moment]


def after(entries: Iterable[Entry], moment: float) -> list[Entry]:
    """Promises that nobody had asked for yet at a moment: a restore to it must bring none of them."""
    return [entry for entry in entries if entry.asked > moment]
