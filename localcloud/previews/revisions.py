"""Commits that are broken on purpose: nobody's work tree or branch has them, and Git forgets them by itself."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from localcloud import layout

_MIGRATIONS = layout.REPOSITORY / "app_src" / "receipts" / "migrations"
_NOBODY = ("-c", "user.name=Preview drill", "-c", "user.email=drill@localhost")


def image_that_does_not_start() -> str:
    """gunicorn cannot load the application."""
    wsgi = _text("app_src/spendsmart/wsgi.py")
    return _commit({"app_src/spendsmart/wsgi.py": f'{wsgi}\nraise RuntimeError("broken for the drill")\n'})


def migration_that_fails() -> str:
    """It fails in the database, in the middle of its statements."""
    last = max(path.stem for path in _MIGRATIONS.glob("[0-9]*.py"))
    text = (
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f'    dependencies = [("receipts", "{last}")]\n'
        '    operations = [migrations.RunSQL("CREATE TABLE half_made (id int); SELECT 1 / 0")]\n'
    )
    return _commit({"app_src/receipts/migrations/9999_broken_for_the_drill.py": text})


def template_that_does_not_synthesize() -> str:
    return _commit({"stacks/preview.py": 'raise RuntimeError("broken for the drill")\n'})


def another_release(note: str) -> str:
    """Nothing is wrong with it, and its image is another one."""
    return _commit({"app_src/spendsmart/wsgi.py": f"{_text('app_src/spendsmart/wsgi.py')}\n# {note}\n"})


def _text(path: str) -> str:
    return _git("show", f"HEAD:{path}")


def _commit(files: Mapping[str, str]) -> str:
    """A commit on top of HEAD with these files changed."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", "HEAD", **index)
        for path, text in files.items():
            blob = _git("hash-object", "-w", "--stdin", said=text).strip()
            _git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", **index)
        tree = _git("write-tree", **index).strip()
    return _git(*_NOBODY, "commit-tree", tree, "-p", "HEAD", "-m", "Broken for the drill").strip()


def _git(*arguments: str, said: str | None = None, **variables: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=layout.REPOSITORY,
        env={**os.environ, **variables},
        input=said,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
