"""The repository's own files, with or without git: CodePipeline hands over a tree that has no `.git`.

`python -m pipelines.tools.tree` says which files these are: the commit, whether they are its own, and their digest.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

MADE = {
    ".git",
    ".venv",
    ".venv-audit",
    ".audit",
    "node_modules",
    "out",
    "cdk.out",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "__pycache__",
}
"""Folders that are made and ignored; those of local clouds begin with `.local`."""


def files(root: Path) -> list[str]:
    """Paths below `root` of what is under version control or would be, as it is now."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    else:
        names = [str(path.relative_to(root)) for path in _walk(root)]
    return [name for name in names if (root / name).is_file()]


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name in MADE or path.name.startswith((".local", "cdk.out.")) or path.suffix == ".pyc":
            continue
        found += _walk(path) if path.is_dir() and not path.is_symlink() else [path]
    return found


def commit(root: Path) -> str:
    """The commit that CodeBuild or git names; zeros where nobody does."""
    if named := os.environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION"):
        return named
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "0" * 40


def changed(root: Path) -> bool:
    """Whether the files are others than those of the commit. Without git that cannot be seen, and is not assumed."""
    asked = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=False)
    return bool(asked.stdout.strip())


def digest(root: Path) -> str:
    """SHA-256 over the names and contents of all files: the same digest, the same files."""
    whole = hashlib.sha256()
    for name in sorted(files(root)):
        content = (root / name).read_bytes()
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[2]
    print(commit(here), "changed" if changed(here) else "clean", digest(here))
