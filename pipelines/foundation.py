"""What all pipelines stand on: one key, the buckets for artifacts and evidence, the image repositories, the topic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST_PCI, Decision, acknowledge
from infra.log_bucket import LogBucket
from infra.log_key import let_logs_encrypt
from pipelines.config import Delivery

_MADE_AGAIN = Decision(
    reason="What is in it is made from a commit, and a run of the same commit makes it again; releases "
    "themselves are images in ECR. Versions bring back what is deleted, and a second region would serve "
    "no recovery",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_CACHE_DAYS = 30


class Foundation(Construct):
    """Everything is encrypted with `key`, which no other account may use: stages never read artifacts themselves."""

    def __init__(
        self, scope: Construct, construct_id: str, *, delivery: Delivery, stage_accounts: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        self._delivery = delivery
        self.key = kms.Key(
            self,
            "Key",
            description="Artifacts, evidence, images, logs and notices of delivery",
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self._let_services_encrypt()
        self._access_logs = LogBucket(
            self, "AccessLogs", retention_days=delivery.log_retention_days, keep=True, logs_buckets=True
        )
        self.artifacts = self._bucket("Artifacts", days=delivery.artifact_days)
        self.evidence = self._bucket("Evidence", days=delivery.log_retention_days)
        self.releases = self._releases(stage_accounts)
        self.build_cache = self._build_cache()
        self.topic = self._topic()

    def _let_services_encrypt(self) -> None:
        """CloudWatch Logs for this account's groups, and EventBridge for notices to the topic."""
        let_logs_encrypt(self.key)
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                resources=["*"],
            )
        )

    def _bucket(self, construct_id: str, *, days: int) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=True,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(days),
                    noncurrent_version_expiration=cdk.Duration.days(7),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        acknowledge(bucket, "S3BucketReplicationEnabled", packs=HIPAA_NIST_PCI, decision=_MADE_AGAIN)
        return bucket

    def _releases(self, stage_accounts: Sequence[str]) -> ecr.Repository:
        """Released images. A tag is a commit and never moves; what stages run they name by digest."""
        repository = ecr.Repository(
            self,
            "Releases",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=self.key,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    description="What no commit is named after",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(7),
                ),
                ecr.LifecycleRule(
                    description="The releases that can be gone back to", max_image_count=self._delivery.kept_images
                ),
            ],
        )
        repository.add_to_resource_policy(self._pull(stage_accounts))
        return repository

    def _pull(self, accounts: Sequence[str]) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="StagesPull",
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            principals=[iam.AccountPrincipal(account) for account in sorted(set(accounts))],
            # The roles that tasks are started with: CloudFormation names them after their stacks.
            conditions={"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/SpendSmart-*"}},
        )

    def branches(self, accounts: Sequence[str], *, days: int) -> ecr.Repository:
        """Images of branches, for previews in `accounts`; each is gone after `days`, when no preview can run it."""
        repository = ecr.Repository(
            self,
            "Branches",
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=self.key,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            empty_on_delete=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            lifecycle_rules=[ecr.LifecycleRule(max_image_age=cdk.Duration.days(days))],
        )
        repository.add_to_resource_policy(self._pull(accounts))
        return repository

    def _build_cache(self) -> ecr.Repository:
        return ecr.Repository(
            self,
            "BuildCache",
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=self.key,
            empty_on_delete=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            lifecycle_rules=[ecr.LifecycleRule(max_image_age=cdk.Duration.days(_CACHE_DAYS))],
        )

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Notices", display_name="SpendSmart delivery", master_key=self.key, enforce_ssl=True)
        for address in self._delivery.notify:
            topic.add_subscription(subscriptions.EmailSubscription(address))
        return topic
