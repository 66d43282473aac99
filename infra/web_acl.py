"""Web ACLs (AWS WAF) for the load balancer and for CloudFront: the same rules, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.config.models import Waf

LOGIN_PATHS = ("/api/v1/auth/", "/login/", "/register/")
"""The doors of the API and of the pages."""

_MANAGED_RULE_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
_COUNTED_ONLY = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
"""Rules that do not block. Bodies over 8 KB are ordinary here: a long receipt that is corrected, a hundred files that
are announced. The application itself refuses those over 256 KiB.

https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
"""

_WINDOW_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class EdgeHeader:
    """A header that only our own CDN knows, by which the load balancer's ACL recognizes it."""

    name: str
    value: str


def metric_name(environment: str, place: str) -> str:
    """By which metrics name the ACL that stands before `alb` or `cdn`. WAF keeps `All` for itself."""
    return f"spendsmart-{environment}-{place}"


class WebAcl(Construct):
    """Rate limits per IP address (a tighter one on login), managed rule groups, and a log of what they matched.

    `settings.rule_action` is `block`, or `count` to watch what would be blocked. Requests that carry `trusted_edge`
    are not counted against an address: theirs is the CDN's, shared by many users, and the CDN's own ACL has counted
    them by the user's address already. The managed groups judge them all the same.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        acl_scope: Literal["REGIONAL", "CLOUDFRONT"],
        settings: Waf,
        metric: str,
        log_group: logs.ILogGroup,
        trusted_edge: EdgeHeader | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._trusted_edge = trusted_edge
        self._acl = waf.CfnWebACL(
            self,
            "Acl",
            scope=acl_scope,
            default_action=waf.CfnWebACL.DefaultActionProperty(allow=waf.CfnWebACL.AllowActionProperty()),
            visibility_config=_visibility(metric),
            rules=[
                self._rate_rule("LoginRate", priority=0, limit=settings.login_rate_limit, paths=LOGIN_PATHS),
                self._rate_rule("Rate", priority=1, limit=settings.rate_limit),
                *(self._managed_rule(name, priority=n) for n, name in enumerate(_MANAGED_RULE_GROUPS, start=2)),
            ],
        )
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self._acl.attr_arn,
            # Not `log_group.log_group_arn`: WAF refuses the `:*` at its end.
            log_destination_configs=[
                cdk.Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=log_group.log_group_name,
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": name})
                for name in ("authorization", "cookie")
            ],
        )

    @property
    def arn(self) -> str:
        return self._acl.attr_arn

    def protect(self, resource_arn: str) -> None:
        """Put a regional resource behind this ACL; a CloudFront distribution names the ACL itself instead."""
        waf.CfnWebACLAssociation(self, "Association", resource_arn=resource_arn, web_acl_arn=self.arn)

    def _rate_rule(
        self, name: str, *, priority: int, limit: int, paths: Sequence[str] = ()
    ) -> waf.CfnWebACL.RuleProperty:
        if self._settings.rule_action == "block":
            action = waf.CfnWebACL.RuleActionProperty(
                block=waf.CfnWebACL.BlockActionProperty(
                    custom_response=waf.CfnWebACL.CustomResponseProperty(
                        response_code=429,
                        response_headers=[
                            waf.CfnWebACL.CustomHTTPHeaderProperty(name="Retry-After", value=str(_WINDOW_SECONDS))
                        ],
                    )
                )
            )
        else:
            action = waf.CfnWebACL.RuleActionProperty(count=waf.CfnWebACL.CountActionProperty())
        return waf.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            action=action,
            visibility_config=_visibility(name),
            statement=waf.CfnWebACL.StatementProperty(
                rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                    aggregate_key_type="IP",
                    limit=limit,
                    evaluation_window_sec=_WINDOW_SECONDS,
                    scope_down_statement=self._scope_down(paths),
                )
            ),
        )

    def _scope_down(self, paths: Sequence[str]) -> waf.CfnWebACL.StatementProperty | None:
        """Which requests a rate rule counts; None for all."""
        statements = []
        if paths:
            beginnings = [_path_starts_with(path) for path in paths]
            any_of_them = waf.CfnWebACL.OrStatementProperty(statements=beginnings)
            statements.append(waf.CfnWebACL.StatementProperty(or_statement=any_of_them))
        if self._trusted_edge:
            statements.append(_without_header(self._trusted_edge))
        if len(statements) < 2:
            return statements[0] if statements else None
        return waf.CfnWebACL.StatementProperty(and_statement=waf.CfnWebACL.AndStatementProperty(statements=statements))

    def _managed_rule(self, name: str, *, priority: int) -> waf.CfnWebACL.RuleProperty:
        override: dict[str, Any] = {"none": {}} if self._settings.rule_action == "block" else {"count": {}}
        return waf.CfnWebACL.RuleProperty(
            name=name,
            priority=priority,
            override_action=waf.CfnWebACL.OverrideActionProperty(**override),
            visibility_config=_visibility(name),
            statement=waf.CfnWebACL.StatementProperty(
                managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                    vendor_name="AWS",
                    name=name,
                    rule_action_overrides=[_counted(rule) for rule in _COUNTED_ONLY.get(name, ())] or None,
                )
            ),
        )


def _counted(rule: str) -> waf.CfnWebACL.RuleActionOverrideProperty:
    count = waf.CfnWebACL.RuleActionProperty(count=waf.CfnWebACL.CountActionProperty())
    return waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count)


class WebAclLogGroup(logs.LogGroup):
    """A log group that WAF may write to: its name must start with `aws-waf-logs-`."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, retention: logs.RetentionDays) -> None:
        super().__init__(scope, construct_id, log_group_name=f"aws-waf-logs-{name}", retention=retention)


def _visibility(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )


def _path_starts_with(path: str) -> waf.CfnWebACL.StatementProperty:
    return waf.CfnWebACL.StatementProperty(
        byte_match_statement=waf.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=waf.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=path,
            # `/%61pi/v1/auth/` and `/x/../api/v1/auth/` reach the same view.
            text_transformations=[
                waf.CfnWebACL.TextTransformationProperty(priority=0, type="URL_DECODE"),
                waf.CfnWebACL.TextTransformationProperty(priority=1, type="NORMALIZE_PATH"),
            ],
        )
    )


def _without_header(header: EdgeHeader) -> waf.CfnWebACL.StatementProperty:
    carries = waf.CfnWebACL.StatementProperty(
        byte_match_statement=waf.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=waf.CfnWebACL.FieldToMatchProperty(single_header={"Name": header.name}),
            positional_constraint="EXACTLY",
            search_string=header.value,
            text_transformations=[waf.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
        )
    )
    return waf.CfnWebACL.StatementProperty(not_statement=waf.CfnWebACL.NotStatementProperty(statement=carries))
