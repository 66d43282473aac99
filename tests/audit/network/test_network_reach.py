"""Our own networks let through what the configuration names; each hole that is planted in them is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from audit.access.settings import Settings
from audit.network.__main__ import main
from audit.network.picture import picture
from audit.network.report import NetworkReport, network_report
from preflight.loading import load
from tests.audit.estates import Resources, logical_id, planted, resource

Folder = Callable[[str], Path]
WRITER = "SpendSmart-Prod-Data/Database/Writer"
BROKER = "SpendSmart-Prod-Data/Broker/Group"
BALANCER = "SpendSmart-Prod-Ingress/Public/LoadBalancer"
WEB = "SpendSmart-Prod-Service/Web/Service/Service"


@pytest.fixture(scope="session")
def prod(folder: Folder, settings: Settings) -> NetworkReport:
    return network_report(load(folder("prod")), settings)


def found(report: NetworkReport) -> set[tuple[str, str]]:
    return {(one.check, one.path) for one in report.findings}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "preview"])
def test_nothing_is_found_in_our_networks(folder: Folder, settings: Settings, environment: str) -> None:
    report = network_report(load(folder(environment)), settings)
    assert report.environment == environment
    assert [f"{one.check} {one.path}: {one.text}" for one in report.findings] == []


def test_the_way_of_a_request(prod: NetworkReport) -> None:
    matrix = prod.matrix()
    assert matrix["Internet"] == {"SpendSmart-Prod-Edge/Cdn/Distribution": "80, 443", BALANCER: "80"}
    assert matrix["SpendSmart-Prod-Edge/Cdn/Distribution"] == {BALANCER: "80"}
    assert matrix[BALANCER] == {WEB: "8000"}
    assert {key: port for key, port in matrix[WEB].items() if "-Data/" in key} == {
        WRITER: "5432",
        "SpendSmart-Prod-Data/Database/Reader1": "5432",
        BROKER: "6379",
        "SpendSmart-Prod-Data/Cache/Group": "6379",
    }


def test_what_uses_a_connection(prod: NetworkReport) -> None:
    by = {(one.source, one.target): one.users for one in prod.connections}
    assert by[WEB, WRITER] == ("pgbouncer",)
    assert by[WEB, BROKER] == ("web",)


def test_stores_have_no_way_out(prod: NetworkReport) -> None:
    assert not {one.source for one in prod.connections} & {WRITER, BROKER}
    out = next(one for one in prod.connections if one.source == WEB and one.target == "Internet")
    assert (out.ports, out.via) == ((443,), "NAT")


def _with(**resources: Any) -> Callable[[Resources], None]:
    return lambda existing: existing.update(resources)


def _rule(group: str, **properties: Any) -> dict[str, Any]:
    return resource(
        "AWS::EC2::SecurityGroupIngress",
        GroupId={"Fn::GetAtt": [group, "GroupId"]},
        IpProtocol="tcp",
        **properties,
    )


def _group(resources: Resources, part: str) -> str:
    return logical_id(resources, "AWS::EC2::SecurityGroup", part)


def test_a_database_open_to_the_world(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        group = _group(resources, "DatabaseSecurityGroup")
        resources["Planted"] = _rule(group, FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0")

    report = network_report(planted(folder("prod"), "Data", edit), settings)
    assert ("REACH-GROUP", "SpendSmart-Prod-Data/Database/SecurityGroup") in found(report)
    (finding,) = (one for one in report.findings if one.check == "REACH-GROUP")
    assert "lets everybody in on port 5432 (SpendSmart-Prod-Data/Planted)" in finding.text
    assert WRITER in finding.text


def test_a_port_range_that_takes_in_the_databases(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        rules = resources[_group(resources, "DatabaseSecurityGroup")]["Properties"].setdefault(
            "SecurityGroupIngress", []
        )
        rules.append({"IpProtocol": "-1", "CidrIp": "10.40.48.0/20"})

    report = network_report(planted(folder("prod"), "Data", edit), settings)
    # From the private subnets: the smoke test has no rule out to it, so its group alone keeps it away.
    assert found(report) == set()
    assert "SpendSmart-Prod-Service/SmokeTestHook/Call/Function" not in {
        one.source for one in report.connections if one.target == WRITER
    }


def test_a_client_that_nobody_named(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        smoke = _group(resources, "SmokeTest")
        outgoing = resources[smoke]["Properties"]["SecurityGroupEgress"]
        outgoing.append({"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "10.40.0.0/16"})

    def let_in(resources: Resources) -> None:
        group = _group(resources, "DatabaseSecurityGroup")
        resources["Planted"] = _rule(group, FromPort=5432, ToPort=5432, CidrIp="10.40.0.0/16")

    assembly = planted(folder("prod"), "Data", let_in)
    ingress = next(one for one in assembly.stacks if one.name.endswith("-Ingress"))
    edit(ingress.template["Resources"])
    report = network_report(assembly, settings)
    assert ("REACH-STORE", WRITER) in found(report)
    assert any("SmokeTestHook/Call/Function reaches it on port 5432" in one.text for one in report.findings)


def test_a_client_that_lost_its_way(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        for key in [key for key, one in resources.items() if one["Type"] == "AWS::EC2::SecurityGroupIngress"]:
            if "Broker" in key and "Worker" in str(resources[key]):
                del resources[key]

    report = network_report(planted(folder("prod"), "Service", edit), settings)
    assert found(report) == {("REACH-CLIENT", BROKER)}


def test_a_route_from_the_isolated_subnets(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        gateway = logical_id(resources, "AWS::EC2::InternetGateway")
        table = logical_id(resources, "AWS::EC2::RouteTable", "IsolatedSubnet1")
        resources["Planted"] = resource(
            "AWS::EC2::Route",
            RouteTableId={"Ref": table},
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId={"Ref": gateway},
        )

    report = network_report(planted(folder("prod"), "Network", edit), settings)
    assert {("REACH-ROUTE", WRITER), ("REACH-ROUTE", BROKER)} <= found(report)
    assert any("SpendSmart-Prod-Network/Planted" in one.text for one in report.findings)


def test_a_database_with_a_public_address_behind_an_open_group(folder: Folder, settings: Settings) -> None:
    def open_up(resources: Resources) -> None:
        resources[logical_id(resources, "AWS::RDS::DBInstance", "Writer")]["Properties"]["PubliclyAccessible"] = True
        group = _group(resources, "DatabaseSecurityGroup")
        resources["Planted"] = _rule(group, FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0")

    assembly = planted(folder("prod"), "Data", open_up)
    network = next(one for one in assembly.stacks if one.name.endswith("-Network")).template["Resources"]
    for number in (1, 2, 3):
        network[f"Planted{number}"] = resource(
            "AWS::EC2::Route",
            RouteTableId={"Ref": logical_id(network, "AWS::EC2::RouteTable", f"IsolatedSubnet{number}")},
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId={"Ref": logical_id(network, "AWS::EC2::InternetGateway")},
        )
    report = network_report(assembly, settings)
    assert report.matrix()["Internet"][WRITER] == "5432"
    assert {
        ("REACH-PUBLIC", WRITER),
        ("REACH-STORE", WRITER),
        ("REACH-GROUP", WRITER.replace("Writer", "SecurityGroup")),
    } <= (found(report))


def test_the_test_listener_open_to_the_world(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        group = _group(resources, "Public")
        resources["Planted"] = _rule(group, FromPort=8080, ToPort=8080, CidrIpv6="::/0")

    report = network_report(planted(folder("prod"), "Ingress", edit), settings)
    assert {("REACH-PUBLIC", BALANCER), ("REACH-GROUP", "SpendSmart-Prod-Ingress/Public/SecurityGroup")} <= found(
        report
    )


def test_a_firewall_that_is_not_associated(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        del resources[logical_id(resources, "AWS::WAFv2::WebACLAssociation")]

    report = network_report(planted(folder("prod"), "RegionalWaf", edit), settings)
    assert found(report) == {("REACH-WAF", BALANCER)}


def test_a_network_acl_closes_what_groups_open(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        resources["Acl"] = resource("AWS::EC2::NetworkAcl", VpcId={"Ref": logical_id(resources, "AWS::EC2::VPC")})
        for egress in (True, False):
            resources[f"Entry{egress}"] = resource(
                "AWS::EC2::NetworkAclEntry",
                NetworkAclId={"Ref": "Acl"},
                RuleNumber=100,
                Protocol=6,
                RuleAction="allow",
                Egress=egress,
                CidrBlock="0.0.0.0/0",
                PortRange={"From": 6379, "To": 65535},
            )
        for number in (1, 2, 3):
            resources[f"Association{number}"] = resource(
                "AWS::EC2::SubnetNetworkAclAssociation",
                NetworkAclId={"Ref": "Acl"},
                SubnetId={"Ref": logical_id(resources, "AWS::EC2::Subnet", f"IsolatedSubnet{number}")},
            )

    report = network_report(planted(folder("prod"), "Network", edit), settings)
    web = report.matrix()[WEB]
    assert WRITER not in web
    assert web[BROKER] == "6379"
    assert ("REACH-CLIENT", WRITER) in found(report)


def test_an_address_in_a_function_that_anybody_may_call(folder: Folder, settings: Settings) -> None:
    planted_url = resource("AWS::Lambda::Url", AuthType="NONE", TargetFunctionArn="arn:aws:lambda:x:1:function:x")
    report = network_report(planted(folder("prod"), "Monitoring", _with(Planted=planted_url)), settings)
    assert found(report) == {("REACH-PUBLIC", "SpendSmart-Prod-Monitoring/Planted")}


def test_a_store_that_nobody_named(folder: Folder, settings: Settings) -> None:
    nobody = settings.model_copy(update={"store_reach": ()})
    report = network_report(load(folder("preview")), nobody)
    assert {one.check for one in report.findings} == {"REACH-UNNAMED"}


def test_the_picture_is_whole_and_its_own(prod: NetworkReport) -> None:
    drawn = picture(prod)
    assert drawn == picture(prod)
    root = ElementTree.fromstring(drawn)  # noqa: S314  (drawn here)
    texts = {one.text for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Database/Writer", "Service/Web", "Public/LoadBalancer", "VPC endpoints"} <= texts
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", drawn)
    assert "prefers-color-scheme: dark" in drawn
    lines = [one for one in root.iter("{http://www.w3.org/2000/svg}path") if one.get("marker-end")]
    assert len(lines) > 30
    assert all(one[0].text for one in lines)


def test_the_picture_marks_what_was_found(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        del resources[logical_id(resources, "AWS::WAFv2::WebACLAssociation")]

    assert 'class="bad"' in picture(network_report(planted(folder("prod"), "RegionalWaf", edit), settings))


def test_the_command(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder("preview")), "--json", str(tmp_path / "n.json"), "--svg", str(tmp_path / "n.svg")]) == 0
    assert "0 findings" in capsys.readouterr().out
    assert '"matrix"' in (tmp_path / "n.json").read_text()
    assert main([str(tmp_path)]) == 2
