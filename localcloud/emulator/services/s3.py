"""S3: the account's own KMS key for writes that ask for aws:kms and name no key."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from localcloud.emulator.corrections import replace

_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def install() -> None:
    stock = s3._resolve_sse_write_headers

    def resolve(headers: Any, bucket: str) -> Any:
        # Upstream refuses aws:kms without a key; S3 takes the bucket's key, or else the key aws/s3.
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and not headers.get(_KEY):
            headers = {**headers, _KEY: default_key(bucket)}
        return stock(headers, bucket)

    replace(s3, "_resolve_sse_write_headers", resolve)


def default_key(bucket: str) -> str:
    """ARN of the KMS key of a bucket's default encryption, or of the account's key for S3."""
    configured: str = s3._bucket_default_sse_headers(bucket).get(_KEY, "")
    return configured or f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
