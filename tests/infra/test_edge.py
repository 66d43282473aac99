"""CloudFront in front of the load balancer and the receipts bucket."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template as Synthesized

from infra.config import ConfigurationError
from infra.distribution import Alias, ApplicationDistribution
from infra.image_key import image_public_key
from infra.web_acl import EdgeHeader
from tests.infra.conftest import KEYS
from tests.infra.synthesized import Assembly

DISTRIBUTION = "AWS::CloudFront::Distribution"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"


def _config(assembly: Assembly) -> dict:
    return assembly["Edge"].one(DISTRIBUTION)["DistributionConfig"]


def test_everything_goes_to_the_application_and_is_never_cached(prod: Assembly) -> None:
    config = _config(prod)
    default = config["DefaultCacheBehavior"]
    assert default["CachePolicyId"] == CACHING_DISABLED
    assert default["OriginRequestPolicyId"] == ALL_VIEWER
    assert {"POST", "PATCH", "DELETE"} <= set(default["AllowedMethods"])
    assert config["HttpVersion"] == "http2and3"
    assert config["WebACLId"]


def test_every_behaviour_wants_https_and_adds_security_headers(prod: Assembly) -> None:
    config = _config(prod)
    behaviours = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]
    assert [b.get("PathPattern") for b in behaviours] == [None, "/static/*", "/receipts/*"]
    assert all(b["ViewerProtocolPolicy"] == "redirect-to-https" for b in behaviours)
    assert all(b["ResponseHeadersPolicyId"] == "67f7725c-6f97-4210-82d7-5512b31e9d03" for b in behaviours)


def test_images_need_a_signed_url_and_come_through_origin_access_control(prod: Assembly) -> None:
    template, config = prod["Edge"], _config(prod)
    images = next(b for b in config["CacheBehaviors"] if b["PathPattern"] == "/receipts/*")
    ((group, key_group),) = template.all("AWS::CloudFront::KeyGroup").items()
    ((key, _),) = template.all("AWS::CloudFront::PublicKey").items()
    assert images["TrustedKeyGroups"] == [{"Ref": group}]
    assert key_group["Properties"]["KeyGroupConfig"]["Items"] == [{"Ref": key}]
    origin = next(o for o in config["Origins"] if o["Id"] == images["TargetOriginId"])
    ((control, access),) = template.all("AWS::CloudFront::OriginAccessControl").items()
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": [control, "Id"]}
    assert access["Properties"]["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_another_image_key_is_another_resource(prod: Assembly, dev: Assembly) -> None:
    """CloudFront refuses to change a key; the logical id has to move with its content."""
    (in_prod,), (in_dev,) = (a["Edge"].all("AWS::CloudFront::PublicKey") for a in (prod, dev))
    assert in_prod != in_dev


def test_without_an_image_key_there_is_no_way_to_images(staging: Assembly) -> None:
    assert [b["PathPattern"] for b in _config(staging)["CacheBehaviors"]] == ["/static/*"]
    assert not staging["Edge"].all("AWS::CloudFront::PublicKey")


def test_cloudfront_may_read_and_decrypt_receipts(prod: Assembly) -> None:
    statements = [
        statement
        for policy in prod["Storage"].properties("AWS::S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
    ] + [s for key in prod["Storage"].properties("AWS::KMS::Key") for s in key["KeyPolicy"]["Statement"]]
    allowed = {
        statement["Action"]
        for statement in statements
        if statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    }
    assert allowed == {"s3:GetObject", "kms:Decrypt"}


def test_access_logs_have_no_signatures_and_no_sessions(prod: Assembly) -> None:
    template = prod["Edge"]
    delivery = template.one("AWS::Logs::Delivery")
    assert not {"cs-uri-query", "cs(Cookie)", "cs(Referer)"} & set(delivery["RecordFields"])
    assert delivery["DeliverySourceName"] == template.one("AWS::Logs::DeliverySource")["Name"]
    grants = [
        s
        for s in template.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if s["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    ]
    assert [s["Action"] for s in grants] == ["s3:PutObject"]


def test_with_a_name_of_ones_own_tls_1_2_all_the_way() -> None:
    stack = Stack(App(), "Stack", env={"account": "000000000000", "region": "us-east-1"})  # type: ignore[arg-type]
    ApplicationDistribution(
        stack,
        "Cdn",
        load_balancer_dns_name="origin.example.com",
        edge_header=EdgeHeader(name="x-edge", value="value"),
        receipts=s3.Bucket(stack, "Bucket"),
        image_public_key=None,
        alias=Alias(
            domain_name="app.example.com", certificate_arn="arn:aws:acm:us-east-1:000000000000:certificate/abc"
        ),
        web_acl_arn=None,
    )
    (distribution,) = Synthesized.from_stack(stack).find_resources(DISTRIBUTION).values()
    config = distribution["Properties"]["DistributionConfig"]
    assert config["Aliases"] == ["app.example.com"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["Origins"][0]["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_image_keys_are_read_from_their_folder(tmp_path: Path) -> None:
    assert image_public_key("prod", folder=tmp_path) is None
    pem = image_public_key("prod", folder=KEYS)
    assert pem is not None
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")


def test_a_private_key_by_mistake_is_refused(tmp_path: Path) -> None:
    marker = "-----BEGIN " + "PRIVATE KEY-----"
    (tmp_path / "prod-cloudfront-public.pem").write_text(f"{marker}\nMIIE\n")
    with pytest.raises(ConfigurationError, match=r"prod-cloudfront-public\.pem: not a public key"):
        image_public_key("prod", folder=tmp_path)
