"""EC2's networks and ELB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.readback.compare import differences
from localcloud.readback.reader import Client, only, reads

Wanted = Mapping[str, Any]


@reads("AWS::EC2::VPC")
def vpc(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    ec2 = client("ec2")
    found = only(ec2.describe_vpcs(VpcIds=[ref])["Vpcs"])
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        attribute = name[0].lower() + name[1:]
        found[name] = ec2.describe_vpc_attribute(VpcId=ref, Attribute=attribute)[name]["Value"]
    return dict(found)


@reads("AWS::EC2::Subnet")
def subnet(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(only(client("ec2").describe_subnets(SubnetIds=[ref])["Subnets"]))


@reads("AWS::EC2::InternetGateway")
def internet_gateway(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(only(client("ec2").describe_internet_gateways(InternetGatewayIds=[ref])["InternetGateways"]))


@reads("AWS::EC2::VPCGatewayAttachment")
def gateway_attachment(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    gateway = wanted["InternetGatewayId"]
    found = only(client("ec2").describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"])
    return {"InternetGatewayId": gateway, "VpcId": only(found["Attachments"])["VpcId"]}


@reads("AWS::EC2::RouteTable")
def route_table(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(only(client("ec2").describe_route_tables(RouteTableIds=[ref])["RouteTables"]))


@reads("AWS::EC2::Route")
def route(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    table = wanted["RouteTableId"]
    routes = only(client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"])["Routes"]
    block = wanted["DestinationCidrBlock"]
    return {"RouteTableId": table, **only([each for each in routes if each.get("DestinationCidrBlock") == block])}


@reads("AWS::EC2::SubnetRouteTableAssociation")
def route_table_association(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    table = only(client("ec2").describe_route_tables(RouteTableIds=[wanted["RouteTableId"]])["RouteTables"])
    return dict(only([each for each in table["Associations"] if each.get("SubnetId") == wanted["SubnetId"]]))


@reads("AWS::EC2::EIP")
def address(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(only(client("ec2").describe_addresses(PublicIps=[ref])["Addresses"]))


@reads("AWS::EC2::PrefixList")
def prefix_list(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = only(client("ec2").describe_managed_prefix_lists(PrefixListIds=[ref])["PrefixLists"])
    return {**found, "Entries": client("ec2").get_managed_prefix_list_entries(PrefixListId=ref)["Entries"]}


@reads("AWS::EC2::NatGateway", renamed={"AllocationId": "Address.AllocationId"})
def nat_gateway(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = only(client("ec2").describe_nat_gateways(NatGatewayIds=[ref])["NatGateways"])
    return {**found, "Address": only(found.get("NatGatewayAddresses", []))}


@reads(
    "AWS::EC2::FlowLog",
    # The API shows what is logged by its ID alone.
    unreadable={"ResourceType": "DescribeFlowLogs has no member for the type of the resource"},
)
def flow_log(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    return dict(only(client("ec2").describe_flow_logs(FlowLogIds=[ref])["FlowLogs"]))


def _rule(rule: Mapping[str, Any], peer: str) -> dict[str, Any]:
    """A template's rule as DescribeSecurityGroups shows it."""
    shown: dict[str, Any] = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    described = {"Description": rule["Description"]} if rule.get("Description") else {}
    for name, member, key in (
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        (f"{peer}SecurityGroupId", "UserIdGroupPairs", "GroupId"),
        (f"{peer}PrefixListId", "PrefixListIds", "PrefixListId"),
    ):
        if name in rule:
            shown[member] = [{key: rule[name], **described}]
    return shown


def _single_rules(permissions: list[Any]) -> list[dict[str, Any]]:
    """The API puts rules that differ in the peer alone together; templates have one for each."""
    single = []
    for permission in permissions:
        ports = {name: permission[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in permission}
        for member in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds"):
            single += [{**ports, member: [peer]} for peer in permission.get(member, [])]
    return single


@reads(
    "AWS::EC2::SecurityGroup",
    renamed={"GroupDescription": "Description"},
    shaped={
        "SecurityGroupIngress": lambda rules: [_rule(rule, "Source") for rule in rules],
        "SecurityGroupEgress": lambda rules: [_rule(rule, "Destination") for rule in rules],
    },
)
def security_group(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    found = only(client("ec2").describe_security_groups(GroupIds=[ref])["SecurityGroups"])
    # Rules that are resources of their own are compared there.
    return {
        **found,
        **{
            name: _declared(_single_rules(found[member]), [_rule(rule, peer) for rule in wanted.get(name, [])])
            for name, member, peer in (
                ("SecurityGroupIngress", "IpPermissions", "Source"),
                ("SecurityGroupEgress", "IpPermissionsEgress", "Destination"),
            )
        },
    }


def _alike(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    return next(differences(wanted, found, ""), None) is None


def _declared(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in found if any(_alike(want, rule) for want in wanted)]


def _rule_of(client: Client, wanted: Wanted, member: str, peer: str) -> dict[str, Any]:
    group = only(client("ec2").describe_security_groups(GroupIds=[wanted["GroupId"]])["SecurityGroups"])
    want = _rule(wanted, peer)
    for rule in _single_rules(group[member]):
        if _alike(want, rule):
            return dict(wanted)
    raise LookupError(f"{wanted['GroupId']} has no rule {want}")


@reads("AWS::EC2::SecurityGroupIngress")
def ingress(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    return _rule_of(client, wanted, "IpPermissions", "Source")


@reads("AWS::EC2::SecurityGroupEgress")
def egress(client: Client, _ref: str, wanted: Wanted) -> dict[str, Any]:
    return _rule_of(client, wanted, "IpPermissionsEgress", "Destination")


@reads("AWS::EC2::VPCEndpoint", renamed={"SecurityGroupIds": "GroupIds"})
def endpoint(client: Client, ref: str, _wanted: Wanted) -> dict[str, Any]:
    found = only(client("ec2").describe_vpc_endpoints(VpcEndpointIds=[ref])["VpcEndpoints"])
    return {**found, "GroupIds": [group["GroupId"] for group in found.get("Groups", [])]}


# Load balancers


@reads("AWS::ElasticLoadBalancingV2::LoadBalancer")
def load_balancer(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    elb = client("elbv2")
    found = only(elb.describe_load_balancers(LoadBalancerArns=[ref])["LoadBalancers"])
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=ref)["Attributes"]
    return {
        **found,
        "Name": found["LoadBalancerName"],
        "Subnets": [zone["SubnetId"] for zone in found["AvailabilityZones"]],
        "LoadBalancerAttributes": _named(attributes, wanted.get("LoadBalancerAttributes", [])),
        "Tags": _elb_tags(elb, ref),
    }


def _named(attributes: list[Any], wanted: list[Any]) -> list[Any]:
    names = {each["Key"] for each in wanted}
    return [each for each in attributes if each["Key"] in names]


def _elb_tags(elb: Any, ref: str) -> list[Any]:
    tags: list[Any] = only(elb.describe_tags(ResourceArns=[ref])["TagDescriptions"])["Tags"]
    return tags


@reads("AWS::ElasticLoadBalancingV2::Listener")
def listener(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    elb = client("elbv2")
    found = only(elb.describe_listeners(ListenerArns=[ref])["Listeners"])
    shown = {**found, "Tags": _elb_tags(elb, ref)}
    if "ListenerAttributes" in wanted:
        attributes = elb.describe_listener_attributes(ListenerArn=ref)["Attributes"]
        shown["ListenerAttributes"] = _named(attributes, wanted["ListenerAttributes"])
    return shown


@reads("AWS::ElasticLoadBalancingV2::ListenerRule")
def listener_rule(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    elb = client("elbv2")
    found = only(elb.describe_rules(RuleArns=[ref])["Rules"])
    return {**found, "ListenerArn": wanted["ListenerArn"], "Tags": _elb_tags(elb, ref)}


@reads("AWS::ElasticLoadBalancingV2::TargetGroup")
def target_group(client: Client, ref: str, wanted: Wanted) -> dict[str, Any]:
    elb = client("elbv2")
    found = only(elb.describe_target_groups(TargetGroupArns=[ref])["TargetGroups"])
    attributes = elb.describe_target_group_attributes(TargetGroupArn=ref)["Attributes"]
    return {
        **found,
        "Name": found["TargetGroupName"],
        "TargetGroupAttributes": _named(attributes, wanted.get("TargetGroupAttributes", [])),
        "Tags": _elb_tags(elb, ref),
    }
