"""Rolls a prefix of a versioned bucket back: `python -m pipelines.tools.roll_back BUCKET PREFIX TIME --write`.

What was overwritten since then gets its old content as a new version, what was deleted comes back, what is new gets a
delete marker. Nothing is removed, so a roll-back can be rolled back. S3's times are whole seconds: a version counts as
there at TIME when it was written in that second or before.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import boto3


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object; `marker` for a delete marker."""

    key: str
    version_id: str
    at: datetime
    latest: bool
    marker: bool
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What brings a key back: `copy` of the old version `version_id`, or `delete`."""

    key: str
    how: Literal["copy", "delete"]
    version_id: str = ""


def changes(versions: Iterable[Version], moment: datetime) -> Iterator[Change]:
    """What has to be done, key by key. Versions of a key come the newest first, as S3 lists them."""
    by_key: dict[str, list[Version]] = {}
    for version in versions:
        by_key.setdefault(version.key, []).append(version)
    for key, known in sorted(by_key.items()):
        now = next((each for each in known if each.latest), known[0])
        then = next((each for each in known if each.at <= moment), None)
        if then is None or then.marker:
            if not now.marker:
                yield Change(key=key, how="delete")
        elif now.marker or now.etag != then.etag:
            yield Change(key=key, how="copy", version_id=then.version_id)


def listed(s3: Any, bucket: str, prefix: str) -> Iterator[Version]:
    """All versions below a prefix, those of a key the newest first."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [(each, False) for each in page.get("Versions", [])]
        found += [(each, True) for each in page.get("DeleteMarkers", [])]
        # Of one second the later one in the list is the older one; a marker that is the latest is newer than all.
        for each, marker in sorted(
            found, key=lambda one: (one[0]["Key"], one[0]["LastModified"], one[0]["IsLatest"]), reverse=True
        ):
            yield Version(
                key=each["Key"],
                version_id=each["VersionId"],
                at=each["LastModified"],
                latest=each["IsLatest"],
                marker=marker,
                etag=each.get("ETag", ""),
            )


def carry_out(s3: Any, bucket: str, change: Change) -> None:
    """Do one change."""
    if change.how == "delete":
        s3.delete_object(Bucket=bucket, Key=change.key)
        return
    # In one call, which takes metadata along, and up to 5 GB.
    source = {"Bucket": bucket, "Key": change.key, "VersionId": change.version_id}
    s3.copy_object(Bucket=bucket, Key=change.key, CopySource=source)


def main(arguments: list[str] | None = None) -> int:
    """0 when it was done, or shown; 1 for a bucket without versions."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.tools.roll_back", description=__doc__)
    parser.add_argument("bucket")
    parser.add_argument("prefix", help="such as receipts/<user>/")
    parser.add_argument("time", type=datetime.fromisoformat, help="ISO 8601; UTC where it names no zone")
    parser.add_argument("--write", action="store_true", help="do it; without this it is only shown")
    options = parser.parse_args(arguments)
    moment = options.time if options.time.tzinfo else options.time.replace(tzinfo=UTC)
    s3 = boto3.client("s3")
    if s3.get_bucket_versioning(Bucket=options.bucket).get("Status") != "Enabled":
        print(f"{options.bucket} keeps no versions: nothing can be rolled back", file=sys.stderr)
        return 1
    count = 0
    for change in changes(listed(s3, options.bucket, options.prefix), moment):
        count += 1
        print(f"{change.how:<6}  {change.key}  {change.version_id}".rstrip())
        if options.write:
            carry_out(s3, options.bucket, change)
    print(f"{count} objects {'rolled back' if options.write else 'would be rolled back; add --write'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
