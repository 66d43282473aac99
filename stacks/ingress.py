"""The way in: rarely touched, because a rollout's traffic weights live in its listener rules."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.load_balancer import PublicLoadBalancer, WebTargetGroup, forward_all
from infra.log_bucket import LogBucket


class IngressStack(EnvironmentStack):
    """Load balancer, listeners, rules and target groups.

    Where rollouts shift traffic (`rollout` is not rolling) there is a second target group, and a test listener that
    shows it. Elsewhere one target group does: a load balancer can have a hundred, and that is not adjustable.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, vpc: ec2.IVpc) -> None:
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
        )
        self.load_balancer = public.load_balancer
        self.security_group = public.security_group
        self.listener = public.add_production_listener()
        self.blue = WebTargetGroup(self, "Blue", vpc=vpc)
        self.green: elbv2.ApplicationTargetGroup | None = None
        self.test_listener: elbv2.ApplicationListener | None = None
        self.test_rule: elbv2.ApplicationListenerRule | None = None
        target_groups: list[elbv2.ApplicationTargetGroup] = [self.blue]
        if environment.doubles_tasks:
            self.green = WebTargetGroup(self, "Green", vpc=vpc)
            target_groups.append(self.green)
            self.test_listener = public.add_test_listener()
            self.test_rule = forward_all(self, "TestRule", listener=self.test_listener, target_groups=target_groups)
        self.production_rule = forward_all(self, "ProductionRule", listener=self.listener, target_groups=target_groups)
        self.edge_token = self._edge_token()
        host = environment.domain.name if environment.domain else self.load_balancer.load_balancer_dns_name
        cdk.CfnOutput(self, "LoadBalancerUrl", value=f"{public.scheme}://{host}")

    def _edge_token(self) -> str:
        """What only CloudFront's requests carry: the random part of this stack's id.

        Nobody outside the account knows it, it needs no secret store, and another region can read it. It exempts from
        a rate limit that CloudFront's own ACL has applied already, and from nothing else.
        """
        token = ssm.CfnParameter(
            self, "EdgeToken", type="String", value=cdk.Fn.select(2, cdk.Fn.split("/", self.stack_id))
        )
        return token.attr_value
