"""The number on a picture is read back after what the application does to pictures; days differ."""

from __future__ import annotations

import io
import random
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from localcloud.drill.faults import pictures
from localcloud.drill.faults.client import Book
from localcloud.ledger.entries import Ledger


@pytest.mark.parametrize("number", [0, 1, 1365, pictures.MOST - 1])
@pytest.mark.parametrize("scale", [1.0, 0.55, 2.1])
def test_a_number_survives_scaling_and_compression(number: int, scale: float) -> None:
    with Image.open(io.BytesIO(pictures.draw(number))) as drawn:
        scaled = drawn.resize((round(drawn.width * scale), round(drawn.height * scale)))
    file = io.BytesIO()
    scaled.convert("RGB").save(file, format="JPEG", quality=60)
    assert pictures.number_of(Image.open(file)) == number


def test_every_number_has_a_day_of_its_own() -> None:
    numbers = range(0, pictures.MOST, 40)
    assert len({pictures.day(number) for number in numbers}) == len(numbers)
    assert pictures.draw(3) != pictures.draw(4)


def test_no_picture_has_a_number_that_another_turn_has_used(tmp_path: Path) -> None:
    left = 5
    used = set(range(pictures.MOST)) - {left}
    with closing(Ledger(tmp_path / "ledger.jsonl")) as ledger:
        book = Book(ledger=ledger, numbers=random.Random(), used=used)  # noqa: S311
        with Image.open(io.BytesIO(book.picture())) as drawn:
            assert pictures.number_of(drawn) == left
    assert left in used
