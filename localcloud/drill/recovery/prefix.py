"""Images that somebody overwrites and deletes, and their way back (docs/runbooks/prefix-corrupted.md)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from localcloud import cdk, layout, outputs
from localcloud.console import LocalCloudError
from localcloud.drill.platform import Platform
from localcloud.ledger.entries import Entry


def bucket() -> str:
    return outputs.value("ReceiptsBucket")


def damage(platform: Platform, promises: Sequence[Entry]) -> int:
    """Overwrite every image of the ledger but each third one, which is deleted; how many that are."""
    s3 = platform.client("s3")
    for number, entry in enumerate(promises):
        if number % 3:
            s3.put_object(Bucket=bucket(), Key=entry.key, Body=b"corrupted", ContentType="image/png")
        else:
            s3.delete_object(Bucket=bucket(), Key=entry.key)
    return len(promises)


def roll_back(*, prefix: str, moment: float) -> None:
    """Run the tool as an operator does. Raises LocalCloudError."""
    time = datetime.fromtimestamp(moment, UTC).isoformat()
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.tools.roll_back", bucket(), prefix, time, "--write"],
        cwd=layout.REPOSITORY,
        env={**os.environ, **cdk.environment()},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise LocalCloudError(f"the roll-back failed: {(done.stderr or done.stdout)[-500:]}")


def damaged(s3: Any, name: str, promises: Sequence[Entry]) -> list[str]:
    """Keys of a bucket that do not hold what was acknowledged."""
    return [entry.key for entry in promises if _content(s3, name, entry.key) != entry.sha256]


def _content(s3: Any, name: str, key: str) -> str:
    try:
        return hashlib.sha256(s3.get_object(Bucket=name, Key=key)["Body"].read()).hexdigest()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return ""
