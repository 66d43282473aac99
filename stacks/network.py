"""The network: almost never changes, and everything else stands on it."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST_PCI, Decision, acknowledge
from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.log_key import LogKey
from infra.permissions import PermissionsBoundary
from infra.retention import retention
from previews.places import role_prefix

_WAY_OUT = Decision(
    reason="A public subnet is one with this route: the load balancer and the NAT gateways stand there, and nothing "
    "else. Tasks and databases are in private and isolated subnets, which have no such route",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class NetworkStack(EnvironmentStack):
    """A VPC with public subnets (load balancer, NAT), private ones (tasks) and isolated ones (databases).

    With it comes what every other stack needs first: the key of the logs and the boundary of all roles.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        network = environment.network
        self.log_key = self.key_of_logs = LogKey(self, "LogKey", description=f"SpendSmart {environment.name}: logs")
        self.boundary = PermissionsBoundary(
            self,
            "Boundary",
            name=environment.boundary_name,
            role_prefix=f"SpendSmart-{environment.name.capitalize()}-",
            ended=role_prefix(environment.name) if environment.previews else None,
        )
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(str(network.cidr)),
            max_azs=network.availability_zones,
            nat_gateways=network.nat_gateways,
            restrict_default_security_group=True,
            subnet_configuration=[
                # Nothing that starts in a public subnet gets a public address unless it asks for one.
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
                ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
        )
        cdk.Validations.of(self.vpc).acknowledge(
            cdk.Acknowledgment(
                id="CloudFormation-Validate::W3010",
                reason="Zones are concrete: with Fn::GetAZs one that AWS adds could move, and so replace, subnets.",
            )
        )
        self.nat_addresses = self._list_nat_addresses()
        self._log_flows()
        for subnet in self.vpc.public_subnets:
            route = subnet.node.find_child("DefaultRoute")
            acknowledge(route, "VPCNoUnrestrictedRouteToIGW", packs=HIPAA_NIST_PCI, decision=_WAY_OUT)
        self._add_endpoints()

    @property
    def nat_gateways(self) -> list[str]:
        """Their ids."""
        found = [subnet.node.try_find_child("NATGateway") for subnet in self.vpc.public_subnets]
        return [gateway.ref for gateway in found if isinstance(gateway, ec2.CfnNatGateway)]

    def _list_nat_addresses(self) -> str:
        """From where the private subnets reach public addresses, as the id of a prefix list for security groups."""
        found = [subnet.node.try_find_child("EIP") for subnet in self.vpc.public_subnets]
        addresses = [address.ref for address in found if isinstance(address, ec2.CfnEIP)]
        return ec2.CfnPrefixList(
            self,
            "NatAddresses",
            prefix_list_name=f"spendsmart-{self.settings.name}-nat",
            address_family="IPv4",
            max_entries=len(addresses),
            entries=[
                ec2.CfnPrefixList.EntryProperty(cidr=f"{address}/32", description="NAT gateway")
                for address in addresses
            ],
        ).attr_prefix_list_id

    def _log_flows(self) -> None:
        group = logs.LogGroup(
            self,
            "FlowLogs",
            retention=retention(self.settings.network.flow_log_retention_days),
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            max_aggregation_interval=ec2.FlowLogMaxAggregationInterval.TEN_MINUTES,
        )

    def _add_endpoints(self) -> None:
        # Image layers and receipts are S3 traffic: through the gateway it costs nothing and leaves the NAT alone.
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        if not self.settings.network.interface_endpoints:
            return
        group = ec2.SecurityGroup(
            self, "EndpointSecurityGroup", vpc=self.vpc, description="Interface endpoints", allow_all_outbound=False
        )
        group.add_ingress_rule(ec2.Peer.ipv4(str(self.settings.network.cidr)), ec2.Port.tcp(443), "HTTPS from the VPC")
        for name in self.settings.network.interface_endpoints:
            self.vpc.add_interface_endpoint(
                "".join(part.capitalize() for part in name.split(".")) + "Endpoint",
                service=ec2.InterfaceVpcEndpointAwsService(name),
                security_groups=[group],
                open=False,
                private_dns_enabled=True,
                subnets=ec2.SubnetSelection(subnet_group_name="Private"),
            )


def boundary_arn(stack: EnvironmentStack) -> str:
    """Of the environment's boundary, whose name every stack knows beforehand."""
    name = stack.settings.boundary_name
    return stack.format_arn(service="iam", region="", resource="policy", resource_name=name)
