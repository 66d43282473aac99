"""From uploaded bytes to pixels. The bytes are hostile: what they claim to be counts for nothing."""

from __future__ import annotations

import io
import re

from PIL import Image

from extraction.containers import Container, kind_of, stripped
from extraction.errors import RejectedImageError

MAX_BYTES = 25 * 1024 * 1024
MAX_SIDE = 16_000
MAX_PIXELS = 60_000_000
MAX_DECODED_PIXELS = 10 * MAX_PIXELS
"""Pixels times passes: a progressive JPEG is decoded once for each of its scans."""

MIN_SIDE = 48

_CONTENT_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# Six bytes at least, so that compressed pixels practically never spell one by chance.
_MARKUP = re.compile(rb"<script|<html|<!doctype|<\?php|<svg[\s>]|<iframe|javascript:", re.IGNORECASE)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each of EXIF's orientations."""


def content_type_of(data: bytes) -> str | None:
    """The media type by signature, or None for anything we do not take. Opens nothing."""
    kind = kind_of(data)
    return _CONTENT_TYPES[kind] if kind else None


def open_photo(data: bytes, *, longest_side: int | None = None) -> Image.Image:
    """Decode one still photograph completely, upright, as RGB and without any of its metadata.

    Args:
        data: The bytes as uploaded.
        longest_side: Shrink the picture to this many pixels at most; keeps the memory for huge ones small.

    Raises:
        RejectedImageError: Not a whole, still JPEG, PNG or WebP of sensible size; the reason says which.
    """
    _check_bytes(data)
    container = stripped(data)
    _check_size(container)
    try:
        # One decoder, and no others: Pillow knows dozens, each one more way in.
        with Image.open(io.BytesIO(container.data), formats=(container.kind,)) as image:
            if image.size != (container.width, container.height):
                raise RejectedImageError("The picture's parts contradict each other.")
            if getattr(image, "is_animated", False):
                raise RejectedImageError("The picture is animated.")
            if longest_side:
                image.draft("RGB", (longest_side, longest_side))  # JPEG only: decodes at 1/2, 1/4 or 1/8
            image.load()
            photo = _plain(image)
            if longest_side:
                photo.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
            photo = _on_paper(photo)
            if container.orientation in _UPRIGHT:
                photo = photo.transpose(_UPRIGHT[container.orientation])
            photo.info = {}  # Pillow would write a comment or a profile it finds here into the next file
            return photo
    except RejectedImageError:
        raise
    except Image.DecompressionBombError as error:
        raise RejectedImageError("The picture is larger than we open.") from error
    except MemoryError as error:
        raise RejectedImageError("The picture needs more memory than we give it.") from error
    except Exception as error:  # decoders raise whatever broken bytes provoke
        raise RejectedImageError("The picture is damaged or incomplete.") from error


def _check_bytes(data: bytes) -> None:
    if not data:
        raise RejectedImageError("The file is empty.")
    if len(data) > MAX_BYTES:
        raise RejectedImageError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB.")
    if kind_of(data) is None:
        raise RejectedImageError("The file is not a JPEG, PNG or WebP picture.")
    if _MARKUP.search(data):
        raise RejectedImageError("The file carries markup or a script beside the picture.")
    if b"%PDF-" in data[:1024] or _is_archive(data):
        raise RejectedImageError("The file is a document or an archive as well as a picture.")


def _is_archive(data: bytes) -> bool:
    """Whether a ZIP reader would take the file: it looks for the directory's end record, which ends with the file.

    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.16
    """
    at = data.rfind(b"PK\x05\x06", -22 - 0xFFFF)
    return at >= 0 and at + 22 + int.from_bytes(data[at + 20 : at + 22], "little") == len(data)


def _check_size(container: Container) -> None:
    width, height = container.width, container.height
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise RejectedImageError(f"The picture is larger than we open ({width} x {height} pixels).")
    if min(width, height) < MIN_SIDE:
        raise RejectedImageError(f"The picture is too small to read ({width} x {height} pixels).")
    if width * height * container.scans > MAX_DECODED_PIXELS:
        raise RejectedImageError(f"The picture is too large for its {container.scans} passes.")


def _plain(image: Image.Image) -> Image.Image:
    """RGB or RGBA, which can be scaled; 16-bit grey keeps its shades, where Pillow's own conversion clips to white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 257).convert("L")
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)  # which copies in any case, and they are large


def _on_paper(image: Image.Image) -> Image.Image:
    """What is transparent becomes white."""
    if image.mode == "RGB":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper
