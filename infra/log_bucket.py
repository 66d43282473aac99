"""Buckets that AWS services write their access logs to."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct


class LogBucket(s3.Bucket):
    """Log files, gone after `retention_days` days.

    Encrypted with S3's own key: load balancers and log delivery refuse buckets with a KMS key (Elastic Load Balancing
    User Guide, "Access logs"). `keep` leaves the bucket and its logs behind when the stack is deleted.
    """

    def __init__(self, scope: Construct, construct_id: str, *, retention_days: int, keep: bool) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(retention_days),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=not keep,
        )
