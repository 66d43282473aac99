"""CloudFront's VPC origins: what they point to, and who lets them in."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import LISTENER, LOAD_BALANCER, balancer_kind
from preflight.rules.support import covers_port, group_rules
from preflight.values import Node, entries, integer, is_unknown, target, text

_ORIGIN = "AWS::CloudFront::VpcOrigin"
_GROUP = "AWS::EC2::SecurityGroup"
_VPC = "AWS::EC2::VPC"
_INSTANCE = "AWS::EC2::Instance"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html"


def _balancer(origin: Resource) -> Resource | None:
    return target(origin.get("VpcOriginEndpointConfig", "Arn"), LOAD_BALANCER)


@rule(
    "CDN-86",
    constraint=86,
    severity=Severity.COST,
    confidence=Confidence.REPORTED,
    title="A VPC origin has no tags",
    otherwise="While a distribution uses the origin every update of it, a changed tag included, is refused with 409.",
    remedy="Exclude AWS::CloudFront::VpcOrigin from Tags; change an origin by a new logical id in two deploys.",
    source="https://github.com/aws/aws-cdk/issues/35765",
    types=(_ORIGIN,),
)
def untagged(origin: Resource) -> Iterator[Fault]:
    if entries(origin.get("Tags")):
        yield Fault(at="Tags", message="tags that cannot change any more")


@rule(
    "CDN-87",
    constraint=87,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="The security groups behind a VPC origin admit CloudFront",
    otherwise="CloudFront answers 504 for every request.",
    remedy="Admit the managed prefix list com.amazonaws.global.cloudfront.origin-facing on the origin's port.",
    source=_GUIDE,
    types=(_ORIGIN,),
    lacks=("AWS::EC2::SecurityGroupIngress",),
)
def admits_cloudfront(origin: Resource) -> Iterator[Fault]:
    arn = origin.get("VpcOriginEndpointConfig", "Arn")
    server = target(arn, LOAD_BALANCER, _INSTANCE)
    if server is None:
        return
    places = server.get("SecurityGroupIds" if server.type == _INSTANCE else "SecurityGroups")
    groups = [target(place, _GROUP) for place in entries(places)]
    known = [group for group in groups if group is not None and not is_unknown(group.get("SecurityGroupIngress"))]
    if not groups or len(known) < len(groups):
        return
    ports = _ports(origin)
    rules = [node for group in known for _, node in group_rules(group, "Ingress")]
    if ports and not any(_admits(node, port) for node in rules for port in ports):
        wanted = " or ".join(map(str, ports))
        yield Fault(at=str(arn), message=f"{server.construct_path} does not admit CloudFront to port {wanted}")


def _ports(origin: Resource) -> list[int]:
    """The ports that CloudFront may use; none where that is not known."""
    config = origin.get("VpcOriginEndpointConfig")
    policy = config.get("OriginProtocolPolicy")
    kind = "match-viewer" if policy.absent else text(policy)
    ports = {"http-only": _HTTP, "https-only": _HTTPS, "match-viewer": {**_HTTP, **_HTTPS}}.get(kind or "", {})
    found = [default if config.get(key).absent else integer(config.get(key)) for key, default in ports.items()]
    return [] if None in found else [port for port in found if port is not None]


_HTTP = {"HTTPPort": 80}
_HTTPS = {"HTTPSPort": 443}


def _admits(node: Node, port: int) -> bool:

    if covers_port(node, port) is False:
        return False
    # A group of this assembly cannot be the one that CloudFront makes for its interfaces.
    return target(node.get("SourceSecurityGroupId"), _GROUP) is None


@rule(
    "CDN-87b",
    constraint=87,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The VPC of a VPC origin has an internet gateway",
    otherwise="CloudFront does not create the origin, or does not reach it.",
    remedy="Attach an internet gateway to the VPC; no subnet needs a route to it.",
    source=_GUIDE,
    types=(_ORIGIN,),
    lacks=("AWS::EC2::VPCGatewayAttachment",),
)
def internet_gateway(origin: Resource) -> Iterator[Fault]:
    balancer = _balancer(origin)
    if balancer is None:
        return
    places = entries(balancer.get("Subnets"))
    places += [mapping.get("SubnetId") for mapping in entries(balancer.get("SubnetMappings"))]
    for place in places:
        subnet = target(place, "AWS::EC2::Subnet")
        vpc = target(subnet.get("VpcId"), _VPC) if subnet is not None else None
        if vpc is None:
            continue
        attached = any(
            each.type == "AWS::EC2::VPCGatewayAttachment" and not each.get("InternetGatewayId").absent
            for each in vpc.referrers
        )
        if not attached:
            yield Fault(at="VpcOriginEndpointConfig.Arn", message=f"{vpc.construct_path} has no internet gateway")
        return


@rule(
    "CDN-87c",
    constraint=87,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A VPC origin is an application load balancer, or a network one with security groups and without TLS",
    otherwise="CloudFront refuses the origin.",
    remedy="Use one of them; gateway load balancers and dual-stack network load balancers are not supported.",
    source=_GUIDE,
    types=(_ORIGIN,),
)
def supported_balancer(origin: Resource) -> Iterator[Fault]:
    balancer = _balancer(origin)
    kind = balancer_kind(balancer) if balancer is not None else None
    if balancer is None or kind not in ("network", "gateway"):
        return
    at = "VpcOriginEndpointConfig.Arn"
    if kind == "gateway":
        yield Fault(at=at, message=f"{balancer.construct_path} is a gateway load balancer")
    elif balancer.get("SecurityGroups").absent:
        yield Fault(at=at, message=f"{balancer.construct_path} is a network load balancer without security groups")
    elif text(balancer.get("IpAddressType")) == "dualstack":
        yield Fault(at=at, message=f"{balancer.construct_path} is a dual-stack network load balancer")
    elif any(each.type == LISTENER and text(each.get("Protocol")) == "TLS" for each in balancer.referrers):
        yield Fault(at=at, message=f"{balancer.construct_path} has a TLS listener")
