"""Text recognition in a process of its own, which ends with the picture and gives back all its memory.

For a worker that has little of it. What it costs is the start of a process and of the models for each picture: a second
of a whole processor, against two or three for the reading itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

from extraction.errors import RetryableExtractionError
from extraction.page import Page

if TYPE_CHECKING:
    from PIL import Image

SECONDS = 90.0
"""After which a reading is given up, its turn not counted in."""

_APPLICATION = Path(__file__).resolve().parent.parent

# Blocks of a megabyte and more go back to the system as soon as they are free. By itself the C library raises its
# threshold with each of them, up to 32 MiB, and keeps what is smaller (mallopt(3), M_MMAP_THRESHOLD): 350 MiB at the
# most become 550.
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "1048576"}


def recognize(photo: Image.Image, *, seconds: float = SECONDS) -> Page:
    """All text on an RGB photograph, as `extraction.local.recognize` finds it.

    On one machine one picture is read at a time, whichever process asks: what is short there is memory.

    Raises:
        RetryableExtractionError: The process took longer than `seconds`, or died, of its memory for example.
    """
    with tempfile.TemporaryFile() as pixels, _turn():
        pixels.write(photo.tobytes())
        pixels.seek(0)
        try:
            done = subprocess.run(
                [sys.executable, "-m", __name__, str(photo.width), str(photo.height)],
                stdin=pixels,
                stdout=subprocess.PIPE,
                cwd=_APPLICATION,
                env={**os.environ, **_MEMORY},
                timeout=seconds,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise RetryableExtractionError(f"recognizing the text took longer than {seconds:g} s") from error
        except subprocess.CalledProcessError as error:
            raise RetryableExtractionError(f"the process that recognizes text ended with {error.returncode}") from error
    return Page.from_json(json.loads(done.stdout))


@contextmanager
def _turn() -> Iterator[None]:
    """Those who share the models' package, a machine's processes or a task's, take turns."""
    package = find_spec("rapidocr")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("rapidocr is not installed")
    with Path(package.origin).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _first_to_go() -> None:
    """Where memory runs out it is this process that the kernel ends, and not the worker (proc_pid_oom_score_adj(5))."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def _read(pixels: IO[bytes], *, width: int, height: int) -> Page:
    import numpy as np

    from extraction.ocr import read_words

    return read_words(np.memmap(pixels, dtype=np.uint8, mode="r", shape=(height, width, 3)))


def main() -> int:
    """Pixels on the standard input, the page as JSON on the standard output."""
    _first_to_go()
    width, height = (int(number) for number in sys.argv[1:])
    print(json.dumps(_read(sys.stdin.buffer, width=width, height=height).to_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
