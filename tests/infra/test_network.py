"""The VPC: zones, ways out, endpoints, flow logs."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network

from tests.infra.synthesized import Assembly


def _subnets(assembly: Assembly) -> Counter[tuple[str, str]]:
    return Counter(
        (tag["Value"], subnet["AvailabilityZone"])
        for subnet in assembly["Network"].properties("AWS::EC2::Subnet")
        for tag in subnet["Tags"]
        if tag["Key"] == "aws-cdk:subnet-name"
    )


def test_three_kinds_of_subnets_in_each_zone(prod: Assembly, dev: Assembly) -> None:
    kinds = ("Public", "Private", "Isolated")
    assert _subnets(prod) == Counter((kind, f"us-east-1{zone}") for kind in kinds for zone in "abc")
    assert _subnets(dev) == Counter((kind, f"us-east-1{zone}") for kind in kinds for zone in "ab")


def test_subnets_fit_into_the_network_and_do_not_overlap(assembly: Assembly) -> None:
    network = IPv4Network(assembly["Network"].one("AWS::EC2::VPC")["CidrBlock"])
    subnets = [IPv4Network(p["CidrBlock"]) for p in assembly["Network"].properties("AWS::EC2::Subnet")]
    assert all(subnet.subnet_of(network) for subnet in subnets)
    assert not any(a.overlaps(b) for a in subnets for b in subnets if a is not b)


def test_nothing_gets_a_public_address_by_itself(assembly: Assembly) -> None:
    for subnet in assembly["Network"].properties("AWS::EC2::Subnet"):
        assert subnet["MapPublicIpOnLaunch"] is False


def test_one_way_out_per_zone_in_production_and_one_elsewhere(prod: Assembly, staging: Assembly, dev: Assembly) -> None:
    for assembly, expected in ((prod, 3), (staging, 1), (dev, 1)):
        network = assembly["Network"]
        gateways = network.properties("AWS::EC2::NatGateway")
        assert len(gateways) == expected
        assert len({str(gateway["SubnetId"]) for gateway in gateways}) == expected


def test_isolated_subnets_have_no_way_out(assembly: Assembly) -> None:
    routes = assembly["Network"].all("AWS::EC2::Route")
    assert routes
    assert not [name for name in routes if "Isolated" in name]


def test_endpoints(prod: Assembly, dev: Assembly) -> None:
    services = [str(p["ServiceName"]) for p in prod["Network"].properties("AWS::EC2::VPCEndpoint")]
    for wanted in ("s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms"):
        assert len([s for s in services if s.endswith(f".{wanted}") or f".{wanted}'" in s]) == 1, wanted
    assert len(services) == 6
    for endpoint in prod["Network"].properties("AWS::EC2::VPCEndpoint"):
        if endpoint["VpcEndpointType"] == "Interface":
            assert endpoint["PrivateDnsEnabled"] is True
            assert len(endpoint["SubnetIds"]) == 3
            assert len(endpoint["SecurityGroupIds"]) == 1
    assert len(dev["Network"].properties("AWS::EC2::VPCEndpoint")) == 1  # the gateway, which costs nothing


def test_all_traffic_is_logged(prod: Assembly) -> None:
    log = prod["Network"].one("AWS::EC2::FlowLog")
    assert log["TrafficType"] == "ALL"
    assert prod["Network"].one("AWS::Logs::LogGroup", containing="FlowLogs")["RetentionInDays"] == 365


def test_the_default_security_group_lets_nobody_in(assembly: Assembly) -> None:
    assert len(assembly["Network"].all("Custom::VpcRestrictDefaultSG")) == 1
