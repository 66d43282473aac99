"""CloudFront and its web application firewall."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.config import Environment
from infra.distribution import Alias, ApplicationDistribution
from infra.environment_stack import EnvironmentStack
from infra.log_bucket import LogBucket
from infra.log_key import LogKey
from infra.retention import retention
from infra.web_acl import EdgeHeader, WebAcl, WebAclLogGroup, metric_name

REGION = "us-east-1"
"""CloudFront's certificates, ACLs and log deliveries exist nowhere else."""


class EdgeStack(EnvironmentStack):
    """The distribution in front of the load balancer and the receipts bucket.

    `image_public_key` is the PEM of the key that signs image URLs; without one there is no way to images through
    CloudFront. Raises ConfigurationError for a domain without a certificate for CloudFront: the load balancer would
    redirect CloudFront's HTTP requests to itself for ever.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        load_balancer_dns_name: str,
        edge_header: EdgeHeader,
        receipts: s3.IBucket,
        image_public_key: str | None,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=REGION)
        # One of its own, as the other one is in the primary region.
        self.log_key = self._log_key = LogKey(
            self,
            "LogKey",
            description=f"SpendSmart {environment.name}: logs of CloudFront",
            keep=environment.protect,
        )
        edge = ApplicationDistribution(
            self,
            "Cdn",
            load_balancer_dns_name=load_balancer_dns_name,
            edge_header=edge_header,
            receipts=self._without_policy(receipts),
            image_public_key=image_public_key,
            alias=self._alias(),
            web_acl_arn=self._web_acl() if environment.features.waf else None,
        )
        edge.log_to(
            LogBucket(
                self,
                "AccessLogs",
                retention_days=environment.logs.retention_days,
                keep=environment.protect,
                key=self._delivered_logs_key(),
            ),
            name=f"spendsmart-{environment.name}-cdn",
        )
        self.domain_name = edge.distribution.distribution_domain_name
        self.image_key_id = edge.image_key_id
        cdk.CfnOutput(self, "DistributionDomain", value=self.domain_name)

    def _delivered_logs_key(self) -> kms.Key:
        """The stack's log key, which CloudFront's log delivery may use as well."""
        # CloudWatch Logs User Guide, "Amazon S3 bucket server-side encryption".
        self._log_key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy: this key
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        return self._log_key

    def _alias(self) -> Alias | None:
        domain = self.settings.domain
        if domain is None:
            return None
        assert domain.cdn_certificate_arn  # noqa: S101  (the configuration's rules refuse its absence)
        return Alias(domain_name=domain.name, certificate_arn=domain.cdn_certificate_arn)

    def _web_acl(self) -> str:
        acl = WebAcl(
            self,
            "Acl",
            acl_scope="CLOUDFRONT",
            settings=self.settings.waf,
            metric=metric_name(self.settings.name, "cdn"),
            log_group=WebAclLogGroup(
                self,
                "Logs",
                name=f"spendsmart-{self.settings.name}-cdn",
                retention=retention(self.settings.logs.retention_days),
            ),
        )
        return acl.arn

    def _without_policy(self, bucket: s3.IBucket) -> s3.IBucket:
        """The bucket by name: its own policy, in its own stack, already lets this account's distributions in.

        A statement that named this distribution would make the bucket's stack depend on this one.
        """
        named = s3.Bucket.from_bucket_attributes(
            self, "Receipts", bucket_name=bucket.bucket_name, region=self.settings.regions.primary
        )
        cdk.Annotations.of(self).acknowledge_warning(
            "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac",
            "The bucket's stack grants CloudFront access by account and distribution ARN pattern.",
        )
        return named
