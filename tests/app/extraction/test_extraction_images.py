"""Hostile bytes: what may be opened, and that everything else is refused with a reason and little memory."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image
from receipt_images import CAFE_MY, draw, encode

from extraction.errors import RejectedImageError
from extraction.images import MAX_BYTES, content_type_of, open_photo

APP = Path(__file__).resolve().parents[3] / "app_src"


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return draw(CAFE_MY)


def refusal(data: bytes) -> str:
    with pytest.raises(RejectedImageError) as caught:
        open_photo(data)
    return caught.value.reason


def png(width: int, height: int, *, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "media"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_the_three_formats_open(photo: Image.Image, kind: str, media: str) -> None:
    data = encode(photo, kind)
    assert content_type_of(data) == media
    opened = open_photo(data)
    assert (opened.mode, opened.size) == ("RGB", photo.size)


def test_a_large_photo_is_shrunk_to_the_longest_side(photo: Image.Image) -> None:
    assert max(open_photo(encode(photo.resize((3000, 4000))), longest_side=1000).size) == 1000


def test_exif_orientation_is_applied(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    opened = open_photo(encode(photo.rotate(90, expand=True), exif=exif))
    assert opened.size == photo.size
    box = (0, 0, photo.width, 120)
    difference = sum(abs(a - b) for a, b in zip(opened.crop(box).convert("L").tobytes(),
                                                photo.crop(box).convert("L").tobytes(), strict=True))  # fmt: skip
    assert difference / (photo.width * 120) < 6  # the shop's name is at the top, not upside down


def test_transparency_becomes_white_paper() -> None:
    assert open_photo(encode(Image.new("RGBA", (100, 100), (0, 0, 0, 0)), "PNG")).getpixel((50, 50)) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_shades() -> None:
    assert 120 <= open_photo(encode(Image.new("I;16", (100, 100), 32768), "PNG")).getpixel((50, 50))[0] <= 136


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"%PDF-1.7 ...",
        b"GIF89a" + bytes(100),
        b"\0\0\0\x18ftypheic" + bytes(100),
        b"II*\0" + bytes(100),
        b"\xff\xd8",
        b"just text",
    ],
)
def test_other_types_are_refused_by_content(data: bytes) -> None:
    assert refusal(data) == "The file is not a JPEG, PNG or WebP picture."


def test_empty_and_oversized_files_are_refused() -> None:
    assert refusal(b"") == "The file is empty."
    assert "25 MiB" in refusal(b"\xff\xd8\xff" + bytes(MAX_BYTES))


def test_a_page_hidden_in_a_picture_is_refused(photo: Image.Image) -> None:
    assert "markup" in refusal(encode(photo) + b"<script>alert(1)</script>")
    assert "markup" in refusal(encode(photo, comment=b"<?php system($_GET['c']); ?>"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_refused(kind: str) -> None:
    frames = [Image.new("RGB", (100, 100), colour) for colour in ("red", "green", "blue")]
    assert refusal(encode(frames[0], kind, save_all=True, append_images=frames[1:])) == "The picture is animated."


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(photo: Image.Image, kind: str, share: float) -> None:
    data = encode(photo, kind)
    assert refusal(data[: int(len(data) * share)]) == "The picture is damaged or incomplete."


def test_huge_dimensions_are_refused_from_the_header_alone() -> None:
    assert "larger than we open" in refusal(png(60_000, 60_000))
    assert "9000 x 9000" in refusal(png(9_000, 9_000))  # more than we open, though less than Pillow's own limit
    assert "20000 x 100" in refusal(png(20_000, 100))
    assert "too small" in refusal(png(10, 10, data=zlib.compress(bytes(310))))


BOMBS = """
import resource, sys, zlib
sys.path[:0] = [{app!r}, {tests!r}]
from PIL import Image
from test_extraction_images import encode, png
from extraction.images import RejectedImageError, open_photo
import io
pixels = zlib.compressobj(9)
packed = b"".join(pixels.compress(bytes(15_001 * 3)) for _ in range(15_000)) + pixels.flush()
bombs = [png(15_000, 15_000, data=packed)]
webp = bytearray(encode(Image.new("RGB", (64, 64)), "WEBP", lossless=True))
bits = 16383 | 16383 << 14 | int.from_bytes(webp[21:25], "little") & 0xF0000000
webp[21:25] = bits.to_bytes(4, "little")
bombs.append(bytes(webp))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for bomb in bombs:
    try:
        open_photo(bomb)
    except RejectedImageError as error:
        print(error.reason)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_decompression_bombs_cost_little_memory() -> None:
    code = BOMBS.format(app=str(APP), tests=str(Path(__file__).parent))
    lines = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split("\n")
    assert "larger than we open" in lines[0]
    assert "larger than we open" in lines[1]
    assert int(lines[2]) < 100


def test_broken_bytes_never_raise_anything_else(photo: Image.Image) -> None:
    small = photo.resize((160, 200))
    noise = random.Random(7)  # noqa: S311 - repeatable
    for kind in ("JPEG", "PNG", "WEBP"):
        good = encode(small, kind)
        for _ in range(120):
            data = bytearray(good)
            for _ in range(noise.randint(1, 20)):
                data[noise.randrange(4, len(data))] = noise.randrange(256)
            try:
                assert open_photo(bytes(data)).mode == "RGB"
            except RejectedImageError as error:
                assert error.reason.endswith(".")


def test_location_does_not_survive(photo: Image.Image) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    opened = open_photo(encode(photo, exif=exif))
    buffer = io.BytesIO()
    opened.save(buffer, "JPEG")
    assert not Image.open(buffer).getexif().get_ifd(0x8825)
