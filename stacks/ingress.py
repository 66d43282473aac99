"""The way in: rarely touched, because a rollout's traffic weights live in its listener rules."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.load_balancer import LAST_PRIORITY, PublicLoadBalancer, WebTargetGroup, forward_all
from infra.log_bucket import LogBucket


class IngressStack(EnvironmentStack):
    """Load balancer, listeners, rules and target groups.

    Rollouts that shift traffic need two target groups, and a test listener that shows the new release. They are there
    whatever the strategy, so that no edit of the configuration ever touches a rule (docs/adr/0030).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        vpc: ec2.IVpc,
        nat_addresses: str,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        public = PublicLoadBalancer(
            self,
            "Public",
            vpc=vpc,
            certificate_arn=environment.domain.certificate_arn if environment.domain else None,
            access_logs=LogBucket(
                self, "AccessLogs", retention_days=environment.logs.retention_days, keep=environment.protect
            ),
            deletion_protection=environment.protect,
            waf=environment.features.waf,
        )
        self.scheme, self.test_port = public.scheme, public.test_port
        self.load_balancer = public.load_balancer
        self.security_group = public.security_group
        self.listener = public.add_production_listener()
        self.blue = WebTargetGroup(self, "Blue", vpc=vpc)
        self.green = WebTargetGroup(self, "Green", vpc=vpc)
        self.test_listener = public.add_test_listener()
        target_groups = [self.blue, self.green]
        self.test_rule = forward_all(self, "TestRule", listener=self.test_listener, target_groups=target_groups)
        self.production_rule = forward_all(
            self,
            "ProductionRule",
            listener=self.listener,
            target_groups=target_groups,
            # It takes every request: those of previews are told apart before it.
            priority=LAST_PRIORITY if environment.previews else 1,
        )
        self.smoke_test_security_group = self._smoke_test_group(vpc, nat_addresses, port=public.test_port)
        self.edge_token = self._edge_token()
        host = environment.domain.name if environment.domain else self.load_balancer.load_balancer_dns_name
        cdk.CfnOutput(self, "LoadBalancerUrl", value=f"{public.scheme}://{host}")

    def _smoke_test_group(self, vpc: ec2.IVpc, nat_addresses: str, *, port: int) -> ec2.SecurityGroup:
        """Of the function that tries new releases. It goes to the load balancer's public address, by a NAT gateway.

        It is here as the addresses of a function in a VPC hold its groups for up to an hour after it is deleted.
        """
        group = ec2.SecurityGroup(
            self, "SmokeTestSecurityGroup", vpc=vpc, description="Smoke tests of rollouts", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS")
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "Test listener")
        self.security_group.add_ingress_rule(ec2.Peer.prefix_list(nat_addresses), ec2.Port.tcp(port), "Smoke tests")
        return group

    def _edge_token(self) -> str:
        """What only CloudFront's requests carry: the random part of this stack's id.

        Nobody outside the account knows it, it needs no secret store, and another region can read it. It exempts from
        a rate limit that CloudFront's own ACL has applied already, and from nothing else.
        """
        token = ssm.CfnParameter(
            self, "EdgeToken", type="String", value=cdk.Fn.select(2, cdk.Fn.split("/", self.stack_id))
        )
        return token.attr_value
