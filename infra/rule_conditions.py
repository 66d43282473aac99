"""Conditions of listener rules, for rules in stacks that do not have the listener."""

from __future__ import annotations

from aws_cdk import aws_elasticloadbalancingv2 as elbv2

Condition = elbv2.CfnListenerRule.RuleConditionProperty


def host(name: str) -> Condition:
    """`*` and `?` stand for any characters and any one, as in the others."""
    values = elbv2.CfnListenerRule.HostHeaderConfigProperty(values=[name])
    return Condition(field="host-header", host_header_config=values)


def header(name: str, value: str) -> Condition:
    """At most 128 characters of value (CreateRule)."""
    values = elbv2.CfnListenerRule.HttpHeaderConfigProperty(http_header_name=name, values=[value])
    return Condition(field="http-header", http_header_config=values)


def query(key: str, value: str) -> Condition:
    pair = elbv2.CfnListenerRule.QueryStringKeyValueProperty(key=key, value=value)
    return Condition(
        field="query-string", query_string_config=elbv2.CfnListenerRule.QueryStringConfigProperty(values=[pair])
    )
