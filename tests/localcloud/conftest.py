"""A local cloud of its own for each test: state folder and ports that no other one uses."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder, and a base port far from the default."""
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALCLOUD_BASE_PORT", "24500")
    return tmp_path / "home"
