"""VPC endpoints: what they need themselves, and which of them tasks without a way out need."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.network import default_routes, route_tables
from preflight.rules.remembering import shared
from preflight.rules.support import covers_port, group_rules, repeated_zones
from preflight.values import Node, Text, boolean, entries, is_unknown, reference, strings, target, text

_VPC = "AWS::EC2::VPC"
_SUBNET = "AWS::EC2::Subnet"
_ENDPOINT = "AWS::EC2::VPCEndpoint"
_SERVICE = "AWS::ECS::Service"
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"
_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"


def _kind(endpoint: Resource) -> str | None:
    return "Gateway" if endpoint.get("VpcEndpointType").absent else text(endpoint.get("VpcEndpointType"))


def _letters(node: Node) -> str:
    return node.value.literal if isinstance(node.value, Text) else "" if reference(node) else text(node) or ""


def _offers(endpoint: Resource, service: str) -> bool | None:
    name = endpoint.get("ServiceName")
    if isinstance(name.value, Text):
        return name.value.endswith(f".{service}")
    known = text(name)
    return None if known is None else known.endswith(f".{service}")


@rule(
    "VPC-51",
    constraint=51,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="Fargate tasks without a way to the internet have the endpoints they need",
    otherwise="The tasks cannot pull their image, read their secrets or write their log: none ever starts.",
    remedy="Add interface endpoints with private DNS for ecr.api, ecr.dkr, logs, secretsmanager, ssm and ssmmessages "
    "as used, and a gateway endpoint for s3 on the subnets' route tables; or route through a NAT gateway, or set "
    "AssignPublicIp in a public subnet.",
    source=_ECR,
    types=(_SERVICE,),
    lacks=(
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::Route",
    ),
)
def endpoints_for_tasks(service: Resource) -> Iterator[Fault]:
    task = target(service.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    if task is None or not _on_fargate(service, task):
        return
    network = service.get("NetworkConfiguration", "AwsvpcConfiguration")
    public = network.get("AssignPublicIp")
    if is_unknown(public) or is_unknown(network):
        return
    for place in entries(network.get("Subnets")):
        subnet = target(place, _SUBNET)
        vpc = target(subnet.get("VpcId"), _VPC) if subnet is not None else None
        if subnet is None or vpc is None or not _closed(subnet, public.value == "ENABLED"):
            continue
        missing = [name for name in _needs(service, task) if _lacks(vpc, subnet, name)]
        if missing:
            message = f"{subnet.construct_path} leads nowhere, and lacks endpoints for {', '.join(missing)}"
            yield Fault(at=str(place), message=message)
            return


def _on_fargate(service: Resource, task: Resource) -> bool:
    providers = [text(each.get("CapacityProvider")) or "" for each in entries(service.get("CapacityProviderStrategy"))]
    if providers and not any(name.startswith("FARGATE") for name in providers):
        return False
    launch = text(service.get("LaunchType"))
    return launch == "FARGATE" or (launch is None and "FARGATE" in strings(task.get("RequiresCompatibilities")))


def _closed(subnet: Resource, public: bool) -> bool:
    """Whether no default route lets tasks out: a route to an internet gateway serves public addresses only."""
    routes = default_routes(subnet)
    if routes is None:
        return False
    return all(not public and target(each.get("GatewayId"), "AWS::EC2::InternetGateway") for each in routes)


def _needs(service: Resource, task: Resource) -> list[str]:
    found: dict[str, None] = {}
    for container in entries(task.get("ContainerDefinitions")):
        image = container.get("Image")
        if ".dkr.ecr." in _letters(image) or target(image, "AWS::ECR::Repository") is not None:
            found.update(dict.fromkeys(("ecr.api", "ecr.dkr", "s3")))
        if text(container.get("LogConfiguration", "LogDriver")) == "awslogs":
            found["logs"] = None
        for secret in entries(container.get("Secrets")):
            found.update(dict.fromkeys(_store(secret.get("ValueFrom"))))
    if boolean(service.get("EnableExecuteCommand")):
        found["ssmmessages"] = None
    return list(found)


def _store(node: Node) -> list[str]:
    """The service that a secret of a container is read from."""
    if target(node, "AWS::SecretsManager::Secret", "AWS::RDS::DBInstance", "AWS::RDS::DBCluster") is not None:
        return ["secretsmanager"]
    if target(node, "AWS::SSM::Parameter") is not None:
        return ["ssm"]
    return [name for name in ("secretsmanager", "ssm") if f":{name}:" in _letters(node)]


def _lacks(vpc: Resource, subnet: Resource, service: str) -> bool:
    """Whether the VPC certainly has no usable endpoint for a service."""
    tables = _tables_with(vpc, service)
    return tables is not None and not any(id(table) in tables for table in route_tables(subnet))


@shared
def _tables_with(vpc: Resource, service: str) -> frozenset[int] | None:
    """The route tables from which a VPC's endpoints reach a service; None for all of them, or where not known."""
    served: set[int] = set()
    for endpoint in vpc.referrers:
        if endpoint.type != _ENDPOINT or _offers(endpoint, service) is False:
            continue
        kind, tables = _kind(endpoint), endpoint.get("RouteTableIds")
        if kind == "Gateway" and not is_unknown(tables):
            served.update(id(target(each, "AWS::EC2::RouteTable")) for each in entries(tables))
        elif kind is None or kind == "Gateway" or service == "s3" or _private_dns(endpoint):
            return None
    return frozenset(served)


def _private_dns(endpoint: Resource) -> bool:
    """Whether private DNS is on or may be: absent means off, undecided gives the benefit of the doubt."""
    node = endpoint.get("PrivateDnsEnabled")
    return not node.absent and boolean(node) is not False


@rule(
    "VPC-51b",
    constraint=51,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A VPC with private DNS for endpoints has DNS support and DNS host names",
    otherwise="Enabling private DNS requires both enableDnsSupport and enableDnsHostnames: the endpoint is refused.",
    remedy="Set EnableDnsSupport and EnableDnsHostnames (off by default) of the VPC to true.",
    source=_API,
    types=(_ENDPOINT,),
)
def private_dns(endpoint: Resource) -> Iterator[Fault]:
    vpc = target(endpoint.get("VpcId"), _VPC)
    if vpc is None or not boolean(endpoint.get("PrivateDnsEnabled")):
        return
    if boolean(vpc.get("EnableDnsSupport")) is False:
        yield Fault(at="PrivateDnsEnabled", message=f"{vpc.construct_path} has DNS support switched off")
    elif vpc.get("EnableDnsHostnames").absent or boolean(vpc.get("EnableDnsHostnames")) is False:
        yield Fault(at="PrivateDnsEnabled", message=f"{vpc.construct_path} has no DNS host names")


@rule(
    "VPC-51c",
    constraint=51,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="The security groups of an interface endpoint admit port 443",
    otherwise="With private DNS every call to the service ends at the endpoint, and times out.",
    remedy="Admit TCP 443 from the VPC's range or from the clients' security groups.",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
    types=(_ENDPOINT,),
    # Other stacks, and whoever connects to the endpoint, may add the rule.
    level=Level.WARNING,
    lacks=("AWS::EC2::SecurityGroupIngress",),
)
def endpoint_admits(endpoint: Resource) -> Iterator[Fault]:
    # Services of other accounts may listen on any port.
    if _kind(endpoint) != "Interface" or ".vpce-svc-" in _letters(endpoint.get("ServiceName")):
        return
    places = entries(endpoint.get("SecurityGroupIds"))
    groups = [target(place, "AWS::EC2::SecurityGroup") for place in places]
    if not groups or None in groups:
        return
    # A group without any rule is one that others add to, or will.
    admitting = [_admits_https(group) for group in groups if group]
    if None not in admitting and not any(admitting):
        yield Fault(at="SecurityGroupIds", message="no rule of its security groups admits port 443")


@shared
def _admits_https(group: Resource) -> bool | None:
    """Whether the group lets port 443 in, or may do so; None where nothing is said of what it lets in."""
    inline = group.get("SecurityGroupIngress")
    if is_unknown(inline):
        return True
    rules = group_rules(group, "Ingress")
    if not rules and inline.absent:
        return None
    return any(covers_port(node, 443) is not False for _, node in rules)


@rule(
    "VPC-51d",
    constraint=51,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An interface endpoint has one subnet per availability zone",
    otherwise="DuplicateSubnetsInSameZone: the endpoint is refused.",
    remedy="Name one subnet of each zone.",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
    types=(_ENDPOINT,),
)
def one_subnet_per_zone(endpoint: Resource) -> Iterator[Fault]:
    if _kind(endpoint) == "Interface":
        for place, why in repeated_zones(entries(endpoint.get("SubnetIds"))):
            yield Fault(at=str(place), message=why)


@rule(
    "VPC-51e",
    constraint=51,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A VPC endpoint has the properties of its type, and a type its service offers",
    otherwise="InvalidParameter: the endpoint is refused.",
    remedy="Set VpcEndpointType: Interface (the default is Gateway, for s3 and dynamodb only) takes subnets, security "
    "groups and private DNS, Gateway takes route tables.",
    source=_API,
    types=(_ENDPOINT,),
)
def endpoint_type(endpoint: Resource) -> Iterator[Fault]:
    kind = _kind(endpoint)
    foreign = {
        "Gateway": ("SubnetIds", "SecurityGroupIds", "PrivateDnsEnabled"),
        "Interface": ("RouteTableIds",),
    }.get(kind or "", ())
    for key in foreign:
        node = endpoint.get(key)
        if not node.absent and node.value not in ([], False, "false"):
            yield Fault(at=key, message=f"{key} on an endpoint of type {kind}")
    offered = [_offers(endpoint, name) for name in ("s3", "dynamodb", "s3express")]
    if kind == "Gateway" and not endpoint.get("ServiceName").absent and all(each is False for each in offered):
        yield Fault(at="VpcEndpointType", message="a gateway endpoint for another service than s3 and dynamodb")
