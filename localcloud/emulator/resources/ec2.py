"""VPC resources that MiniStack lacks: addresses, NAT gateways, flow logs, prefix lists, rules of groups."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import ec2

from localcloud.emulator import coercion, wire
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Handler, Properties, Provisioned, Wanted, resource


def _tagged(resource_type: str, wanted: Wanted) -> dict[str, Any]:
    tags = [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in wanted.properties.get("Tags", [])]
    return {"TagSpecifications": [{"ResourceType": resource_type, "Tags": tags}]} if tags else {}


def _retag(ref: str, before: Properties, wanted: Wanted) -> None:
    old = {tag["Key"] for tag in before.get("Tags", [])}
    new = {str(tag["Key"]): str(tag["Value"]) for tag in wanted.properties.get("Tags", [])}
    if gone := old - new.keys():
        client("ec2").delete_tags(Resources=[ref], Tags=[{"Key": key} for key in gone])
    if new:
        client("ec2").create_tags(Resources=[ref], Tags=[{"Key": k, "Value": v} for k, v in new.items()])


@resource("AWS::EC2::EIP")
class Eip(Handler):
    """Ref is the public address."""

    immutable = frozenset({"Domain", "NetworkBorderGroup", "PublicIpv4Pool"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("ec2", "AllocateAddress", wanted.properties, without=("Tags",))
        made = client("ec2").allocate_address(**request, **_tagged("elastic-ip", wanted))
        return _address(made["PublicIp"], made["AllocationId"])

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        found = client("ec2").describe_addresses(PublicIps=[ref])["Addresses"][0]
        _retag(found["AllocationId"], before, wanted)
        return _address(ref, found["AllocationId"])

    def delete(self, ref: str, properties: Properties) -> None:
        for found in client("ec2").describe_addresses(PublicIps=[ref])["Addresses"]:
            client("ec2").release_address(AllocationId=found["AllocationId"])


def _address(public: str, allocation: str) -> Provisioned:
    return Provisioned(ref=public, attributes={"AllocationId": allocation, "PublicIp": public})


@resource("AWS::EC2::NatGateway")
class NatGateway(Handler):
    immutable = frozenset({"SubnetId", "AllocationId", "ConnectivityType", "PrivateIpAddress"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("ec2", "CreateNatGateway", wanted.properties, without=("Tags",))
        made = client("ec2").create_nat_gateway(**request, **_tagged("natgateway", wanted))["NatGateway"]
        address = client("ec2").describe_addresses(AllocationIds=[request["AllocationId"]])["Addresses"][0]
        # Upstream leaves the gateway's addresses empty.
        ec2._nat_gateways[made["NatGatewayId"]]["NatGatewayAddresses"] = [
            {"AllocationId": request["AllocationId"], "PublicIp": address["PublicIp"], "IsPrimary": True}
        ]
        return Provisioned(ref=made["NatGatewayId"], attributes={"NatGatewayId": made["NatGatewayId"]})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        _retag(ref, before, wanted)
        return Provisioned(ref=ref, attributes={"NatGatewayId": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        client("ec2").delete_nat_gateway(NatGatewayId=ref)


@resource("AWS::EC2::FlowLog")
class FlowLog(Handler):
    immutable = frozenset(coercion.takes("ec2", "CreateFlowLogs") | {"ResourceId"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input(
            "ec2", "CreateFlowLogs", wanted.properties, without=("Tags",), rename={"ResourceId": "ResourceIds"}
        )
        made = client("ec2").create_flow_logs(**request, **_tagged("vpc-flow-log", wanted))["FlowLogIds"][0]
        record = ec2._flow_logs[made]
        # Upstream keeps neither the role nor the interval, and takes the group's name for a destination's ARN.
        wire.keep("ec2", "FlowLog", record, request)
        if "LogGroupName" in request:
            record["LogDestination"] = ""
        ec2._tags[made] = [dict(tag) for tag in wanted.properties.get("Tags", [])]
        return Provisioned(ref=made, attributes={"Id": made})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        _retag(ref, before, wanted)
        return Provisioned(ref=ref, attributes={"Id": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        client("ec2").delete_flow_logs(FlowLogIds=[ref])


@resource("AWS::EC2::PrefixList")
class PrefixList(Handler):
    immutable = frozenset({"AddressFamily"})

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("ec2", "CreateManagedPrefixList", wanted.properties, without=("Tags",))
        made = client("ec2").create_managed_prefix_list(**request)["PrefixList"]
        _retag(made["PrefixListId"], {}, wanted)  # upstream overlooks the tags of the call that makes a list
        return _prefix_list(made)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        _retag(ref, before, wanted)
        old, new = _addresses(before), _addresses(wanted.properties)
        made = client("ec2").modify_managed_prefix_list(
            PrefixListId=ref,
            PrefixListName=wanted.properties["PrefixListName"],
            MaxEntries=int(wanted.properties["MaxEntries"]),
            AddEntries=[{"Cidr": cidr, "Description": text} for cidr, text in (new.items() - old.items())],
            RemoveEntries=[{"Cidr": cidr} for cidr in old.keys() - new.keys()],
        )["PrefixList"]
        return _prefix_list(made)

    def delete(self, ref: str, properties: Properties) -> None:
        client("ec2").delete_managed_prefix_list(PrefixListId=ref)


def _addresses(properties: Properties) -> dict[str, str]:
    return {entry["Cidr"]: entry.get("Description", "") for entry in properties.get("Entries", [])}


def _prefix_list(made: Mapping[str, Any]) -> Provisioned:
    return Provisioned(
        ref=made["PrefixListId"],
        attributes={"PrefixListId": made["PrefixListId"], "Arn": made["PrefixListArn"], "OwnerId": made["OwnerId"]},
    )


class _Rule(Handler):
    """A rule of a security group made elsewhere. Ref is the rule's ID on AWS; here the group and the rule in words."""

    direction: str

    def create(self, wanted: Wanted) -> Provisioned:
        group = wanted.properties["GroupId"]
        call = getattr(client("ec2"), f"authorize_security_group_{self.direction}")
        made = call(GroupId=group, IpPermissions=[_permission(wanted.properties)])
        rules = made.get("SecurityGroupRules") or []
        ref = rules[0]["SecurityGroupRuleId"] if rules else f"{group}-{wanted.logical_id}"
        return Provisioned(ref=ref, attributes={"Id": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        call = getattr(client("ec2"), f"revoke_security_group_{self.direction}")
        call(GroupId=properties["GroupId"], IpPermissions=[_permission(properties)])


@resource("AWS::EC2::SecurityGroupIngress")
class SecurityGroupIngress(_Rule):
    direction = "ingress"


@resource("AWS::EC2::SecurityGroupEgress")
class SecurityGroupEgress(_Rule):
    direction = "egress"


def _permission(rule: Properties) -> dict[str, Any]:
    described = {"Description": rule["Description"]} if rule.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    for port in ("FromPort", "ToPort"):
        if port in rule:
            permission[port] = int(rule[port])
    sources = (
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("SourcePrefixListId", "PrefixListIds", "PrefixListId"),
        ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
    )
    for name, member, key in sources:
        if name in rule:
            permission[member] = [{key: rule[name], **described}]
    return permission


@resource("AWS::EC2::VPC")
class Vpc(Completion):
    """Upstream's VPC has no CidrBlock attribute for Fn::GetAtt."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        block = wanted.properties["CidrBlock"]
        return {"CidrBlock": block, "CidrBlockAssociations": [f"vpc-cidr-assoc-{ref.removeprefix('vpc-')}"]}


def _endpoint(record: dict[str, Any]) -> dict[str, Any]:
    groups = [
        {"GroupId": group, "GroupName": (ec2._security_groups.get(group) or {}).get("GroupName", "")}
        for group in record.get("SecurityGroupIds", [])
    ]
    return {**record, "Groups": groups}


wire.complete(
    "ec2",
    wire.Listing(
        operation="DescribeNatGateways",
        records="NatGateways",
        record_of=lambda item: ec2._nat_gateways.get(item["NatGatewayId"]),
    ),
    wire.Listing(
        operation="DescribeFlowLogs",
        records="FlowLogs",
        record_of=lambda item: ec2._flow_logs.get(item["FlowLogId"]),
    ),
    wire.Listing(
        operation="DescribeVpcEndpoints",
        records="VpcEndpoints",
        record_of=lambda item: _endpoint(ec2._vpc_endpoints.get(item["VpcEndpointId"]) or {}),
    ),
)
