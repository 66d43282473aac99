"""Deleting an account with all that belongs to it."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from accounts.models import User
from receipts import storage
from receipts.models import Receipt

BATCH = 500


def delete_account(user: User) -> None:
    """First the pictures, then the rows: whatever fails in between is done again by asking once more.

    A batch of receipts at a time, as some have very many. Raises StorageUnavailableError or DatabaseError.
    """
    _delete_pictures(prefix=storage.object_key(f"receipts/{user.id}/"))
    while ids := list(Receipt.objects.filter(user=user).values_list("id", flat=True)[:BATCH]):
        Receipt.objects.filter(id__in=ids).delete()
    user.delete()


def _delete_pictures(*, prefix: str) -> None:
    """All under the prefix, whatever pictures there are of a receipt; earlier versions go with the lifecycle."""
    client, bucket = storage.client(), settings.RECEIPTS_BUCKET
    try:
        for found in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [{"Key": each["Key"]} for each in found.get("Contents", [])]
            if not keys:
                continue
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            if answer.get("Errors"):
                raise storage.StorageUnavailableError(str(answer["Errors"][0]))
    except (ClientError, BotoCoreError) as error:
        raise storage.StorageUnavailableError(str(error)) from error
