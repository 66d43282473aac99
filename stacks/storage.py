"""Receipt images, and their copy in a second region."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.backup_tag import mark_for_backup
from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.receipts_bucket import ReceiptsBucket, ReceiptsBucketProps


class StorageReplicaStack(EnvironmentStack):
    """The copy. Deployed first: S3 refuses to replicate into a bucket that does not exist."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.replica, stateful=True
        )
        self.receipts = ReceiptsBucket(
            self,
            "Receipts",
            props=ReceiptsBucketProps(
                config=environment.storage,
                bucket_name=self.physical_name("receipts-replica"),
                removal_policy=self.removal_policy,
                auto_delete=not environment.protect,
            ),
        )


class StorageStack(EnvironmentStack):
    """The bucket that the application writes to."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, replica: ReceiptsBucket | None
    ) -> None:
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.primary, stateful=True
        )
        receipts = ReceiptsBucket(
            self,
            "Receipts",
            props=ReceiptsBucketProps(
                config=environment.storage,
                removal_policy=self.removal_policy,
                auto_delete=not environment.protect,
                replica=replica,
            ),
        )
        self.bucket, self.key = receipts.bucket, receipts.key
        if environment.features.cdn:
            receipts.allow_cloudfront()
        if environment.features.backup:
            mark_for_backup(self.bucket, environment)
        cdk.CfnOutput(self, "ReceiptsBucket", value=self.bucket.bucket_name)
