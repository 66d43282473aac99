"""Uploads made to harm: refused with a reason, or opened without what they carry, in bounded time and memory."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_pictures import (
    chunk,
    encoded,
    exif,
    jpeg_of_passes,
    jpeg_with_exif,
    mutations,
    png,
    webp_of_canvas,
    with_archive,
    zeros,
)
from PIL import Image, ImageOps, PngImagePlugin

from extraction.containers import stripped
from extraction.errors import RejectedImageError
from extraction.images import open_photo

APP = Path(__file__).resolve().parents[3] / "app_src"
KINDS = ("JPEG", "PNG", "WEBP")

CONTAINED = """
import resource, sys
sys.path[:0] = [{app!r}, {tests!r}]
import test_extraction_hostile as tests
from extraction.images import RejectedImageError, open_photo
data = tests.BOMBS[sys.argv[1]]()
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(open_photo(data).size)
except RejectedImageError as error:
    print(error.reason)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
"""Opens one bomb where 2 GiB and 20 processor seconds are all there is; prints what came of it and the MiB it took."""

BOMBS = {
    "texts": lambda: png(*[chunk(b"zTXt", b"key\0\0" + zeros(50))] * 20),
    "profile": lambda: png(chunk(b"iCCP", b"profile\0\0" + zeros(200))),
    "XMP": lambda: png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros(100))),
    "pixels": lambda: png(pixels=zeros(500)),
    "EXIF in PNG": lambda: png(chunk(b"eXIf", exif(entries=60_000, size=5_000_000))),
    "EXIF in JPEG": lambda: jpeg_with_exif(exif(entries=60_000, size=5_000_000)),
    "passes": lambda: jpeg_of_passes(1000, 2000),
    "large passes": lambda: jpeg_of_passes(7000, 40),
    "parts": lambda: png(*[chunk(b"tEXt", b"")] * 100_000),
    "fill bytes": lambda: b"\xff\xd8" + b"\xff" * 20_000_000,
    "scan of fill bytes": lambda: jpeg_of_passes(100, 0)[:-2] + b"\xff" * 20_000_000,
    "canvas": lambda: webp_of_canvas(16_384, 16_384),
}
REFUSED = {
    "passes": "passes",
    "large passes": "passes",
    "parts": "too many parts",
    "fill bytes": "damaged",
    "scan of fill bytes": "damaged",
    "canvas": "damaged",
}
"""The others open as the small picture that they are, without what they carry."""


def refusal(data: bytes) -> str:
    with pytest.raises(RejectedImageError) as caught:
        open_photo(data)
    return caught.value.reason


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_little_memory_and_time(bomb: str) -> None:
    code = CONTAINED.format(app=str(APP), tests=str(Path(__file__).parent))
    ended = subprocess.run([sys.executable, "-c", code, bomb], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-2000:]
    outcome, mebibytes = ended.stdout.strip().split("\n")
    assert REFUSED.get(bomb, "(100, 100)") in outcome
    assert int(mebibytes) < 100
    assert not ended.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_no_mutation_raises_anything_else(kind: str) -> None:
    picture = Image.effect_noise((64, 72), 60).convert("RGB")
    good = [encoded(picture, kind), encoded(picture.convert("L"), kind, exif=_orientation(6))]
    good += [encoded(picture, kind, progressive=True)] if kind == "JPEG" else []
    good += [encoded(picture.convert("RGBA"), kind), encoded(picture, kind, lossless=True)] if kind != "JPEG" else []
    opened = refused = 0
    for number, original in enumerate(good):
        for data in mutations(original, count=1000, seed=number):
            try:
                photo = open_photo(data)
            except RejectedImageError as error:
                assert error.reason.endswith(".")
                refused += 1
            else:
                assert (photo.mode, photo.info) == ("RGB", {})
                opened += 1
    assert opened > 50 and refused > 1000, "too harmless or too harmful to tell anything"


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_or_a_document_in_a_picture_is_refused(kind: str) -> None:
    picture = encoded(Image.new("RGB", (100, 100)), kind)
    assert "archive" in refusal(with_archive(picture))
    document = {"JPEG": {"comment": b"%PDF-1.7"}, "PNG": {"pnginfo": _text("%PDF-1.7")}, "WEBP": {"exif": b"%PDF-1.7"}}
    assert "document" in refusal(encoded(Image.new("RGB", (30, 100)).resize((64, 64)), kind, **document[kind]))


def test_a_motion_photo_is_opened_without_its_film() -> None:
    photo = encoded(Image.new("RGB", (100, 100), "red"), "JPEG")
    assert open_photo(photo + b"\0\0\0\x18ftypmp42" + bytes(5000)).size == (100, 100)
    assert stripped(photo + b"\0\0\0\x18ftypmp42").data.endswith(b"\xff\xd9")


def test_a_photo_with_a_preview_is_opened_as_the_photo() -> None:
    pictures = [Image.new("RGB", (120, 100), "red"), Image.new("RGB", (60, 50), "blue")]
    data = encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    opened = open_photo(data)
    assert (opened.size, opened.getpixel((50, 50))[2] < 10) == ((120, 100), True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_metadata_reaches_the_decoder(kind: str) -> None:
    hidden = b"SECRET-PLACE-52.31N"
    options: dict[str, object] = {"exif": b"Exif\0\0MM\0*" + hidden, "icc_profile": bytes(40) + b"acsp" + hidden}
    options |= {"JPEG": {"comment": hidden}, "PNG": {"pnginfo": _text(hidden.decode())}, "WEBP": {"xmp": hidden}}[kind]
    data = encoded(Image.new("RGB", (100, 100), "red"), kind, **options)
    assert hidden in data
    assert hidden not in stripped(data).data
    assert open_photo(data).info == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright_whatever_the_camera_held(kind: str, orientation: int) -> None:
    """Compared with Pillow's own transposition, which reads EXIF in full."""
    picture = Image.linear_gradient("L").resize((90, 120)).convert("RGB")
    picture.paste((200, 0, 0), (0, 0, 45, 30))
    data = encoded(picture, kind, exif=_orientation(orientation), quality=95)
    with Image.open(io.BytesIO(data)) as reference:
        expected = ImageOps.exif_transpose(reference).convert("RGB")
    assert open_photo(data).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "odd",
    [
        ("JPEG", Image.new("CMYK", (100, 100), (0, 255, 255, 0))),
        ("PNG", Image.new("P", (100, 100), 1)),
        ("PNG", Image.new("1", (100, 100), 1)),
        ("PNG", Image.new("LA", (100, 100), (0, 0))),
        ("PNG", Image.new("I;16", (100, 100), 40_000)),
        ("WEBP", Image.new("RGBA", (100, 100), (0, 0, 0, 0))),
    ],
    ids=lambda odd: f"{odd[0]} {odd[1].mode}",
)
def test_odd_modes_open_at_any_size(odd: tuple[str, Image.Image]) -> None:
    data = encoded(odd[1], odd[0])
    assert open_photo(data).mode == "RGB"
    assert open_photo(data, longest_side=50).size == (50, 50)


def test_cmyk_keeps_its_colours() -> None:
    red = encoded(Image.new("CMYK", (100, 100), (0, 255, 255, 0)), "JPEG")
    assert open_photo(red).getpixel((50, 50))[0] > 200


@pytest.mark.parametrize("marker", [0xC3, 0xC9])
def test_kinds_of_jpeg_that_no_camera_writes_are_refused(marker: int) -> None:
    data = encoded(Image.new("RGB", (100, 100)), "JPEG").replace(b"\xff\xc0", bytes([0xFF, marker]))
    assert "kind of JPEG" in refusal(data)


def _orientation(value: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = value
    return made


def _text(value: str) -> PngImagePlugin.PngInfo:
    made = PngImagePlugin.PngInfo()
    made.add_text("Comment", value)
    return made
