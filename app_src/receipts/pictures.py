"""What people get to see of a receipt: a thumbnail and a copy of the photograph, encoded anew from its pixels.

The uploaded original stays as it came, as evidence. It may carry where it was taken, or worse, so that no address of it
is ever handed out; its owner may download it through the API.
"""

from __future__ import annotations

import io

from django.db import transaction
from django.utils import timezone
from PIL import Image

from extraction.likeness import fingerprint
from extraction.page import PHOTO_SIDE
from receipts import duplicates, storage
from receipts.models import DeletedReceipt, Receipt

THUMBNAIL_SIDE = 320
"""Longest side in pixels."""

CACHE_CONTROL = "max-age=86400, immutable"
"""A day: addresses change within minutes, so this is for the CDN, which must forget what was deleted."""

_QUALITY = 85


def thumbnail_key(receipt: Receipt) -> str:
    """Below a folder of the user's own thumbnails, so that one signature can open these and nothing else."""
    return f"receipts/{receipt.user_id}/thumbnails/{receipt.id}.jpg"


def photo_key(receipt: Receipt) -> str:
    return f"receipts/{receipt.user_id}/photos/{receipt.id}.jpg"


def keep(receipt: Receipt, photo: Image.Image, *, content_sha256: str) -> None:
    """Store thumbnail and copy of an upright RGB photograph, once, and what the columns say about it.

    Raises StorageUnavailableError; whatever was stored until then is overwritten by the next attempt.
    """
    if receipt.pictures_at:
        return
    shown = _shrunk(photo, PHOTO_SIDE)
    for key, picture in ((photo_key(receipt), shown), (thumbnail_key(receipt), _shrunk(shown, THUMBNAIL_SIDE))):
        storage.write(key, _encoded(picture), content_type="image/jpeg", cache_control=CACHE_CONTROL)
    receipt.width, receipt.height = shown.size
    receipt.fingerprint, receipt.pictures_at = fingerprint(shown), timezone.now()
    receipt.content_sha256 = content_sha256  # known from here on, as what is read of the image is kept under it
    names = ("width", "height", "fingerprint", "pictures_at", "content_sha256")
    columns = {name: getattr(receipt, name) for name in names}
    if not Receipt.objects.filter(id=receipt.id).update(**columns):
        delete_objects(receipt)  # the receipt was deleted meanwhile
        DeletedReceipt.objects.filter(receipt_id=receipt.id).update(content_sha256=content_sha256)


def delete(receipt: Receipt) -> None:
    """Delete the receipt and all that the bucket holds of it, or nothing. Raises StorageUnavailableError.

    The row goes first, though it is committed last: a worker that stores pictures just now waits for it in `keep`, and
    then finds it gone.
    """
    with transaction.atomic():
        row = Receipt.objects.select_for_update().filter(id=receipt.id).first()
        if row is None:  # somebody else was faster
            return
        duplicates.release(row)
        row.delete()
        delete_objects(receipt)


def keys(receipt: Receipt) -> tuple[str, ...]:
    """Of all that the bucket may hold of a receipt."""
    return thumbnail_key(receipt), photo_key(receipt), receipt.key


def delete_objects(receipt: Receipt) -> None:
    """Raises StorageUnavailableError."""
    for key in keys(receipt):
        storage.delete(key)


def _shrunk(photo: Image.Image, side: int) -> Image.Image:
    if max(photo.size) <= side:
        return photo
    scale = side / max(photo.size)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encoded(picture: Image.Image) -> bytes:
    # A picture of its own: Pillow writes comments and profiles that it finds in `info`.
    bare = picture.copy()
    bare.info = {}
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=_QUALITY, progressive=True)
    return out.getvalue()
