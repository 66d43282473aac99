"""A branch that is checked out for a push: by Git itself, in a repository of the test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from localcloud import layout
from localcloud.console import LocalCloudError
from localcloud.previews import tree


def _git(*arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=layout.REPOSITORY, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the preview; the repository has two commits, of which the second changes one file and drops another."""
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.setattr(layout, "REPOSITORY", repository)
    _git("init", "--quiet", "--initial-branch", "main")
    for name in ("kept.py", "changed.py", "dropped.py"):
        (repository / name).write_text(f"# {name}\n")
    _git("add", ".")
    _git("commit", "--quiet", "--message", "first")
    _git("branch", "first")
    (repository / "changed.py").write_text("# it has changed\n")
    (repository / "dropped.py").unlink()
    _git("commit", "--quiet", "--all", "--message", "second")
    return tmp_path / "pr-42" / "tree"


def test_the_next_push_changes_only_what_differs(folder: Path) -> None:
    with tree.of("first", folder=folder) as found:
        assert found == folder
        assert {each.name for each in folder.glob("*.py")} == {"kept.py", "changed.py", "dropped.py"}
        assert (folder / ".venv").is_symlink()
        assert _git("status", "--porcelain") == "", "the work tree and its index are left alone"
    before = (folder / "kept.py").stat().st_mtime_ns
    (folder / "changed.py").write_text("# somebody was here\n")
    with tree.of("main", folder=folder):
        assert {each.name for each in folder.glob("*.py")} == {"kept.py", "changed.py"}
        assert (folder / "changed.py").read_text() == "# it has changed\n"
        assert (folder / "kept.py").stat().st_mtime_ns == before, "Python finds it compiled"
    assert (layout.REPOSITORY / "changed.py").read_text() == "# it has changed\n"


def test_what_was_changed_or_lost_in_the_folder_comes_back(folder: Path) -> None:
    with tree.of("main", folder=folder):
        (folder / "changed.py").write_text("# somebody was here\n")
        (folder / "kept.py").unlink()
    with tree.of("main", folder=folder):
        assert (folder / "changed.py").read_text() == "# it has changed\n"
        assert (folder / "kept.py").read_text() == "# kept.py\n"


def test_a_push_that_was_killed_is_in_nobodys_way(folder: Path) -> None:
    with tree.of("first", folder=folder):
        pass
    (folder / ".index.lock").touch()
    with tree.of("main", folder=folder):
        assert not (folder / "dropped.py").exists()


def test_two_pushes_of_one_preview_do_not_mix(folder: Path) -> None:
    another = pytest.raises(LocalCloudError, match="another push of the same preview is under way")
    with tree.of("first", folder=folder):
        with another, tree.of("main", folder=folder):
            pass
        assert (folder / "dropped.py").exists()


def test_a_revision_that_git_does_not_know_is_named(folder: Path) -> None:
    unknown = pytest.raises(LocalCloudError, match="no branch or revision 'feature/x'")
    with unknown, tree.of("feature/x", folder=folder):
        pass
    assert not folder.exists()
