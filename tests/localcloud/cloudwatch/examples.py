"""Published examples, kept as data with their source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / f"{name}.json").read_text())["rows"]
    assert found
    return found
