"""The public load balancer, its listeners and the target groups of the web tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, HIPAA_NIST_PCI, Decision, Pack, acknowledge

WEB_PORT = 8000
"""TCP port on which a web task listens."""

LAST_PRIORITY = 50_000
"""The largest number that a rule's priority may be (CreateRule): whatever has another one comes first."""

_NO_DOMAIN = Decision(
    reason="No certificate can be had for the name that AWS gives a load balancer: with a [domain] in the "
    "configuration the listener speaks TLS 1.2 and up, and HTTP is redirected. Until an operator who owns a "
    "name has put it there, the environment is for a first look, not for people's receipts (README, First "
    "deploy)",
    owner="platform",
    reference="docs/adr/0059-without-a-domain.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)
_PUBLIC = Decision(
    reason="It is the public way in, on its production port alone, behind a firewall with rate limits where the "
    "environment has one; tasks, databases and queues are reached through it or not at all",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_FIREWALL_ELSEWHERE = Decision(
    reason="The firewall is associated in the stack RegionalWaf, which changes more often than the load balancer may"
    " be touched; cdk-nag looks at one stack. The rule SpendSmart-WafAssociated looks at all",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NO_FIREWALL = Decision(
    reason="A preview lives hours, holds data made up by its tests, and shows what is not released: a firewall of 10"
    " USD a month for each would cost more than all the rest of it",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_THROWN_AWAY = Decision(
    reason="This environment is made to be deleted, by a command or with its branch: protection would leave a load "
    "balancer behind that somebody pays for, and nothing in it is lost",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_HTTP, _HTTPS, _TEST_HTTP, _TEST_HTTPS = 80, 443, 8080, 8443


class PublicLoadBalancer(Construct):
    """An internet-facing application load balancer in the public subnets.

    With a certificate it serves HTTPS (TLS 1.2 and 1.3) and redirects HTTP; without one it can serve HTTP only. What
    the load balancer may send to is declared by whoever is behind it: its security group has no outbound rule.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        certificate_arn: str | None,
        access_logs: s3.IBucket,
        deletion_protection: bool,
        waf: bool,
    ) -> None:
        """`waf` says that another stack puts it behind a firewall."""
        super().__init__(scope, construct_id)
        self._certificate_arn = certificate_arn
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Public load balancer", allow_all_outbound=False
        )
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=vpc,
            internet_facing=True,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="Public"),
            security_group=self.security_group,
            # What two servers could read in two ways goes no further (docs/security/hostile-clients.md).
            desync_mitigation_mode=elbv2.DesyncMitigationMode.STRICTEST,
            drop_invalid_header_fields=True,
            # Less than gunicorn keeps an idle connection; more than a request may take to arrive.
            idle_timeout=cdk.Duration.seconds(60),
            deletion_protection=deletion_protection,
        )
        self.load_balancer.log_access_logs(access_logs)
        self._acknowledge(waf=waf, deletion_protection=deletion_protection)
        if certificate_arn:
            self._redirect_to_https()

    def _acknowledge(self, *, waf: bool, deletion_protection: bool) -> None:
        acknowledge(self.security_group, "EC23", packs=[Pack.AWS_SOLUTIONS], decision=_PUBLIC)
        firewall = _FIREWALL_ELSEWHERE if waf else _NO_FIREWALL
        acknowledge(self.load_balancer, "ALBWAFEnabled", packs=(Pack.NIST, Pack.PCI), decision=firewall)
        if not waf:
            acknowledge(self.load_balancer, "WafAssociated", packs=[Pack.OURS], decision=_NO_FIREWALL)
        if not deletion_protection:
            acknowledge(self.load_balancer, "ELBDeletionProtectionEnabled", packs=HIPAA_NIST, decision=_THROWN_AWAY)

    @property
    def scheme(self) -> str:
        return "https" if self._certificate_arn else "http"

    @property
    def test_port(self) -> int:
        return _TEST_HTTPS if self._certificate_arn else _TEST_HTTP

    def add_production_listener(self) -> elbv2.ApplicationListener:
        """The listener that everybody reaches."""
        return self._add_listener("Production", port=_HTTPS if self._certificate_arn else _HTTP, public=True)

    def add_test_listener(self) -> elbv2.ApplicationListener:
        """The listener that shows a new release before anybody is sent to it; it lets nobody in by itself."""
        return self._add_listener("Test", port=self.test_port, public=False)

    def _add_listener(self, name: str, *, port: int, public: bool) -> elbv2.ApplicationListener:
        secure = self._certificate_arn is not None
        listener = self.load_balancer.add_listener(
            f"{name}Listener",
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTPS if secure else elbv2.ApplicationProtocol.HTTP,
            certificates=[elbv2.ListenerCertificate.from_arn(self._certificate_arn)] if self._certificate_arn else None,
            ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS if secure else None,
            open=public,
            # Only what a rule names is forwarded. A rollout shifts weights in rules, never in this action.
            default_action=elbv2.ListenerAction.fixed_response(
                404, content_type="text/plain", message_body="Not found"
            ),
        )
        if not secure:
            for finding in ("ALBHttpToHttpsRedirection", "ELBv2ACMCertificateRequired"):
                acknowledge(listener, finding, packs=HIPAA_NIST_PCI, decision=_NO_DOMAIN)
        return listener

    def _redirect_to_https(self) -> None:
        self.load_balancer.add_listener(
            "RedirectListener",
            port=_HTTP,
            open=True,
            default_action=elbv2.ListenerAction.redirect(protocol="HTTPS", port=str(_HTTPS), permanent=True),
        )


class WebTargetGroup(elbv2.ApplicationTargetGroup):
    """Web tasks by address. A task gets traffic once it can reach database and broker (`/readyz`).

    `impatient` is for a single task that somebody waits for: it is let go at once, and taken after one good check,
    though many have failed before it, as they do until a preview's database is migrated.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc, impatient: bool = False) -> None:
        super().__init__(
            scope,
            construct_id,
            vpc=vpc,
            port=WEB_PORT,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            # Requests take milliseconds to seconds; the default of five minutes would only hold up rollouts.
            deregistration_delay=cdk.Duration.seconds(5 if impatient else 30),
            load_balancing_algorithm_type=elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            health_check=elbv2.HealthCheck(
                path="/readyz",
                healthy_http_codes="200",
                # A task that hangs is let go within 14 s: before the first of its requests is given up by a client.
                interval=cdk.Duration.seconds(5),
                timeout=cdk.Duration.seconds(4),
                healthy_threshold_count=2,
                # A new target needs one good check until it is called unhealthy, then as many as any other; 10 is the
                # most there can be.
                unhealthy_threshold_count=10 if impatient else 2,
            ),
        )


def forward_all(
    scope: Construct,
    construct_id: str,
    *,
    listener: elbv2.ApplicationListener,
    target_groups: Sequence[elbv2.ApplicationTargetGroup],
    priority: int = 1,
) -> elbv2.ApplicationListenerRule:
    """A rule that sends every request of `listener` to the first target group, and none to the others yet.

    Deployments rewrite these weights behind CloudFormation's back, and an edit of the rule would write them back in the
    middle of a rollout (aws-cdk#36649): its properties stay as they are.
    """
    return elbv2.ApplicationListenerRule(
        scope,
        construct_id,
        listener=listener,
        priority=priority,
        conditions=[elbv2.ListenerCondition.path_patterns(["/*"])],
        action=elbv2.ListenerAction.weighted_forward(
            [
                elbv2.WeightedTargetGroup(target_group=group, weight=0 if position else 100)
                for position, group in enumerate(target_groups)
            ]
        ),
    )
