"""What the previous release is: the git revision that `app_src/RELEASED` names, and the migrations that it had."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
FILE = "app_src/RELEASED"

Key = tuple[str, str]
"""App and name of a migration, as Django's loader has them."""


class UnknownReleaseError(Exception):
    """The history does not hold the previous release; the message says how to get it."""


@dataclass(frozen=True, kw_only=True)
class Released:
    """`changed` are those of the migrations that are different now, or gone."""

    revision: str
    migrations: frozenset[Key]
    changed: frozenset[Key]


def revision(root: Path = ROOT) -> str:
    """The full hash. Raises UnknownReleaseError when this copy of the repository has no such commit."""
    named = (root / FILE).read_text().strip()
    done = _git(root, "cat-file", "-e", f"{named}^{{commit}}", check=False)
    if done.returncode:
        raise UnknownReleaseError(
            f"{FILE} names {named}, which is not in this copy of the repository: git fetch --unshallow"
        )
    return named


def read(root: Path = ROOT) -> Released:
    """Raises UnknownReleaseError."""
    found = revision(root)
    files = _git(root, "ls-tree", "-r", "--name-only", found, "--", "app_src").stdout.splitlines()
    differs = _git(root, "diff", "--name-only", "--no-renames", found, "--", "app_src").stdout.splitlines()
    return Released(revision=found, migrations=_keys(files), changed=_keys(files) & _keys(differs))


def _keys(files: list[str]) -> frozenset[Key]:
    paths = [PurePosixPath(file) for file in files]
    return frozenset(
        (path.parts[-3], path.stem)
        for path in paths
        if len(path.parts) == 4 and path.parent.name == "migrations" and path.stem != "__init__"
    )


def _git(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-c", f"safe.directory={root}", *arguments], cwd=root, capture_output=True, text=True, check=check
    )
