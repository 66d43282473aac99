"""What a preview is deployed from: the work tree as it is, or a revision in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud import layout
from localcloud.console import LocalCloudError

_SHARED = (".venv", "node_modules")
"""Set up once here, and by far too much to be set up for every branch."""


@contextmanager
def of(revision: str | None) -> Iterator[Path]:
    """A folder to run the CDK CLI in. Raises LocalCloudError for a revision that Git does not know."""
    if revision is None:
        yield layout.REPOSITORY
        return
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        raise LocalCloudError(
            f"there is no branch or revision {revision!r} here", remedy="fetch it first: git fetch origin " + revision
        )
    with tempfile.TemporaryDirectory(prefix="preview-", dir=layout.folder("previews")) as name:
        folder = Path(name)
        archive = subprocess.Popen(
            ["git", "archive", "--format=tar", found.stdout.strip()], cwd=layout.REPOSITORY, stdout=subprocess.PIPE
        )
        unpacked = subprocess.run(["tar", "-x", "-C", name], stdin=archive.stdout)
        if archive.wait() or unpacked.returncode:
            raise LocalCloudError(f"{revision} could not be unpacked into {folder}")
        for shared in _SHARED:
            (folder / shared).symlink_to((layout.REPOSITORY / shared).resolve())
        yield folder


def commit(revision: str | None) -> str:
    """The commit of a revision, or of the work tree; empty where the work tree is no commit's, or there is none."""
    if revision is None and _git("status", "--porcelain").stdout.strip():
        return ""
    return _git(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision or 'HEAD'}^{{commit}}"
    ).stdout.strip()


def owner() -> str:
    """Whoever Git calls the author of what is done here; empty where it knows nobody."""
    return _git("config", "user.name").stdout.strip()


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        raise LocalCloudError("git is not installed", remedy="install it: apt-get install git")
    return subprocess.run(
        [git, *arguments], cwd=layout.REPOSITORY, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True
    )
