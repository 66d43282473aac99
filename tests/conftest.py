"""Which tests may run side by side (`pytest --dist loadgroup`, see scripts/tests)."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two groups: a whole local cloud, which waits much of the time, and the parts, which share servers and ports."""
    for item in items:
        whole = item.path.relative_to(_HERE).parts[0] == "endtoend"
        item.add_marker(pytest.mark.xdist_group("whole" if whole else "parts"))
