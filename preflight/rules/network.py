"""VPCs: zones, addresses, routes, NAT gateways and flow logs."""

from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ordering import made_before
from preflight.rules.remembering import shared
from preflight.rules.support import written
from preflight.values import entries, integer, is_unknown, reference, target, text

_VPC = "AWS::EC2::VPC"
_SUBNET = "AWS::EC2::Subnet"
_ROUTE = "AWS::EC2::Route"
_NAT = "AWS::EC2::NatGateway"
_GATEWAY = "AWS::EC2::InternetGateway"
_ATTACHMENT = "AWS::EC2::VPCGatewayAttachment"
_QUOTAS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"


def route_tables(subnet: Resource) -> list[Resource]:
    """The route tables that the assembly associates with a subnet."""
    found = [
        target(each.get("RouteTableId"), "AWS::EC2::RouteTable")
        for each in subnet.referrers
        if each.type == "AWS::EC2::SubnetRouteTableAssociation"
    ]
    return [table for table in found if table is not None]


def default_routes(subnet: Resource) -> list[Resource] | None:
    """The routes that lead out of a subnet, None where its route table or one of its routes is not known."""
    found = [_table_routes(table) for table in route_tables(subnet)]
    if not found or None in found:
        return None
    return [route for routes in found for route in routes or ()]


@shared
def _table_routes(table: Resource) -> tuple[Resource, ...] | None:
    routes = [each for each in table.referrers if each.type == _ROUTE]
    if any(is_unknown(route.get("DestinationCidrBlock")) for route in routes):
        return None
    return tuple(route for route in routes if route.get("DestinationCidrBlock").value == "0.0.0.0/0")


@rule(
    "VPC-48",
    constraint=48,
    severity=Severity.OUTAGE,
    confidence=Confidence.BELIEVED,
    title="A stack that makes a VPC knows its region",
    otherwise="Without a concrete environment CDK lays the VPC over two zones, whatever max_azs says.",
    remedy="Give the stack env=Environment(account=…, region=…), and count the subnets in a test.",
    source="https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_ec2-readme.html#advanced-subnet-configuration",
    types=(_VPC,),
)
def two_zones(vpc: Resource) -> Iterator[Fault]:
    subnets = [each for each in vpc.referrers if each.type == _SUBNET and each.stack is vpc.stack and _by_cdk(each)]
    zones = {str(written(subnet.get("AvailabilityZone"))) for subnet in subnets}
    if subnets and len(zones) <= 2 and all("Fn::GetAZs" in zone for zone in zones):
        yield Fault(at="", message=f"{len(zones)} zones, chosen without knowing the region")


def _by_cdk(subnet: Resource) -> bool:
    return any(text(tag.get("Key")) == "aws-cdk:subnet-type" for tag in entries(subnet.get("Tags")))


@rule(
    "VPC-49b",
    constraint=49,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A region has at most 5 VPCs, 5 Elastic IPs and 5 NAT gateways per zone before the quotas are raised",
    otherwise="VpcLimitExceeded, AddressLimitExceeded or NatGatewayLimitExceeded in an account with default quotas.",
    remedy="Use fewer, or have the quota raised before the deploy.",
    source=_QUOTAS,
)
def regional_quotas(assembly: Assembly) -> Iterator[Fault]:
    for kind, label in ((_VPC, "VPCs"), ("AWS::EC2::EIP", "Elastic IP addresses")):
        places = Counter(_place(each) for each in assembly.of_type(kind))
        for each in assembly.of_type(kind):
            count = places.pop(_place(each), 0)
            if count > 5:
                yield Fault(at="", message=f"{count} {label} in one account and region", resource=each)
    zones = Counter(zone for each in assembly.of_type(_NAT) if (zone := _nat_zone(each)))
    for each in assembly.of_type(_NAT):
        zone = _nat_zone(each)
        count = zones.pop(zone, 0) if zone else 0
        if count > 5:
            yield Fault(at="SubnetId", message=f"{count} NAT gateways in one zone", resource=each)


def _place(resource: Resource) -> str:
    """Where the quota counts; stacks whose environment is open count by themselves."""
    stack = resource.stack
    return f"{stack.account} {stack.region}" if stack.account and stack.region else stack.name


def _nat_zone(gateway: Resource) -> str | None:
    subnet = target(gateway.get("SubnetId"), _SUBNET)
    zone = text(subnet.get("AvailabilityZone")) if subnet is not None else None
    return f"{_place(gateway)} {zone}" if zone else None


def _attachments(resource: Resource, gateway: Resource | None) -> list[Resource]:
    """The attachments of an internet gateway in the stack of the resource."""
    return [each for each in _attached(gateway) if each.stack is resource.stack] if gateway is not None else []


@shared
def _attached(owner: Resource) -> tuple[Resource, ...]:
    """The attachments of a VPC or of an internet gateway."""
    return tuple(each for each in owner.referrers if each.type == _ATTACHMENT)


@rule(
    "VPC-202",
    constraint=None,
    severity=Severity.REFUSED,
    # AWS documents the dependency; published templates without it show that the race is often won.
    confidence=Confidence.BELIEVED,
    title="A route to an internet gateway is made after the gateway is attached",
    otherwise="The route table and the gateway belong to different networks: the route is refused.",
    remedy="Let the route depend on the AWS::EC2::VPCGatewayAttachment (DependsOn).",
    source=_CFN + "aws-attribute-dependson.html",
    types=(_ROUTE,),
    lacks=("DependsOn",),
)
def route_after_attachment(route: Resource) -> Iterator[Fault]:
    attachments = _attachments(route, target(route.get("GatewayId"), _GATEWAY))
    before = made_before(route) if attachments else frozenset()
    if attachments and not any(each.logical_id in before for each in attachments):
        yield Fault(at="GatewayId", message=f"does not depend on {attachments[0].construct_path}")


@rule(
    "VPC-203",
    constraint=None,
    severity=Severity.REFUSED,
    # The same race as above.
    confidence=Confidence.BELIEVED,
    title="A public NAT gateway is made after its VPC's internet gateway is attached",
    otherwise="Gateway.NotAttached: the network has no internet gateway, and the NAT gateway is refused.",
    remedy="Let the NAT gateway or its address depend on the AWS::EC2::VPCGatewayAttachment (DependsOn).",
    source=_CFN + "aws-resource-ec2-eip.html",
    types=(_NAT,),
    lacks=("DependsOn",),
)
def nat_after_attachment(gateway: Resource) -> Iterator[Fault]:
    subnet = target(gateway.get("SubnetId"), _SUBNET)
    vpc = target(subnet.get("VpcId"), _VPC) if subnet is not None else None
    if vpc is None or text(gateway.get("ConnectivityType")) == "private" or is_unknown(gateway.get("ConnectivityType")):
        return
    attachments = [each for each in _attached(vpc) if each.stack is gateway.stack]
    before = made_before(gateway) if attachments else frozenset()
    if attachments and not any(each.logical_id in before for each in attachments):
        yield Fault(at="SubnetId", message=f"does not depend on {attachments[0].construct_path}")


@rule(
    "VPC-204",
    constraint=None,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A public NAT gateway is in a subnet that routes to an internet gateway",
    otherwise="The NAT gateway is created, and nothing behind it reaches the internet.",
    remedy="Put it into a public subnet.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html",
    types=(_NAT,),
    lacks=("AWS::EC2::Route",),
)
def nat_in_public_subnet(gateway: Resource) -> Iterator[Fault]:
    subnet = target(gateway.get("SubnetId"), _SUBNET)
    routes = default_routes(subnet) if subnet is not None else None
    kind = gateway.get("ConnectivityType")
    if subnet is None or routes is None or kind.value == "private" or is_unknown(kind):
        return
    # A firewall endpoint or another appliance may stand between the NAT gateway and the internet gateway.
    if not routes or all(not each.get("NatGatewayId").absent for each in routes):
        yield Fault(at="SubnetId", message=f"{subnet.construct_path} has no route to an internet gateway")


@rule(
    "VPC-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A public zonal NAT gateway has an Elastic IP address, a private one has none",
    otherwise="MissingParameter or InvalidParameter: the NAT gateway is refused.",
    remedy="Set AllocationId to the AllocationId of an AWS::EC2::EIP, or ConnectivityType to private.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html",
    types=(_NAT,),
)
def nat_address(gateway: Resource) -> Iterator[Fault]:
    kind, mode = gateway.get("ConnectivityType"), gateway.get("AvailabilityMode")
    if is_unknown(kind) or is_unknown(mode) or mode.value == "regional":
        return
    address = gateway.get("AllocationId")
    if kind.value == "private" and not address.absent:
        yield Fault(at="AllocationId", message="a private NAT gateway with an Elastic IP address")
    elif kind.value != "private" and address.absent:
        yield Fault(at="AllocationId", message="a public NAT gateway without an Elastic IP address")
    elif (found := reference(address)) and found.resource.type == "AWS::EC2::EIP" and found.attribute == "Ref":
        yield Fault(at="AllocationId", message="Ref of an Elastic IP address, which gives the address itself")


@rule(
    "VPC-209",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A flow log has what its destination needs",
    otherwise="InvalidParameter: the flow log is refused.",
    remedy="For CloudWatch Logs a role and a log group; for S3 and Firehose the ARN in LogDestination and no role of "
    "the same account; 60 or 600 s of aggregation.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html",
    types=("AWS::EC2::FlowLog",),
)
def flow_log(log: Resource) -> Iterator[Fault]:
    kind = "cloud-watch-logs" if log.get("LogDestinationType").absent else text(log.get("LogDestinationType"))
    absent = {key: log.get(key).absent for key in ("DeliverLogsPermissionArn", "LogGroupName", "LogDestination")}
    if kind == "cloud-watch-logs" and absent["DeliverLogsPermissionArn"]:
        yield Fault(at="DeliverLogsPermissionArn", message="a flow log to CloudWatch Logs without a role")
    elif kind == "cloud-watch-logs" and absent["LogGroupName"] and absent["LogDestination"]:
        yield Fault(at="LogGroupName", message="a flow log to CloudWatch Logs without a log group")
    elif kind in ("s3", "kinesis-data-firehose") and not absent["LogGroupName"]:
        yield Fault(at="LogGroupName", message=f"a log group for a flow log to {kind}")
    elif kind in ("s3", "kinesis-data-firehose") and absent["LogDestination"]:
        yield Fault(at="LogDestination", message=f"a flow log to {kind} without LogDestination")
    elif kind == "s3" and not absent["DeliverLogsPermissionArn"]:
        yield Fault(at="DeliverLogsPermissionArn", message="a role for a flow log to S3")
    interval = integer(log.get("MaxAggregationInterval"))
    if interval is not None and interval not in (60, 600):
        yield Fault(at="MaxAggregationInterval", message=f"aggregation over {interval} s")
