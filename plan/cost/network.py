"""NAT gateways, public addresses, endpoints, load balancers, CloudFront and WAF."""

from __future__ import annotations

from collections.abc import Iterator

from plan.cost.lines import Costing, Line, priced
from plan.cost.prices import HOURS
from plan.cost.values import length
from preflight.assembly import Resource
from preflight.values import text

KIB_PER_GIB = 1024 * 1024
_CDN_FREE_GB = 1024
_CDN_FREE_REQUESTS = 10_000_000
"""CloudFront's always-free share of a month: https://aws.amazon.com/cloudfront/pricing."""

_LCU_CONNECTIONS = 25
"""New connections a second in one load balancer capacity unit: Elastic Load Balancing pricing."""


@priced("AWS::EC2::NatGateway")
def _nat(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(resource, "NAT gateways", "gateway", "nat_gateway.hour", HOURS, assumption="all hours")
    gib = costing.usage.nat_gib_per_month * costing.share(resource)
    yield costing.line(
        resource,
        "NAT gateways",
        "data processed",
        "nat_gateway.gb",
        gib,
        assumption="usage.nat_gib_per_month, spread evenly",
    )


@priced("AWS::EC2::EIP")
def _address(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(
        resource, "Public addresses", "elastic IP address", "public_ipv4.hour_in_use", HOURS, assumption="all hours"
    )


@priced("AWS::EC2::VPCEndpoint")
def _endpoint(resource: Resource, costing: Costing) -> Iterator[Line]:
    if text(resource.get("VpcEndpointType")) != "Interface":
        return  # gateway endpoints are free
    service = (text(resource.get("ServiceName")) or "").partition(".amazonaws.")[2].partition(".")[2]
    zones = length(resource.get("SubnetIds"))
    yield costing.line(
        resource,
        "VPC endpoints",
        f"{service or 'endpoint'} in {zones} zones",
        "vpc_endpoint.interface.hour_per_az",
        zones * HOURS,
        assumption="all hours",
    )
    if service == "logs":
        yield costing.line(
            resource,
            "VPC endpoints",
            "logs through it",
            "vpc_endpoint.interface.gb",
            costing.usage.log_gib_per_month,
            assumption="usage.log_gib_per_month; the other endpoints carry little",
        )


@priced("AWS::ElasticLoadBalancingV2::LoadBalancer")
def _balancer(resource: Resource, costing: Costing) -> Iterator[Line]:
    kind = "nlb" if text(resource.get("Type")) == "network" else "alb"
    yield costing.line(resource, "Load balancing", "load balancer", f"{kind}.hour", HOURS, assumption="all hours")
    if text(resource.get("Scheme")) == "internet-facing":
        zones = length(resource.get("Subnets"))
        yield costing.line(
            resource,
            "Public addresses",
            f"addresses of the load balancer in {zones} zones",
            "public_ipv4.hour_in_use",
            zones * HOURS,
            assumption="all hours",
        )
    if kind == "alb":
        share = costing.share(resource)
        requests = costing.usage.requests_per_month * share
        gib = requests * costing.usage.response_kib / KIB_PER_GIB
        units = max(requests / (HOURS * 3600) / _LCU_CONNECTIONS, gib / HOURS)
        yield costing.line(
            resource,
            "Load balancing",
            "capacity units",
            "alb.lcu_hour",
            units * HOURS,
            assumption="usage.requests_per_month with a new connection each, usage.response_kib",
        )


@priced("AWS::CloudFront::Distribution")
def _distribution(resource: Resource, costing: Costing) -> Iterator[Line]:
    usage, share = costing.usage, costing.share(resource)
    requests = usage.requests_per_month * usage.cdn_percent / 100 * share
    gib = requests * usage.response_kib / KIB_PER_GIB
    yield costing.line(
        resource,
        "CloudFront",
        "data out",
        "cloudfront.out.first_10tb",
        max(0.0, gib - _CDN_FREE_GB),
        assumption=f"usage.cdn_percent of the responses, {gib:.0f} GB; 1024 GB are free",
    )
    yield costing.line(
        resource,
        "CloudFront",
        "requests",
        "cloudfront.req.https",
        max(0.0, requests - _CDN_FREE_REQUESTS),
        assumption="usage.cdn_percent of the requests; 10 million are free",
    )


@priced("AWS::WAFv2::WebACL")
def _firewall(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(resource, "WAF", "web ACL", "waf.web_acl", 1)
    yield costing.line(resource, "WAF", "rules", "waf.rule", length(resource.get("Rules")))
    edge = text(resource.get("Scope")) == "CLOUDFRONT"
    share = costing.usage.cdn_percent / 100 if edge else 1.0
    yield costing.line(
        resource,
        "WAF",
        "requests",
        "waf.requests",
        costing.usage.requests_per_month * share,
        assumption="usage.requests_per_month" + (", those of usage.cdn_percent" if edge else ""),
    )


@priced("AWS::Route53::HostedZone")
def _zone(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(resource, "Route 53", "hosted zone", "route53.zone", 1)
