"""Web ACLs: what they count and block, what they cost, where they log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.synthesized import Assembly, Template

ACL = "AWS::WAFv2::WebACL"
STACKS = ("RegionalWaf", "Edge")

MANAGED_CAPACITY = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesAmazonIpReputationList": 25,
}
"""Web ACL capacity units: AWS WAF Developer Guide, "AWS Managed Rules rule groups list"."""

INCLUDED_CAPACITY = 1500
"""Units beyond this cost extra: AWS WAF pricing."""


def capacity(statement: dict[str, Any]) -> int:
    """Capacity units of a statement: AWS WAF Developer Guide, "Rule statement capacity"."""
    ((kind, body),) = statement.items()
    match kind:
        case "ManagedRuleGroupStatement":
            return MANAGED_CAPACITY[body["Name"]]
        case "RateBasedStatement":
            return 2 + (capacity(body["ScopeDownStatement"]) if "ScopeDownStatement" in body else 0)
        case "AndStatement" | "OrStatement":
            return 1 + sum(capacity(part) for part in body["Statements"])
        case "NotStatement":
            return 1 + capacity(body["Statement"])
        case "ByteMatchStatement":
            return 2 + 10 * len(body["TextTransformations"])
        case _:
            raise AssertionError(f"no capacity known for {kind}")


def rules(template: Template) -> dict[str, dict[str, Any]]:
    return {rule["Name"]: rule for rule in template.one(ACL)["Rules"]}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("environment", ["prod", "staging", "dev"])
def test_capacity_is_within_what_is_included(synth, environment: str, stack: str) -> None:
    used = sum(capacity(rule["Statement"]) for rule in rules(synth(environment)[stack]).values())
    assert sum(MANAGED_CAPACITY.values()) < used <= INCLUDED_CAPACITY


@pytest.mark.parametrize("stack", STACKS)
def test_managed_rules_and_rates_block_in_prod(prod: Assembly, stack: str) -> None:
    by_name = rules(prod[stack])
    assert by_name.keys() == {"LoginRate", "Rate", *MANAGED_CAPACITY}
    assert all(by_name[name]["OverrideAction"] == {"None": {}} for name in MANAGED_CAPACITY)
    for name in ("LoginRate", "Rate"):
        answer = by_name[name]["Action"]["Block"]["CustomResponse"]
        assert answer == {"ResponseCode": 429, "ResponseHeaders": [{"Name": "Retry-After", "Value": "300"}]}
    assert len({rule["Priority"] for rule in by_name.values()}) == len(by_name)


@pytest.mark.parametrize("stack", STACKS)
def test_a_body_over_8_kb_reaches_the_application(prod: Assembly, stack: str) -> None:
    group = rules(prod[stack])["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    assert group["RuleActionOverrides"] == [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}]


@pytest.mark.parametrize("stack", STACKS)
def test_rules_only_count_where_configured(dev: Assembly, stack: str) -> None:
    for rule in rules(dev[stack]).values():
        assert (rule.get("Action") or rule.get("OverrideAction")) == {"Count": {}}


@pytest.mark.parametrize("stack", STACKS)
def test_login_has_a_tighter_rate(prod: Assembly, stack: str) -> None:
    by_name = rules(prod[stack])
    login = by_name["LoginRate"]["Statement"]["RateBasedStatement"]
    everything = by_name["Rate"]["Statement"]["RateBasedStatement"]
    assert login["AggregateKeyType"] == everything["AggregateKeyType"] == "IP"
    assert 10 <= login["Limit"] < everything["Limit"]
    for door in ("/api/v1/auth/", "/login/", "/register/"):
        assert f"'SearchString': '{door}'" in str(login["ScopeDownStatement"])
    assert "URL_DECODE" in str(login["ScopeDownStatement"]), "an encoded path reaches the same view"


def test_the_load_balancer_does_not_count_cloudfronts_addresses(prod: Assembly) -> None:
    """All users come from CloudFront's few addresses: by address they would be blocked together."""
    header = prod["Edge"].one("AWS::CloudFront::Distribution")["DistributionConfig"]["Origins"][0]
    (sent,) = header["OriginCustomHeaders"]
    for name in ("LoginRate", "Rate"):
        scope = rules(prod["RegionalWaf"])[name]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
        exempt = next(
            s for s in scope.get("AndStatement", {"Statements": [scope]})["Statements"] if "NotStatement" in s
        )
        match = exempt["NotStatement"]["Statement"]["ByteMatchStatement"]
        assert match["PositionalConstraint"] == "EXACTLY"
        assert match["FieldToMatch"]["SingleHeader"]["Name"] == sent["HeaderName"]
        assert match["SearchString"] == sent["HeaderValue"]


def test_scopes_and_regions(prod: Assembly) -> None:
    assert prod["RegionalWaf"].one(ACL)["Scope"] == "REGIONAL"
    assert prod["Edge"].one(ACL)["Scope"] == "CLOUDFRONT"
    assert prod["Edge"].region == "us-east-1"
    association = prod["RegionalWaf"].one("AWS::WAFv2::WebACLAssociation")
    assert "PublicLoadBalancer" in association["ResourceArn"]["Fn::GetStackOutput"]["OutputName"]


@pytest.mark.parametrize("stack", STACKS)
def test_logs_go_to_a_group_that_waf_accepts(prod: Assembly, stack: str) -> None:
    groups = prod[stack].all("AWS::Logs::LogGroup")
    ((name, group),) = groups.items()
    assert group["Properties"]["LogGroupName"].startswith("aws-waf-logs-")
    assert group["Properties"]["RetentionInDays"] == 365
    logging = prod[stack].one("AWS::WAFv2::LoggingConfiguration")
    # Without the `:*` that ends a log group's own Arn attribute.
    (destination,) = logging["LogDestinationConfigs"]
    assert destination["Fn::Join"][1][-1] == {"Ref": name}
    redacted = {field["SingleHeader"]["Name"] for field in logging["RedactedFields"]}
    assert redacted == {"authorization", "cookie"}


def test_an_environment_can_do_without(preview: Assembly) -> None:
    assert not preview.templates.keys() & set(STACKS)
