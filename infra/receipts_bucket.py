"""The receipts bucket, and its copy in another region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST_PCI, Decision, Pack, acknowledge, acknowledge_wildcard
from infra.config import models
from infra.log_bucket import LogBucket

REPLICATION_RULE = "Copy"
"""The rule's id, which metrics of the replication carry."""

_EVERY_RECEIPT = Decision(
    reason="S3 copies every object of the bucket, whose names the application makes up: the bucket is named, its "
    "objects cannot be",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_IS_THE_COPY = Decision(
    reason="It is the copy: replicating it back would make a loop, and a third region would keep receipts where "
    "nobody asked for them. Its versions bring back what is overwritten or deleted",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_COPY = Decision(
    reason="This environment holds made-up receipts and lives hours: what is lost with it can be made again, and a "
    "copy in a second region would outlive it",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_THROWN_AWAY = Decision(
    reason="This environment is made to be deleted, by a command or with its branch, and its receipts are made "
    "up: a bucket that stays would have to be emptied and deleted by hand",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NONCURRENT_DAYS = 30
"""How long a deleted or overwritten image can be brought back."""


@dataclass(frozen=True, kw_only=True)
class ReceiptsBucketProps:
    """`bucket_name` only where another region has to know it beforehand; `auto_delete` empties the bucket when its
    stack is deleted; `replica` receives a copy of each object; `is_copy` says that it is itself the copy;
    `access_logs` tells who read which object; `page_origins` are those whose pages may upload."""

    config: models.Storage
    removal_policy: cdk.RemovalPolicy
    auto_delete: bool
    access_logs: LogBucket
    page_origins: tuple[str, ...] = ()
    bucket_name: str | None = None
    replica: ReceiptsBucket | None = None
    is_copy: bool = False


class ReceiptsBucket(Construct):
    """Images of receipts: encrypted with their own key, versioned, cheaper as they age, announced to EventBridge."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ReceiptsBucketProps) -> None:
        super().__init__(scope, construct_id)
        self.name = props.bucket_name
        self.key = kms.Key(self, "Key", description="Receipt images", removal_policy=props.removal_policy)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=props.bucket_name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,  # one call to KMS for many objects
            versioned=True,
            cors=upload_rules(props.page_origins),
            lifecycle_rules=[_lifecycle(props.config)],
            replication_rules=[self._replication(props.replica)] if props.replica else None,
            replication_role=self._replication_role() if props.replica else None,
            server_access_logs_bucket=props.access_logs,
            server_access_logs_prefix="receipts/",
            removal_policy=props.removal_policy,
            auto_delete_objects=props.auto_delete,
        )
        self._notify_event_bridge()
        if props.auto_delete:
            acknowledge(self.bucket, "StatefulProtected", packs=[Pack.OURS], decision=_THROWN_AWAY)
        if props.replica:
            self._allow_replication(props.replica)
        else:
            decision = _IS_THE_COPY if props.is_copy else _NO_COPY
            acknowledge(self.bucket, "S3BucketReplicationEnabled", packs=HIPAA_NIST_PCI, decision=decision)

    def _replication_role(self) -> iam.Role:
        """Ours, as CDK's own may use keys by actions with a star."""
        self._replicator = iam.Role(
            self,
            "ReplicationRole",
            assumed_by=iam.ServicePrincipal("s3.amazonaws.com"),
            description="Copies receipts to the second region",
        )
        return self._replicator

    def _allow_replication(self, replica: ReceiptsBucket) -> None:
        """As in the S3 User Guide, "Setting up permissions for live replication"."""
        role, source, copies = self._replicator, self.bucket.arn_for_objects("*"), f"{self._arn_of(replica)}/*"
        for actions, resource in (
            (["s3:GetReplicationConfiguration", "s3:ListBucket"], self.bucket.bucket_arn),
            (["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"], source),
            (["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], copies),
            (["kms:Decrypt"], self.key.key_arn),
            (["kms:Encrypt", "kms:GenerateDataKey"], replica.key.key_arn),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        for resource in (source, copies):
            acknowledge_wildcard(role, resource, decision=_EVERY_RECEIPT)

    def _arn_of(self, replica: ReceiptsBucket) -> str:
        """By the name that was given to it, so that who reads the policy sees which bucket it is."""
        if replica.name is None:
            raise ValueError(f"{replica.node.path} has no name that another region could know")
        return cdk.Stack.of(self).format_arn(service="s3", region="", account="", resource=replica.name)

    def _replication(self, replica: ReceiptsBucket) -> s3.ReplicationRule:
        """Each object within 15 minutes, with a metric that tells when it is not so."""
        # Imported: CDK would otherwise name this stack's role in the policies of the other stack's bucket and key, and
        # each stack would need the other first. The role's own policy is enough, as both belong to one account.
        key = kms.Key.from_key_arn(self, "ReplicaKey", replica.key.key_arn)
        bucket = s3.Bucket.from_bucket_attributes(
            self, "Replica", bucket_arn=replica.bucket.bucket_arn, encryption_key=key
        )
        return s3.ReplicationRule(
            id=REPLICATION_RULE,
            destination=bucket,
            priority=1,
            kms_key=key,
            sse_kms_encrypted_objects=True,
            delete_marker_replication=True,
            replication_time_control=s3.ReplicationTimeValue.FIFTEEN_MINUTES,
            metrics=s3.ReplicationTimeValue.FIFTEEN_MINUTES,
        )

    def _notify_event_bridge(self) -> None:
        bucket = self.bucket.node.default_child
        assert isinstance(bucket, s3.CfnBucket)  # noqa: S101  (tells the type checker what CDK documents)
        # `event_bridge_enabled` would set this by a Lambda function; the bucket's own property does it without.
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    def allow_cloudfront(self) -> None:
        """Let this account's distributions read receipts, through origin access control.

        Any distribution of the account, as naming one would make this stack depend on the one that reads from it.
        """
        stack = cdk.Stack.of(self)
        conditions = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": f"arn:{stack.partition}:cloudfront::{stack.account}:distribution/*"},
        }
        cloudfront = iam.ServicePrincipal("cloudfront.amazonaws.com")
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudFrontReads",
                principals=[cloudfront],
                actions=["s3:GetObject"],
                resources=[self.bucket.arn_for_objects("receipts/*")],
                conditions=conditions,
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudFrontDecrypts",
                principals=[cloudfront],
                actions=["kms:Decrypt"],
                resources=["*"],  # in a key's policy: this key
                conditions=conditions,
            )
        )


def upload_rules(origins: Sequence[str]) -> list[s3.CorsRule] | None:
    """The browser's upload, from these origins and nowhere else."""
    if not origins:
        return None
    return [
        s3.CorsRule(
            allowed_methods=[s3.HttpMethods.POST],
            allowed_origins=list(origins),
            allowed_headers=["*"],
            exposed_headers=["ETag"],
            max_age=3600,
        )
    ]


def _lifecycle(config: models.Storage) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="Age",
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                transition_after=cdk.Duration.days(config.infrequent_access_days),
            ),
            s3.Transition(
                storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                transition_after=cdk.Duration.days(config.glacier_instant_days),
            ),
        ],
        expiration=cdk.Duration.days(config.expiry_days),
        noncurrent_version_expiration=cdk.Duration.days(_NONCURRENT_DAYS),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
    )
