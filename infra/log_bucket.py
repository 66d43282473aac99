"""Buckets that AWS services write their access logs to."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST_PCI, Decision, Pack, acknowledge

_OVERWRITTEN_DAYS = 30
"""How long a log file that somebody deleted or overwrote can be brought back."""

_S3_KEY = Decision(
    reason="Load balancers and S3's own access logs are delivered to buckets with S3's key only (Elastic Load "
    "Balancing User Guide, Access logs; S3 User Guide, enabling server access logging). They hold requests only",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_ONE_COPY = Decision(
    reason="Access logs are read when something is looked into, and are gone after their retention; nothing is "
    "restored from them. A second region would keep addresses of users twice and serve no recovery",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_THROWN_AWAY = Decision(
    reason="This environment is made to be deleted, by a command or with its branch, and its logs say only what "
    "tests did: a bucket that stays would have to be emptied and deleted by hand",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_LOG_OF_LOGS = Decision(
    reason="Its readers are in CloudTrail's data events where an account has them; S3 warns of a bucket that logs to "
    "itself, as each delivery would be logged and delivered again, and a log for each log has no end",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class LogBucket(s3.Bucket):
    """Log files, gone after `retention_days` days; deleted ones can be brought back for a while.

    Encrypted with `key`, or with S3's own where what writes refuses buckets with another one. `keep` leaves the bucket
    and its logs behind when the stack is deleted. `logs_buckets` says that S3 delivers other buckets' logs to it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        retention_days: int,
        keep: bool,
        key: kms.IKey | None = None,
        logs_buckets: bool = False,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(retention_days),
                    noncurrent_version_expiration=cdk.Duration.days(_OVERWRITTEN_DAYS),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if keep else cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=not keep,
        )
        if not keep:
            acknowledge(self, "StatefulProtected", packs=[Pack.OURS], decision=_THROWN_AWAY)
        acknowledge(self, "S3BucketReplicationEnabled", packs=HIPAA_NIST_PCI, decision=_ONE_COPY)
        if key is None:
            acknowledge(self, "S3DefaultEncryptionKMS", packs=HIPAA_NIST_PCI, decision=_S3_KEY)
        if not logs_buckets:
            acknowledge(self, "S1", packs=[Pack.AWS_SOLUTIONS], decision=_NO_LOG_OF_LOGS)
            acknowledge(self, "S3BucketLoggingEnabled", packs=HIPAA_NIST_PCI, decision=_NO_LOG_OF_LOGS)
