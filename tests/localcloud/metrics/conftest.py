"""State folders and servers of these tests' own."""

from __future__ import annotations

from tests.localcloud.dataplane.conftest import state

__all__ = ["state"]
