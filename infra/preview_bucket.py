"""The bucket that previews share, each below a prefix of its own."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.receipts_bucket import upload_rules

PREVIEWS = "previews/"
_EXPIRY_DAYS = 30
"""Longer than any preview lives; what one left behind all the same is gone then."""


class PreviewBucket(Construct):
    """Without versions, so that what is deleted is gone; emptied and deleted with its stack."""

    def __init__(self, scope: Construct, construct_id: str, *, page_origins: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(self, "Key", description="Pictures of previews", removal_policy=cdk.RemovalPolicy.DESTROY)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,  # one call to KMS for many objects
            cors=upload_rules(page_origins),
            lifecycle_rules=[
                s3.LifecycleRule(id="Previews", prefix=PREVIEWS, expiration=cdk.Duration.days(_EXPIRY_DAYS)),
                s3.LifecycleRule(id="Uploads", abort_incomplete_multipart_upload_after=cdk.Duration.days(1)),
            ],
            removal_policy=cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        )
