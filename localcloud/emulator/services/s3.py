"""S3: the key for writes that ask for aws:kms and name none; copies in their time, under the key of their region."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from localcloud.emulator import replication
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

    replicate = s3._maybe_replicate

    def replicate_under_its_key(bucket: str, key: str, obj: Any, data: Any, tags: Any = None) -> None:
        # Upstream's copy says that it is encrypted with the original's key, which is another region's.
        replicate(bucket, key, obj, data, tags)
        rule, _ = s3._replication_rule_for(bucket, key, tags)
        wanted = ((rule or {}).get("Destination") or {}).get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID")
        if wanted and obj.get("_replica"):
            _encrypt_copy(obj["_replica"][0], key, wanted)

    def replicate_in_time(bucket: str, key: str, obj: Any, data: Any, tags: Any = None) -> None:
        if not replication.later(replicate_under_its_key, bucket, key, obj, data, tags):
            replicate_under_its_key(bucket, key, obj, data, tags)

    replace(s3, "_maybe_replicate", replicate_in_time)

    mark = s3._maybe_replicate_delete_marker

    def mark_in_time(bucket: str, key: str) -> None:
        if not replication.marker_later(mark, bucket, key):
            mark(bucket, key)

    replace(s3, "_maybe_replicate_delete_marker", mark_in_time)


def _encrypt_copy(bucket: str, key: str, kms_key: str) -> None:
    copy = s3._buckets[bucket]["objects"][key]
    version = s3._object_versions[(bucket, key)][-1]
    for record in (copy, version):
        record["preserved_headers"] = {**record.get("preserved_headers", {}), _KEY: kms_key}
    s3._persist_object(bucket, key, copy)


def default_key(bucket: str) -> str:
    """ARN of the KMS key of a bucket's default encryption, or of the account's key for S3."""
    configured: str = s3._bucket_default_sse_headers(bucket).get(_KEY, "")
    return configured or f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
