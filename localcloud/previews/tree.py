"""What a preview is deployed from: the work tree as it is, or a revision in a folder of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from localcloud import layout
from localcloud.console import LocalCloudError

_SHARED = (".venv", "node_modules")
"""Set up once here, and by far too much to be set up for every branch."""


@contextmanager
def of(revision: str | None, *, folder: Path) -> Iterator[Path]:
    """Where to run the CDK CLI: here, or in `folder` once the revision is checked out there.

    The folder stays for the next push, which then changes only what differs, so that Python finds the rest compiled.
    Raises LocalCloudError for a revision that Git does not know, and while another push works in the folder.
    """
    if revision is None:
        yield layout.REPOSITORY
        return
    found = commit(revision)
    if not found:
        raise LocalCloudError(
            f"there is no branch or revision {revision!r} here", remedy="fetch it first: git fetch origin " + revision
        )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalCloudError(
                f"another push of the same preview is under way ({folder.parent.name})", remedy="wait for its end"
            ) from error
        _check_out(found, folder)
        for shared in _SHARED:
            if not (folder / shared).is_symlink():
                (folder / shared).symlink_to((layout.REPOSITORY / shared).resolve())
        yield folder


def _check_out(revision: str, folder: Path) -> None:
    """By an index of the folder's own, which a push that was killed may have left locked."""
    variables = {"GIT_INDEX_FILE": str(folder / ".index"), "GIT_WORK_TREE": str(folder)}
    (folder / ".index.lock").unlink(missing_ok=True)
    done = _git("read-tree", "--reset", "-u", revision, variables=variables)
    if done.returncode:
        raise LocalCloudError(
            f"{revision} could not be checked out into {folder}: {done.stderr.strip()[-300:]}",
            remedy=f"run it again after: rm -r {folder}",
        )


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


def _git(*arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    git = shutil.which("git")
    if git is None:
        raise LocalCloudError("git is not installed", remedy="install it: apt-get install git")
    return subprocess.run(
        [git, *arguments],
        cwd=layout.REPOSITORY,
        env={**os.environ, "LC_ALL": "C", **(variables or {})},
        capture_output=True,
        text=True,
    )
