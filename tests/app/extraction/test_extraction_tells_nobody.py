"""What reads receipts keeps to itself that it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_READ = """
import time
import numpy as np
from extraction.ocr import read_words
read_words(np.full((320, 320, 3), 255, np.uint8))
time.sleep(1)  # in which the library would have noted a first event
"""


def test_onnx_runtime_makes_no_telemetry(tmp_path: Path) -> None:
    # Its store of events and the identifier of the machine come first, in the home folder; it sends from there. It
    # would make neither where CI is set.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "XDG_", "ORT_"))}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _READ], env=environment, check=True, timeout=120)
    assert list(tmp_path.rglob("*onnx*")) == []
