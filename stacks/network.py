"""The network: almost never changes, and everything else stands on it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.retention import retention


class NetworkStack(EnvironmentStack):
    """A VPC with public subnets (load balancer, NAT), private ones (tasks) and isolated ones (databases)."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        network = environment.network
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
        self.nat_addresses = self._nat_addresses()
        self._log_flows()
        self._add_endpoints()

    @property
    def nat_gateways(self) -> list[str]:
        """Their ids."""
        found = [subnet.node.try_find_child("NATGateway") for subnet in self.vpc.public_subnets]
        return [gateway.ref for gateway in found if isinstance(gateway, ec2.CfnNatGateway)]

    def _nat_addresses(self) -> list[str]:
        """From where the private subnets reach public addresses: one for each NAT gateway."""
        found = [subnet.node.try_find_child("EIP") for subnet in self.vpc.public_subnets]
        return [address.ref for address in found if isinstance(address, ec2.CfnEIP)]

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
