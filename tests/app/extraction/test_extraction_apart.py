"""Text recognized in a process of its own: the same words, and no process or memory left."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
from receipt_images import CAFE_MY, draw, photograph

from extraction import RetryableExtractionError, apart, local

APPLICATION = Path(__file__).resolve().parents[3] / "app_src"
MOST_MIB = 340
"""What the process takes at the most for a picture like this: 285 MiB were measured, and 445 without its settings."""


_READ = """
import resource, sys
from PIL import Image
from extraction import apart
apart.recognize(Image.open(sys.argv[1]).convert("RGB"))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def test_it_reads_the_same_words() -> None:
    photo = photograph(draw(CAFE_MY, tilt=4))
    assert apart.recognize(photo).to_json() == local.recognize(photo).to_json()


def test_it_ends_within_its_memory(tmp_path: Path) -> None:
    picture, photo = tmp_path / "photo.png", photograph(draw(CAFE_MY, tilt=4))
    photo.resize((2 * photo.width, 2 * photo.height)).save(picture)
    # Of a process that has no other children: the system only tells the largest of all.
    said = subprocess.run(
        [sys.executable, "-c", _READ, str(picture)], cwd=APPLICATION, capture_output=True, text=True, check=True
    )
    assert int(said.stdout) < MOST_MIB


def test_who_only_asks_loads_neither_models_nor_opencv() -> None:
    asks = (
        "import extraction.apart, extraction.local, sys; print({'cv2', 'onnxruntime', 'rapidocr'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", asks], cwd=APPLICATION, capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


def test_a_reading_that_takes_too_long_is_ended_and_may_be_tried_again() -> None:
    with pytest.raises(RetryableExtractionError, match=r"longer than 0\.05 s"):
        apart.recognize(draw(CAFE_MY), seconds=0.05)
    assert not children()


def test_a_process_that_dies_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MEMORY", {"PYTHONPATH": os.devnull, "PYTHONHOME": os.devnull})
    with pytest.raises(RetryableExtractionError, match="ended with 1"):
        apart.recognize(draw(CAFE_MY))


def test_one_picture_at_a_time_on_a_machine() -> None:
    found = find_spec("rapidocr")
    assert found and found.origin
    ended = threading.Event()

    def read() -> None:
        with pytest.raises(RetryableExtractionError):
            apart.recognize(draw(CAFE_MY), seconds=0.05)
        ended.set()

    reader = threading.Thread(target=read)
    with Path(found.origin).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # only who wants it alone waits for this
        reader.start()
        assert not ended.wait(1), "another one has the turn"
        assert not children()
    reader.join(timeout=60)
    assert ended.is_set()


def children() -> list[str]:
    """The processes of ours that read."""
    of_ours = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    commands = [Path(f"/proc/{each}/cmdline").read_text() for each in of_ours if Path(f"/proc/{each}").exists()]
    return [each for each in commands if apart.__name__ in each]
