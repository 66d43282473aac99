"""Keeps a build's results for the person who approves: `python -m pipelines.tools.evidence NAME FOLDER`.

They go to EVIDENCE_BUCKET under the commit (CODEBUILD_RESOLVED_SOURCE_VERSION). Without a bucket, as on a pull
request or a developer's machine, nothing is kept, and that is said.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import boto3


def keep(name: str, folder: Path, *, bucket: str, commit: str) -> list[str]:
    """Upload every file below `folder`; the keys. Raises FileNotFoundError when there is none."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        raise FileNotFoundError(f"{folder} has no files to keep")
    s3 = boto3.client("s3")
    keys = [f"{commit}/{name}/{path.relative_to(folder)}" for path in files]
    for path, key in zip(files, keys, strict=True):
        s3.upload_file(str(path), bucket, key)
    return keys


def main() -> int:
    if len(sys.argv) != 3:
        print("evidence: say a name and a folder", file=sys.stderr)
        return 2
    name, folder, bucket = sys.argv[1], Path(sys.argv[2]), os.environ.get("EVIDENCE_BUCKET")
    if not bucket:
        print("not run: evidence (EVIDENCE_BUCKET is not set)")
        return 0
    try:
        keys = keep(name, folder, bucket=bucket, commit=os.environ["CODEBUILD_RESOLVED_SOURCE_VERSION"])
    except FileNotFoundError as error:
        print(f"evidence: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"s3://{bucket}/{key}" for key in keys))
    return 0


if __name__ == "__main__":
    sys.exit(main())
