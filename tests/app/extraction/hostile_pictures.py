"""Files made to harm who opens them."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from PIL import Image

MEGABYTE = 1_000_000


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png(*chunks: bytes, width: int = 100, height: int = 100, pixels: bytes | None = None) -> bytes:
    """A PNG of RGB pixels with further chunks before them; `pixels` as compressed, grey by default."""
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes((width * 3 + 1) * height)) if pixels is None else pixels
    ends = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + ends


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))


def zeros(megabytes: int) -> bytes:
    """So many of them, compressed a thousandfold."""
    pack = zlib.compressobj(9)
    return b"".join(pack.compress(bytes(MEGABYTE)) for _ in range(megabytes)) + pack.flush()


def exif(*, entries: int, size: int) -> bytes:
    """A directory in which each entry claims the same `size` bytes."""
    start = 8 + 2 + 12 * entries + 4
    directory = b"".join(struct.pack("<HHII", 1 + number, 7, size, start) for number in range(entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + directory + bytes(4 + size)


def jpeg_with_exif(tiff: bytes) -> bytes:
    """EXIF larger than a segment is spread over many, as readers put it together again."""
    start = encoded(Image.new("RGB", (100, 100), "grey"), "JPEG")
    parts = [b"Exif\0\0" + tiff[at : at + 65_000] for at in range(0, len(tiff), 65_000)]
    return start[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(p) + 2) + p for p in parts) + start[20:]


def jpeg_of_passes(side: int, passes: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * passes + b"\xff\xd9"


def webp_of_canvas(width: int, height: int) -> bytes:
    """A small WebP that claims a large canvas around its picture."""
    picture = encoded(Image.new("RGB", (64, 64)), "WEBP", lossless=True)[12:]
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + canvas + picture
    return b"RIFF" + struct.pack("<I", len(body)) + body


def with_archive(picture: bytes) -> bytes:
    """A file that is a ZIP archive as well."""
    out = io.BytesIO()
    out.write(picture)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("index.txt", "hidden")
    return out.getvalue()


def mutations(good: bytes, *, count: int, seed: int) -> Iterator[bytes]:
    """The file with bytes flipped, cut out, doubled, swapped or made into extreme numbers."""
    noise = random.Random(seed)  # noqa: S311 - repeatable
    changes: tuple[Callable[[bytearray, random.Random], None], ...] = (_flip, _cut, _double, _extreme, _truncate)
    for _ in range(count):
        data = bytearray(good)
        for _ in range(noise.choice((1, 1, 2, 4, 16))):
            noise.choice(changes)(data, noise)
        yield bytes(data)


def _place(data: bytearray, noise: random.Random) -> int:
    # Half of all changes hit the headers, where they matter most.
    return noise.randrange(min(len(data), noise.choice((64, 700, len(data)))) or 1)


def _flip(data: bytearray, noise: random.Random) -> None:
    if data:
        data[_place(data, noise)] ^= 1 << noise.randrange(8)


def _cut(data: bytearray, noise: random.Random) -> None:
    at = _place(data, noise)
    del data[at : at + noise.randint(1, 40)]


def _double(data: bytearray, noise: random.Random) -> None:
    at = _place(data, noise)
    data[at:at] = data[at : at + noise.randint(1, 200)]


def _extreme(data: bytearray, noise: random.Random) -> None:
    at = _place(data, noise)
    data[at : at + 4] = noise.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1"))


def _truncate(data: bytearray, noise: random.Random) -> None:
    if noise.random() < 0.2:
        del data[_place(data, noise) :]
