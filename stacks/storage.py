"""Receipt images, and their copy in a second region."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.backup_tag import mark_for_backup
from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.log_bucket import LogBucket
from infra.receipts_bucket import ReceiptsBucket, ReceiptsBucketProps


class ReceiptsStack(EnvironmentStack):
    """A bucket that the application can work with: `bucket` and its `key`."""

    receipts: ReceiptsBucket

    @property
    def bucket(self) -> s3.Bucket:
        return self.receipts.bucket

    @property
    def key(self) -> kms.Key:
        return self.receipts.key

    def _tell(self) -> None:
        cdk.CfnOutput(self, "ReceiptsBucket", value=self.bucket.bucket_name)


class StorageReplicaStack(ReceiptsStack):
    """The copy. Deployed first: S3 refuses to replicate into a bucket that does not exist.

    `serves` once the first region is gone: then this is the bucket, in the stack that it has always been in.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, region: str, serves: bool = False
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=region, stateful=True)
        self.bucket_name = self.physical_name("receipts-replica")
        self.receipts = ReceiptsBucket(
            self,
            "Receipts",
            props=ReceiptsBucketProps(
                config=environment.storage,
                bucket_name=self.bucket_name,
                is_copy=True,
                removal_policy=self.removal_policy,
                auto_delete=not environment.protect,
                page_origins=page_origins(environment),
                access_logs=_access_logs(self, environment),
            ),
        )
        if serves:
            self._tell()


class StorageStack(ReceiptsStack):
    """The bucket that the application writes to."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, replica: ReceiptsBucket | None
    ) -> None:
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.primary, stateful=True
        )
        self.receipts = ReceiptsBucket(
            self,
            "Receipts",
            props=ReceiptsBucketProps(
                config=environment.storage,
                removal_policy=self.removal_policy,
                auto_delete=not environment.protect,
                page_origins=page_origins(environment),
                access_logs=_access_logs(self, environment),
                replica=replica,
            ),
        )
        if environment.features.cdn:
            self.receipts.allow_cloudfront()
        if environment.features.backup:
            mark_for_backup(self.bucket, environment)
        self._tell()


def _access_logs(stack: EnvironmentStack, environment: Environment) -> LogBucket:
    """Beside the bucket, as S3 delivers within a region only."""
    return LogBucket(
        stack,
        "AccessLogs",
        retention_days=environment.logs.retention_days,
        keep=environment.protect,
        logs_buckets=True,
    )


def page_origins(environment: Environment) -> tuple[str, ...]:
    """Where the application's pages are, and any page that the configuration names.

    Without a name of one's own the addresses are AWS's, and not known before this stack is there. Strangers' pages fit
    the patterns, too, and may send a form, as any program can: its signature decides what S3 takes.
    """
    if environment.domain:
        return (*environment.storage.allowed_origins, f"https://{environment.domain.name}")
    cdn = ("https://*.cloudfront.net",) if environment.features.cdn else ()
    return (*environment.storage.allowed_origins, "http://*.elb.amazonaws.com", *cdn)
