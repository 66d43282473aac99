"""Copies of single base backups between the buckets of two regions, as CopyDBSnapshot makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localcloud import backup_store
from localcloud.emulator.internal import client


def copy(server: str, backup_id: str, *, source: str, target: str) -> None:
    """Copy a base backup with the write-ahead log from its beginning to its end."""
    if source == target:
        return
    bucket = backup_store.bucket(source)
    s3 = client("s3", source)
    base = f"{server}/base/{backup_id}/"
    info = s3.get_object(Bucket=bucket, Key=f"{base}backup.info")["Body"].read().decode()
    facts = dict(line.split("=", 1) for line in info.splitlines() if "=" in line)
    first, last = facts["begin_wal"], facts["end_wal"]
    wal = [
        key
        for key in _keys(s3, bucket, f"{server}/wals/")
        if first <= key.rsplit("/", 1)[-1][:24] <= last or key.endswith((".history", ".history.gz"))
    ]
    for key in [*_keys(s3, bucket, base), *wal]:
        client("s3", target).copy_object(
            Bucket=backup_store.bucket(target), Key=key, CopySource={"Bucket": bucket, "Key": key}
        )


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (each["Key"] for each in page.get("Contents", []))
