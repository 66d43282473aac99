"""The picture in the README is the one that production's templates give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.infra.synthesized import Assembly

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_what_the_templates_say(prod: Assembly) -> None:
    drawn = subprocess.run(
        [sys.executable, ROOT / "scripts" / "architecture.py", prod.directory],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert drawn.strip() in (ROOT / "README.md").read_text(), "draw it anew: make architecture"
