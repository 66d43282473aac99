"""The bucket that previews share, each below a prefix of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST_PCI, Decision, Pack, acknowledge
from infra.log_bucket import LogBucket
from infra.receipts_bucket import upload_rules

_EXPIRY_DAYS = 30
"""Longer than any preview lives; what one left behind all the same is gone then."""


_THROWN_AWAY = Decision(
    reason="Its pictures are made up, belong to previews that live for days, and can be made again. What is deleted "
    "has to be gone: a version or a copy that stays would outlive the preview that it belonged to",
    owner="platform",
    reference="docs/adr/0072-a-previews-life-is-its-stack.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class PreviewBucket(Construct):
    """Without versions, so that what is deleted is gone; emptied and deleted with its stack."""

    def __init__(
        self, scope: Construct, construct_id: str, *, page_origins: Sequence[str], access_logs: LogBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(self, "Key", description="Pictures of previews", removal_policy=cdk.RemovalPolicy.DESTROY)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,  # one call to KMS for many objects
            cors=upload_rules(page_origins),
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix="previews/",
            lifecycle_rules=[
                s3.LifecycleRule(id="Previews", expiration=cdk.Duration.days(_EXPIRY_DAYS)),
                s3.LifecycleRule(id="Uploads", abort_incomplete_multipart_upload_after=cdk.Duration.days(1)),
            ],
            removal_policy=cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        )
        for finding, packs in (
            ("S3BucketReplicationEnabled", HIPAA_NIST_PCI),
            ("S3BucketVersioningEnabled", HIPAA_NIST_PCI),
            ("StatefulProtected", [Pack.OURS]),
        ):
            acknowledge(self.bucket, finding, packs=packs, decision=_THROWN_AWAY)
