"""What a picture file is made of, read with nothing but offsets, before any decoder sees it.

`stripped` hands on the parts that hold pixels and none of the others. Metadata is where files hide a place on the map,
a second file, or a bomb: an EXIF directory of 65,535 entries may ask its reader for terabytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from extraction.errors import RejectedImageError

MAX_PARTS = 20_000
"""Segments or chunks of one file. A PNG of 25 MiB written in parts of 8 KiB has 3,200."""

MAX_SCANS = 64
"""Scans of one progressive JPEG. Encoders write about 10; each costs a pass over the whole picture."""

_MAX_EXIF_ENTRIES = 1000
_ORIENTATION = 0x0112
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The end of a scan: an FF that is neither stuffed nor a restart marker nor a fill byte (ITU-T T.81, B.1.1)."""

Kind = Literal["JPEG", "PNG", "WEBP"]


@dataclass(frozen=True, kw_only=True)
class Container:
    """`data` is a whole file again, without metadata; `orientation` is EXIF's, 1 to 8; `scans` is 1 but in JPEG."""

    kind: Kind
    data: bytes
    width: int
    height: int
    orientation: int = 1
    scans: int = 1


def kind_of(data: bytes) -> Kind | None:
    """The format by signature, or None for anything we do not take."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def stripped(data: bytes) -> Container:
    """Raises RejectedImageError for another format, an animation, and a file whose parts do not fit together."""
    try:
        match kind_of(data):
            case "JPEG":
                return _jpeg(data)
            case "PNG":
                return _png(data)
            case "WEBP":
                return _webp(data)
    except (struct.error, IndexError) as error:
        raise _damaged() from error
    raise RejectedImageError("The file is not a JPEG, PNG or WebP picture.")


def _damaged() -> RejectedImageError:
    return RejectedImageError("The picture is damaged or incomplete.")


# ---- JPEG: segments with lengths, and entropy-coded scans that end at the next marker ----

_SOF = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive: what decoders of photographs know
_OTHER_SOF = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_TABLES = frozenset({0xC4, 0xDB, 0xDD})  # Huffman, quantization, restart interval
_JFIF, _EXIF, _ADOBE = 0xE0, 0xE1, 0xEE
_SOS, _EOI, _DNL = 0xDA, 0xD9, 0xDC


def _jpeg(data: bytes) -> Container:
    kept, orientation, size, scans = [data[:2]], 1, None, 0
    at = 2
    for _ in range(MAX_PARTS):
        if data[at] != 0xFF:
            raise _damaged()
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == _EOI:
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise _damaged()
        body = data[at + 4 : end]
        if marker in _SOF:
            if size:
                raise _damaged()
            size = struct.unpack_from(">HH", body, 1)
        elif marker in _OTHER_SOF or marker == _DNL:
            raise RejectedImageError("The picture is a kind of JPEG that we do not open.")
        elif marker == _SOS:
            scans += 1
            found = _MARKER.search(data, end)
            if found is None:
                raise _damaged()
            end = found.start()
        elif marker == _EXIF and orientation == 1 and body[:6] == b"Exif\0\0":
            orientation = _exif_orientation(body[6:])
        if marker in _SOF or marker in _TABLES or marker == _SOS or _is_colour(marker, body):
            kept.append(data[at:end])
        at = end
    else:
        raise RejectedImageError("The file has too many parts.")
    if size is None or not scans:
        raise _damaged()
    if scans > MAX_SCANS:
        raise RejectedImageError(f"The picture comes in {scans} passes; at most {MAX_SCANS} are opened.")
    height, width = size
    return Container(
        kind="JPEG",
        data=b"".join([*kept, b"\xff\xd9"]),
        width=width,
        height=height,
        orientation=orientation,
        scans=scans,
    )


def _is_colour(marker: int, body: bytes) -> bool:
    """The two application segments that say how samples become colours."""
    return (marker == _JFIF and body[:5] == b"JFIF\0") or (marker == _ADOBE and body[:5] == b"Adobe")


# ---- PNG: chunks with length, type and checksum ----

_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def _png(data: bytes) -> Container:
    kept, orientation = [data[:8]], 1
    kinds = set()
    for kind, whole, body in _png_chunks(data):
        kinds.add(kind)
        if kind == b"acTL":
            raise RejectedImageError("The picture is animated.")
        if kind == b"eXIf" and orientation == 1:
            orientation = _exif_orientation(body)
        if kind in _PIXEL_CHUNKS:
            kept.append(whole)
    if not {b"IHDR", b"IDAT", b"IEND"} <= kinds or data[12:16] != b"IHDR":
        raise _damaged()
    width, height = struct.unpack_from(">II", data, 16)
    return Container(kind="PNG", data=b"".join(kept), width=width, height=height, orientation=orientation)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = 8
    for _ in range(MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise _damaged()
        yield kind, data[at:end], data[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end
    raise RejectedImageError("The file has too many parts.")


# ---- WebP: RIFF chunks, of even length ----

_CANVAS = 10
"""Bytes of a VP8X chunk: flags, three reserved bytes, and the canvas in two numbers of three bytes, each less one."""


def _webp(data: bytes) -> Container:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise _damaged()
    kept, orientation, canvas, picture = [], 1, None, None
    for kind, whole, body in _riff_chunks(data[: size + 8]):
        if kind in (b"ANIM", b"ANMF"):
            raise RejectedImageError("The picture is animated.")
        if kind == b"EXIF" and orientation == 1:
            orientation = _exif_orientation(body.removeprefix(b"Exif\0\0"))
        elif kind == b"VP8X":
            canvas = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:_CANVAS], "little"))
        elif kind in (b"VP8 ", b"VP8L"):
            if picture:
                raise _damaged()
            picture = _vp8_size(body) if kind == b"VP8 " else _vp8l_size(body)
            kept.append(whole)
        elif kind == b"ALPH":
            kept.append(whole)
    if picture is None or (canvas and canvas != picture):
        raise _damaged()
    width, height = picture
    if canvas:
        has_alpha = any(part[:4] in (b"ALPH", b"VP8L") for part in kept)
        kept.insert(0, _vp8x(width, height, has_alpha=has_alpha))
    body = b"WEBP" + b"".join(kept)
    return Container(
        kind="WEBP",
        data=b"RIFF" + struct.pack("<I", len(body)) + body,
        width=width,
        height=height,
        orientation=orientation,
    )


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = 12
    for _ in range(MAX_PARTS):
        if at >= len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length
        if end > len(data):
            raise _damaged()
        body = data[at + 8 : end]
        yield kind, data[at:end] + b"\0" * (length % 2), body
        at = end + length % 2
    raise RejectedImageError("The file has too many parts.")


def _vp8_size(body: bytes) -> tuple[int, int]:
    """RFC 6386, section 9.1: 14 bits each, behind the frame's tag and start code."""
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _vp8l_size(body: bytes) -> tuple[int, int]:
    """RFC 9649, section 3.4: 14 bits each, less one, behind the signature byte."""
    (bits,) = struct.unpack_from("<I", body, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _vp8x(width: int, height: int, *, has_alpha: bool) -> bytes:
    flags = bytes([0x10 if has_alpha else 0, 0, 0, 0])
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X" + struct.pack("<I", _CANVAS) + flags + sides


# ---- EXIF: one number of it ----


def _exif_orientation(tiff: bytes) -> int:
    """The orientation in the first directory, 1 when there is none: nothing else of EXIF is ever read."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, first)
        for index in range(min(entries, _MAX_EXIF_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * index)
            if tag == _ORIENTATION:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
