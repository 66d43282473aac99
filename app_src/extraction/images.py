"""From uploaded bytes to pixels. The bytes are hostile: what they claim to be counts for nothing."""

from __future__ import annotations

import io
import re

from PIL import Image, ImageOps

from extraction.errors import RejectedImageError

MAX_BYTES = 25 * 1024 * 1024
MAX_SIDE = 16_000
MAX_PIXELS = 60_000_000
MIN_SIDE = 48

# Decoders tried, and no others: Pillow knows dozens, each one more way in.
_FORMATS = ("JPEG", "PNG", "WEBP")
_CONTENT_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# Six bytes at least, so that compressed pixels practically never spell one by chance.
_MARKUP = re.compile(rb"<script|<html|<!doctype|<\?php|<svg[\s>]|<iframe|javascript:", re.IGNORECASE)


def content_type_of(data: bytes) -> str | None:
    """The media type by signature, or None for anything we do not take. Opens nothing."""
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def open_photo(data: bytes, *, longest_side: int | None = None) -> Image.Image:
    """Decode one still photograph completely, upright, as RGB.

    Args:
        data: The bytes as uploaded.
        longest_side: Shrink the picture to this many pixels at most; keeps the memory for huge ones small.

    Raises:
        RejectedImageError: Not a whole, still JPEG, PNG or WebP of sensible size; the reason says which.
    """
    _check_container(data)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_header(image)
            if longest_side:
                image.draft("RGB", (longest_side, longest_side))  # JPEG only: decodes at 1/2, 1/4 or 1/8
            image.load()
            upright = ImageOps.exif_transpose(image)
            if longest_side:
                upright.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
            return _flatten(upright)
    except RejectedImageError:
        raise
    except Image.DecompressionBombError as error:
        raise RejectedImageError("The picture is larger than we open.") from error
    except MemoryError as error:
        raise RejectedImageError("The picture needs more memory than we give it.") from error
    except Exception as error:  # decoders raise whatever broken bytes provoke
        raise RejectedImageError("The picture is damaged or incomplete.") from error


def _check_container(data: bytes) -> None:
    if not data:
        raise RejectedImageError("The file is empty.")
    if len(data) > MAX_BYTES:
        raise RejectedImageError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB.")
    if content_type_of(data) is None:
        raise RejectedImageError("The file is not a JPEG, PNG or WebP picture.")
    if _MARKUP.search(data):
        raise RejectedImageError("The file carries markup or a script beside the picture.")


def _check_header(image: Image.Image) -> None:
    width, height = image.size
    if image.format not in _CONTENT_TYPES:
        raise RejectedImageError("The file is not a JPEG, PNG or WebP picture.")
    # A JPEG of several pictures (MPO, from many phones) is a photograph with a preview, not an animation.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise RejectedImageError("The picture is animated.")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise RejectedImageError(f"The picture is larger than we open ({width} x {height} pixels).")
    if min(width, height) < MIN_SIDE:
        raise RejectedImageError(f"The picture is too small to read ({width} x {height} pixels).")


def _flatten(image: Image.Image) -> Image.Image:
    """RGB on white; 16-bit grey is scaled, where Pillow's own conversion would clip it to white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
