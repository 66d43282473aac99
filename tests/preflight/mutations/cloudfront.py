"""Faults in the distribution, its origins and its log delivery."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

_DISTRIBUTION = "AWS::CloudFront::Distribution"


def _distribution(prod: Prod) -> dict[str, Any]:
    return prod.resource("Edge", _DISTRIBUTION)


def _config(prod: Prod) -> dict[str, Any]:
    return _distribution(prod)["Properties"]["DistributionConfig"]  # type: ignore[no-any-return]


def _receipts_origin(prod: Prod, **given: Any) -> str:
    """A distribution before the receipts bucket; returns its construct path."""
    bucket = prod.resource("Storage", "AWS::S3::Bucket", "Receipts")
    origin = {
        "Id": "receipts",
        "DomainName": {"Fn::GetAtt": [prod.logical_id(bucket), "RegionalDomainName"]},
        "OriginAccessControlId": "E1EXAMPLE",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        **given,
    }
    config = {"Enabled": True, "Origins": [origin], "DefaultCacheBehavior": {"TargetOriginId": "receipts"}}
    properties = {"DistributionConfig": config}
    return prod.path(prod.add("Storage", "Receipts", {"Type": _DISTRIBUTION, "Properties": properties}))


def _without_cloudfront(document: dict[str, Any]) -> None:
    statements = document["Statement"]
    document["Statement"] = [each for each in statements if "cloudfront" not in str(each["Principal"])]


@plants("CDN-85", constraint=85)
def a_key_that_cloudfront_may_not_use(prod: Prod) -> str:
    _without_cloudfront(prod.resource("Storage", "AWS::KMS::Key")["Properties"]["KeyPolicy"])
    return _receipts_origin(prod)


@plants("CDN-85b", constraint=85)
def a_bucket_that_cloudfront_may_not_read(prod: Prod) -> str:
    _without_cloudfront(prod.resource("Storage", "AWS::S3::BucketPolicy", "Receipts")["Properties"]["PolicyDocument"])
    return _receipts_origin(prod)


@plants("CDN-85c", constraint=85)
def an_access_control_on_a_website(prod: Prod) -> str:
    return _receipts_origin(prod, DomainName="receipts.s3-website-us-east-1.amazonaws.com")


def _vpc_origin(prod: Prod, **given: Any) -> dict[str, Any]:
    balancer = prod.resource("Ingress", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    endpoint = {"Name": "web", "Arn": {"Ref": prod.logical_id(balancer)}, "OriginProtocolPolicy": "http-only"}
    properties = {"VpcOriginEndpointConfig": endpoint, **given}
    return prod.add("Ingress", "Origin", {"Type": "AWS::CloudFront::VpcOrigin", "Properties": properties})


@plants("CDN-86", constraint=86)
def a_tagged_vpc_origin(prod: Prod) -> str:
    return prod.path(_vpc_origin(prod, Tags=[{"Key": "Project", "Value": "SpendSmart"}]))


@plants("CDN-87", constraint=87)
def a_load_balancer_that_admits_no_edge(prod: Prod) -> str:
    group = prod.resource("Ingress", "AWS::EC2::SecurityGroup", path="/Public/")
    group["Properties"]["SecurityGroupIngress"][0].update(FromPort=8080, ToPort=8080)
    return prod.path(_vpc_origin(prod))


@plants("CDN-87b", constraint=87)
def a_vpc_without_an_internet_gateway(prod: Prod) -> str:
    attachment = prod.resource("Network", "AWS::EC2::VPCGatewayAttachment")
    del prod.template("Network")["Resources"][prod.logical_id(attachment)]
    return prod.path(_vpc_origin(prod))


@plants("CDN-87c", constraint=87)
def a_network_load_balancer_without_groups(prod: Prod) -> str:
    balancer = prod.resource("Ingress", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    balancer["Properties"]["Type"] = "network"
    del balancer["Properties"]["SecurityGroups"]
    return prod.path(_vpc_origin(prod))


@plants("CDN-88", constraint=88)
def a_certificate_of_another_region(prod: Prod) -> str:
    arn = "arn:aws:acm:eu-west-1:000000000000:certificate/1"
    _config(prod)["ViewerCertificate"] = {"AcmCertificateArn": arn, "SslSupportMethod": "sni-only"}
    return prod.path(_distribution(prod))


@plants("CDN-88b", constraint=88)
def a_certificate_that_waits_for_somebody(prod: Prod) -> str:
    properties = {"DomainName": "spendsmart.example", "ValidationMethod": "DNS"}
    certificate = {"Type": "AWS::CertificateManager::Certificate", "Properties": properties}
    return prod.path(prod.add("Edge", "Certificate", certificate))


@plants("CDN-89", constraint=89)
def log_delivery_elsewhere(prod: Prod) -> str:
    prod.move("Edge", region="eu-west-1")
    return prod.path(prod.resource("Edge", "AWS::Logs::DeliverySource"))


@plants("CDN-89b", constraint=89)
def a_delivery_before_its_source(prod: Prod) -> str:
    delivery = prod.resource("Edge", "AWS::Logs::Delivery")
    delivery["DependsOn"] = [name for name in delivery["DependsOn"] if "LogSource" not in name]
    return prod.path(delivery)


@plants("CDN-90", constraint=90)
def an_alias_twice(prod: Prod) -> str:
    _config(prod)["Aliases"] = ["spendsmart.example"]
    config = {"Aliases": ["spendsmart.example"]}
    preview = {"Type": _DISTRIBUTION, "Properties": {"DistributionConfig": config}}
    return prod.path(prod.add("Edge", "Preview", preview))


@plants("CDN-90b", constraint=90)
def a_policy_name_twice(prod: Prod) -> str:
    def policy() -> dict[str, Any]:
        return {"Type": "AWS::CloudFront::CachePolicy", "Properties": {"CachePolicyConfig": {"Name": "static"}}}

    prod.add("Edge", "Static", policy())
    return prod.path(prod.add("Edge", "Other", policy()))


@plants("CDN-201")
def a_group_of_unknown_origins(prod: Prod) -> str:
    members = {"Items": [{"OriginId": _config(prod)["Origins"][0]["Id"]}, {"OriginId": "standby"}]}
    _config(prod)["OriginGroups"] = {"Items": [{"Id": "both", "Members": members}]}
    return prod.path(_distribution(prod))


@plants("CDN-202")
def an_alias_without_a_certificate(prod: Prod) -> str:
    _config(prod)["Aliases"] = ["spendsmart.example"]
    _config(prod).pop("ViewerCertificate", None)
    return prod.path(_distribution(prod))


def _edge_function(prod: Prod, arn: dict[str, Any]) -> None:
    function = {"Environment": {"Variables": {"STAGE": "prod"}}}
    prod.add("Edge", "Function", {"Type": "AWS::Lambda::Function", "Properties": function})
    version = {"FunctionName": {"Ref": "Function"}}
    prod.add("Edge", "Version", {"Type": "AWS::Lambda::Version", "Properties": version})
    association = {"EventType": "viewer-request", "LambdaFunctionARN": arn}
    _config(prod)["DefaultCacheBehavior"]["LambdaFunctionAssociations"] = [association]


@plants("CDN-203")
def an_edge_function_without_a_version(prod: Prod) -> str:
    _edge_function(prod, {"Fn::GetAtt": ["Function", "Arn"]})
    return prod.path(_distribution(prod))


@plants("CDN-204")
def an_edge_function_with_an_environment(prod: Prod) -> str:
    _edge_function(prod, {"Ref": "Version"})
    return prod.path(_distribution(prod))


@plants("CDN-205")
def some_of_the_methods(prod: Prod) -> str:
    _config(prod)["DefaultCacheBehavior"]["AllowedMethods"] = ["GET", "HEAD", "POST"]
    return prod.path(_distribution(prod))


@plants("CDN-206")
def forwarded_values_beside_a_policy(prod: Prod) -> str:
    _config(prod)["DefaultCacheBehavior"]["ForwardedValues"] = {"QueryString": True}
    return prod.path(_distribution(prod))


@plants("CDN-208")
def a_long_comment(prod: Prod) -> str:
    _config(prod)["Comment"] = "SpendSmart " * 12
    return prod.path(_distribution(prod))


@plants("CDN-209")
def an_origin_port_below_the_range(prod: Prod) -> str:
    _config(prod)["Origins"][0]["CustomOriginConfig"]["HTTPPort"] = 81
    return prod.path(_distribution(prod))


@plants("CDN-210")
def an_origin_of_two_kinds(prod: Prod) -> str:
    _config(prod)["Origins"][0]["VpcOriginConfig"] = {"VpcOriginId": "vo_1"}
    _config(prod)["Origins"][0]["CustomOriginConfig"] = {"OriginProtocolPolicy": "https-only"}
    return prod.path(_distribution(prod))


@plants("CDN-213")
def legacy_logs_to_a_bucket_without_acls(prod: Prod) -> str:
    bucket = prod.resource("Edge", "AWS::S3::Bucket", path="/AccessLogs/")
    _config(prod)["Logging"] = {"Bucket": {"Fn::GetAtt": [prod.logical_id(bucket), "RegionalDomainName"]}}
    return prod.path(_distribution(prod))


@plants("CDN-216")
def a_cloudfront_function_at_the_origin(prod: Prod) -> str:
    arn = "arn:aws:cloudfront::000000000000:function/rewrite"
    association = {"EventType": "origin-request", "FunctionARN": arn}
    _config(prod)["DefaultCacheBehavior"]["FunctionAssociations"] = [association]
    return prod.path(_distribution(prod))
