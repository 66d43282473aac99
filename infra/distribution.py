"""The CloudFront distribution: the application, its static files, and receipt images behind signed URLs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgement import Decision, Pack, acknowledge
from infra.log_bucket import LogBucket
from infra.web_acl import EdgeHeader

_EVERYWHERE = Decision(
    reason="People keep receipts of their travels, and travel: a country that is shut out is a user who cannot add "
    "one. What attackers send is judged by the firewall, which counts by address",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_LOGS_BY_DELIVERY = Decision(
    reason="Access logs are delivered by standard logging v2 (AWS::Logs::Delivery), without query strings and "
    "cookies; cdk-nag looks for the older property, which logs both. The rule SpendSmart-DistributionLogged "
    "looks for the delivery",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_DOMAIN = Decision(
    reason="Without a name of one's own CloudFront serves its own certificate, whose policy nobody can set, and the "
    "load balancer has none. With a [domain] in the configuration both speak TLS 1.2 and up; until an "
    "operator who owns a name has put it there, the environment is for a first look (README, First deploy)",
    owner="platform",
    reference="docs/adr/0059-without-a-domain.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)

_LOG_FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "cs-protocol",
    "cs-protocol-version",
    "cs-bytes",
    "sc-bytes",
    "time-taken",
    "time-to-first-byte",
    "ssl-protocol",
    "ssl-cipher",
)
"""Neither query strings nor cookies: the signatures of image URLs and sessions do not belong into logs."""


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A name of one's own and its certificate in us-east-1."""

    domain_name: str
    certificate_arn: str


class ApplicationDistribution(Construct):
    """Viewers speak HTTPS, HTTP/2 or 3; TLS 1.2 and up with an `alias` (CloudFront's own certificate fixes its policy).

    - everything: to the load balancer, never cached, with all headers. With an `alias` the origin is reached by HTTPS,
      as its certificate is for the same name, otherwise by HTTP.
    - `/static/*`: cached.
    - `/receipts/*`: from the bucket, only by URLs signed with the key that belongs to `image_public_key` (PEM, RSA 2048
      bit or ECDSA P-256); left out without one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        load_balancer_dns_name: str,
        edge_header: EdgeHeader,
        receipts: s3.IBucket,
        image_public_key: str | None,
        alias: Alias | None,
        web_acl_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.image_key_id: str | None = None
        """What CloudFront calls the public key: a signed URL names the key that it was signed with."""
        secure = cloudfront.OriginProtocolPolicy.HTTPS_ONLY
        plain = cloudfront.OriginProtocolPolicy.HTTP_ONLY
        application = origins.HttpOrigin(
            load_balancer_dns_name,
            protocol_policy=secure if alias else plain,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            custom_headers={edge_header.name: edge_header.value},
        )
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            domain_names=[alias.domain_name] if alias else None,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", alias.certificate_arn)
            if alias
            else None,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if alias else None,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            web_acl_id=web_acl_arn,
            default_behavior=_behavior(
                application,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            ),
            additional_behaviors={
                "/static/*": _behavior(
                    application,
                    cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                    # The application checks the Host header, and so does TLS with the origin.
                    origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                ),
                **self._images(receipts, image_public_key),
            },
        )
        self._acknowledge(alias=alias is not None)

    def _acknowledge(self, *, alias: bool) -> None:
        distribution = self.distribution
        acknowledge(distribution, "CFR1", packs=[Pack.AWS_SOLUTIONS], decision=_EVERYWHERE)
        acknowledge(distribution, "CFR3", packs=[Pack.AWS_SOLUTIONS], decision=_LOGS_BY_DELIVERY)
        if not alias:
            for finding in ("CFR4", "CFR5"):
                acknowledge(distribution, finding, packs=[Pack.AWS_SOLUTIONS], decision=_NO_DOMAIN)

    def _images(self, receipts: s3.IBucket, public_key: str | None) -> dict[str, cloudfront.BehaviorOptions]:
        if public_key is None:
            return {}
        # CloudFront cannot change a key in place: another key is another resource, and the key group moves to it.
        digest = hashlib.sha256(public_key.encode()).hexdigest()[:8]
        key = cloudfront.PublicKey(self, f"ImageKey{digest}", encoded_key=public_key)
        self.image_key_id = key.public_key_id
        group = cloudfront.KeyGroup(self, "ImageKeys", items=[key])
        return {
            "/receipts/*": _behavior(
                origins.S3BucketOrigin.with_origin_access_control(receipts),
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                trusted_key_groups=[group],
            )
        }

    def log_to(self, bucket: LogBucket, *, name: str) -> None:
        """Deliver access logs to `bucket` (standard logging v2, which exists in us-east-1 only)."""
        stack = cdk.Stack.of(self)
        source = logs.CfnDeliverySource(
            self,
            "LogSource",
            name=name,
            log_type="ACCESS_LOGS",
            resource_arn=self.distribution.distribution_arn,
        )
        destination = logs.CfnDeliveryDestination(
            self,
            "LogDestination",
            name=name,
            destination_resource_arn=bucket.bucket_arn,
            output_format="json",
        )
        policy = bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{stack.account}/CloudFront/*")],
                conditions={
                    "StringEquals": {
                        "s3:x-amz-acl": "bucket-owner-full-control",
                        "aws:SourceAccount": stack.account,
                    },
                    "ArnLike": {
                        "aws:SourceArn": stack.format_arn(
                            service="logs",
                            resource="delivery-source",
                            resource_name=name,
                            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                        )
                    },
                },
            )
        )
        delivery = logs.CfnDelivery(
            self,
            "LogDelivery",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.attr_arn,
            record_fields=list(_LOG_FIELDS),
        )
        delivery.add_resource_dependency(source)
        if policy.policy_dependable:
            delivery.node.add_dependency(policy.policy_dependable)


def _behavior(
    origin: cloudfront.IOrigin,
    *,
    cache_policy: cloudfront.ICachePolicy,
    origin_request_policy: cloudfront.IOriginRequestPolicy | None = None,
    allowed_methods: cloudfront.AllowedMethods | None = None,
    trusted_key_groups: list[cloudfront.IKeyGroup] | None = None,
) -> cloudfront.BehaviorOptions:
    return cloudfront.BehaviorOptions(
        origin=origin,
        cache_policy=cache_policy,
        origin_request_policy=origin_request_policy,
        allowed_methods=allowed_methods,
        trusted_key_groups=trusted_key_groups,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        response_headers_policy=cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
    )
