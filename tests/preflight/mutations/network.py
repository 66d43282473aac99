"""Faults in the VPC, its endpoints, security groups and the functions inside it."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

_EC2 = "AWS::EC2::"


def _vpc(prod: Prod) -> dict[str, Any]:
    return prod.resource("Network", _EC2 + "VPC")


def _subnet(prod: Prod, name: str = "PublicSubnet1") -> dict[str, Any]:
    return prod.resource("Network", _EC2 + "Subnet", path=f"/{name}/")


def _nat(prod: Prod) -> dict[str, Any]:
    return prod.resource("Network", _EC2 + "NatGateway", path="/PublicSubnet1/")


def _endpoint(prod: Prod, name: str) -> dict[str, Any]:
    return prod.resource("Network", _EC2 + "VPCEndpoint", path=f"/{name}/")


def _group(prod: Prod) -> dict[str, Any]:
    return prod.resource("Network", _EC2 + "SecurityGroup", path="/EndpointSecurityGroup/")


@plants("VPC-48", constraint=48)
def zones_chosen_without_a_region(prod: Prod) -> str:
    resources = prod.template("Network")["Resources"]
    for resource in resources.values():
        if resource["Type"] == _EC2 + "Subnet":
            index = {"us-east-1a": 0, "us-east-1b": 1}.get(resource["Properties"]["AvailabilityZone"], 1)
            resource["Properties"]["AvailabilityZone"] = {"Fn::Select": [index, {"Fn::GetAZs": ""}]}
    return prod.path(_vpc(prod))


@plants("VPC-49", constraint=49)
def sixty_one_rules(prod: Prod) -> str:
    entry = _group(prod)["Properties"]["SecurityGroupIngress"][0]
    more = [{**entry, "CidrIp": f"10.40.{number}.0/24"} for number in range(60)]
    _group(prod)["Properties"]["SecurityGroupIngress"] += more
    return prod.path(_group(prod))


@plants("VPC-49b", constraint=49)
def six_addresses(prod: Prod) -> str:
    for number in range(3):
        prod.add("Ingress", f"Address{number}", {"Type": _EC2 + "EIP", "Properties": {"Domain": "vpc"}})
    return prod.path(prod.resource("Network", _EC2 + "EIP"))


def _function(prod: Prod, policies: list[str]) -> dict[str, Any]:
    """The function that restricts the default security group, moved into the VPC under a role of these policies."""
    function = prod.resource("Network", "AWS::Lambda::Function")
    arns = [f"arn:aws:iam::aws:policy/service-role/{name}" for name in policies]
    prod.add("Network", "FunctionRole", {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": arns}})
    function["Properties"]["Role"] = {"Fn::GetAtt": ["FunctionRole", "Arn"]}
    function["Properties"]["VpcConfig"] = {
        "SubnetIds": [{"Ref": prod.logical_id(_subnet(prod, "PrivateSubnet1"))}],
        "SecurityGroupIds": [{"Fn::GetAtt": [prod.logical_id(_group(prod)), "GroupId"]}],
    }
    return function


@plants("VPC-50", constraint=50)
def a_function_without_rights_to_interfaces(prod: Prod) -> str:
    return prod.path(_function(prod, ["AWSLambdaBasicExecutionRole"]))


@plants("VPC-50b", constraint=50)
def a_function_that_outlives_its_policy(prod: Prod) -> str:
    function = _function(prod, [])
    statement = {"Effect": "Allow", "Action": ["ec2:CreateNetworkInterface"], "Resource": "*"}
    policy = {"Roles": [{"Ref": "FunctionRole"}], "PolicyDocument": {"Statement": [statement]}}
    prod.add("Network", "FunctionPolicy", {"Type": "AWS::IAM::Policy", "Properties": policy})
    return prod.path(function)


@plants("VPC-50c", constraint=50)
def a_function_in_a_group_of_its_stack(prod: Prod) -> str:
    return prod.path(_function(prod, ["AWSLambdaVPCAccessExecutionRole"]))


@plants("VPC-51", constraint=51)
def tasks_without_a_way_out(prod: Prod) -> str:
    resources = prod.template("Network")["Resources"]
    for number in (1, 2, 3):
        route = prod.resource("Network", _EC2 + "Route", path=f"/PrivateSubnet{number}/")
        del resources[prod.logical_id(route)]
    del resources[prod.logical_id(_endpoint(prod, "EcrDkrEndpoint"))]
    return prod.path(prod.resource("Service", "AWS::ECS::Service", path="/Web/"))


@plants("VPC-51b", constraint=51)
def private_dns_without_host_names(prod: Prod) -> str:
    del _vpc(prod)["Properties"]["EnableDnsHostnames"]
    return prod.path(_endpoint(prod, "LogsEndpoint"))


@plants("VPC-51c", constraint=51)
def endpoints_that_admit_nobody(prod: Prod) -> str:
    _group(prod)["Properties"]["SecurityGroupIngress"] = []
    return prod.path(_endpoint(prod, "EcrApiEndpoint"))


@plants("VPC-51d", constraint=51)
def an_endpoint_twice_in_one_zone(prod: Prod) -> str:
    zone = _subnet(prod, "PrivateSubnet1")["Properties"]["AvailabilityZone"]
    _subnet(prod, "PrivateSubnet2")["Properties"]["AvailabilityZone"] = zone
    return prod.path(_endpoint(prod, "EcrApiEndpoint"))


@plants("VPC-51e", constraint=51)
def an_endpoint_without_its_type(prod: Prod) -> str:
    del _endpoint(prod, "KmsEndpoint")["Properties"]["VpcEndpointType"]
    return prod.path(_endpoint(prod, "KmsEndpoint"))


@plants("VPC-202")
def a_route_before_the_gateway(prod: Prod) -> str:
    route = prod.resource("Network", _EC2 + "Route", path="/PublicSubnet1/")
    del route["DependsOn"]
    return prod.path(route)


@plants("VPC-203")
def a_nat_gateway_before_the_gateway(prod: Prod) -> str:
    del _nat(prod)["DependsOn"]
    return prod.path(_nat(prod))


@plants("VPC-204")
def a_nat_gateway_in_a_private_subnet(prod: Prod) -> str:
    _nat(prod)["Properties"]["SubnetId"] = {"Ref": prod.logical_id(_subnet(prod, "IsolatedSubnet1"))}
    return prod.path(_nat(prod))


@plants("VPC-205")
def a_nat_gateway_without_an_address(prod: Prod) -> str:
    del _nat(prod)["Properties"]["AllocationId"]
    return prod.path(_nat(prod))


@plants("VPC-206")
def an_apostrophe_in_a_description(prod: Prod) -> str:
    _group(prod)["Properties"]["SecurityGroupIngress"][0]["Description"] = "The VPC's clients"
    return prod.path(_group(prod))


@plants("VPC-207")
def a_rule_twice(prod: Prod) -> str:
    ingress = prod.resource("Service", _EC2 + "SecurityGroupIngress")
    again = prod.add("Service", "Again", {"Type": ingress["Type"], "Properties": dict(ingress["Properties"])})
    again["Properties"]["Description"] = "The same once more"
    return prod.path(again)


@plants("VPC-209")
def a_flow_log_without_a_role(prod: Prod) -> str:
    log = prod.resource("Network", _EC2 + "FlowLog")
    del log["Properties"]["DeliverLogsPermissionArn"]
    return prod.path(log)
