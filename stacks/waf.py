"""The web application firewall of the load balancer."""

from __future__ import annotations

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.retention import retention
from infra.web_acl import EdgeHeader, WebAcl, WebAclLogGroup, metric_name


class RegionalWafStack(EnvironmentStack):
    """The load balancer's ACL, in a stack of its own: rules change more often than the load balancer may be touched.

    It comes after the listeners, as WAF does not accept a load balancer that was made a moment ago.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        log_key: kms.IKey,
        load_balancer: elbv2.IApplicationLoadBalancer,
        trusted_edge: EdgeHeader | None,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        self.encrypt_logs_with(log_key)
        acl = WebAcl(
            self,
            "Acl",
            acl_scope="REGIONAL",
            settings=environment.waf,
            metric=metric_name(environment.name, "alb"),
            log_group=WebAclLogGroup(
                self,
                "Logs",
                name=f"spendsmart-{environment.name}-alb",
                retention=retention(environment.logs.retention_days),
            ),
            trusted_edge=trusted_edge,
        )
        acl.protect(load_balancer.load_balancer_arn)
