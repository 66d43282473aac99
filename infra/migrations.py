"""What decides which migrations the application has: of two releases that have the same, neither migrates the other's.

`manage.py migrate` goes by the names of what is applied and of what there is: in the applications' own `migrations`,
in those of the libraries, and for the applications that the settings name.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent.parent / "app_src"
_BESIDE = ("requirements.txt", "spendsmart/settings.py")


def migrations_digest(source: Path = _SOURCE) -> str:
    """64 hexadecimal digits of the names and the content of all of it."""
    files = {*source.glob("*/migrations/*.py"), *(source / name for name in _BESIDE)}
    digest = hashlib.sha256()
    for file in sorted(files):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(source).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
