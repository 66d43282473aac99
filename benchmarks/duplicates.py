"""How far apart pictures of one receipt are, and of two, and whether what is printed tells them apart.

    python -m benchmarks.duplicates FOLDER [--texts N]

prints distances of fingerprints for the images of a folder, altered as phones, messengers and people do. With --texts,
N of them are recognized as they are and as photographed a second time: all pairs are compared by their text.
"""

from __future__ import annotations

import argparse
import io
import itertools
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "app_src"))

from extraction.images import open_photo
from extraction.likeness import distance, fingerprint, printed, same_receipt
from extraction.local import read_page, recognize
from extraction.page import PHOTO_SIDE

_TABLE = (110, 100, 90)


def recompressed(photo: Image.Image) -> Image.Image:
    return _jpeg(photo.resize((photo.width * 4 // 5, photo.height * 4 // 5)), quality=35)


def cropped(photo: Image.Image) -> Image.Image:
    """3 % off each side."""
    left, top = photo.width * 3 // 100, photo.height * 3 // 100
    return photo.crop((left, top, photo.width - left, photo.height - top))


def brighter(photo: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(photo).enhance(1.3)


def turned(photo: Image.Image) -> Image.Image:
    return photo.rotate(2, resample=Image.Resampling.BICUBIC, fillcolor="white")


def photographed_again(photo: Image.Image) -> Image.Image:
    """On a table, from a little aside, a little dimmer, less sharp, compressed."""
    chance = random.Random(1)  # noqa: S311 - repeatable
    margin = max(photo.size) * 6 // 100
    table = Image.new("RGB", (photo.width + 2 * margin, photo.height + 2 * margin), _TABLE)
    table.paste(photo, (margin, margin))
    (width, height), slack = table.size, 0.02 * max(table.size)
    corners = [(0, 0), (0, height), (width, height), (width, 0)]
    seen = [value + chance.uniform(-slack, slack) for corner in corners for value in corner]
    again = table.transform(table.size, Image.Transform.QUAD, seen, Image.Resampling.BICUBIC, fillcolor=_TABLE)
    again = again.rotate(chance.uniform(-1.5, 1.5), resample=Image.Resampling.BICUBIC, fillcolor=_TABLE)
    dimmed = ImageEnhance.Brightness(again).enhance(chance.uniform(0.75, 1.1))
    return _jpeg(dimmed.filter(ImageFilter.GaussianBlur(0.6)), quality=70)


def _jpeg(photo: Image.Image, *, quality: int) -> Image.Image:
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=quality)
    return open_photo(out.getvalue())


_ALTERED: tuple[Callable[[Image.Image], Image.Image], ...] = (
    recompressed,
    cropped,
    brighter,
    turned,
    photographed_again,
)


def _text(photo: Image.Image) -> str:
    photo.thumbnail((PHOTO_SIDE, PHOTO_SIDE))
    return read_page(recognize(photo)).text


def _spread(values: list[int]) -> str:
    values = sorted(values)
    return f"median {statistics.median(values):4.0f}  p90 {values[len(values) * 9 // 10]:4}  max {values[-1]:4}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=int, default=0)
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.iterdir() if path.suffix in {".jpg", ".jpeg", ".png", ".webp"})
    photos = {path.name: open_photo(path.read_bytes(), longest_side=PHOTO_SIDE) for path in files}
    prints = {name: fingerprint(photo) for name, photo in photos.items()}
    for alter in _ALTERED:
        far = [distance(prints[name], fingerprint(alter(photo))) for name, photo in photos.items()]
        print(f"{alter.__name__:20} {_spread(far)}")
    others = sorted(distance(one, other) for one, other in itertools.combinations(prints.values(), 2))
    print(f"{'different receipts':20} least {others[:5]}  median {statistics.median(others):.0f}")
    if arguments.texts:
        _compare_texts(dict(itertools.islice(photos.items(), arguments.texts)))


def _compare_texts(photos: dict[str, Image.Image]) -> None:
    texts = {
        (name, taken): printed(_text(take(photo)))
        for name, photo in photos.items()
        for taken, take in (("first", Image.Image.copy), ("again", photographed_again))
    }
    known = sum(same_receipt(texts[name, "first"], texts[name, "again"]) for name in photos)
    pairs = [pair for pair in itertools.combinations(texts, 2) if pair[0][0] != pair[1][0]]
    wrong = [pair for pair in pairs if same_receipt(texts[pair[0]], texts[pair[1]])]
    print(f"second photographs recognized by text: {known} of {len(photos)}")
    print(f"different receipts taken for one: {len(wrong)} of {len(pairs)} pairs {wrong}")


if __name__ == "__main__":
    main()
