"""Faults in the web ACLs, their association and their logging."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants


def _acl(prod: Prod, stack: str = "RegionalWaf") -> dict[str, Any]:
    return prod.resource(stack, "AWS::WAFv2::WebACL")


def _rule(prod: Prod, name: str) -> dict[str, Any]:
    found = [each for each in _acl(prod)["Properties"]["Rules"] if each["Name"] == name]
    return found[0]  # type: ignore[no-any-return]


def _managed(prod: Prod) -> dict[str, Any]:
    return _rule(prod, "AWSManagedRulesCommonRuleSet")


def _rate(prod: Prod) -> dict[str, Any]:
    return _rule(prod, "Rate")["Statement"]["RateBasedStatement"]  # type: ignore[no-any-return]


def _append(prod: Prod, statement: dict[str, Any], **given: Any) -> None:
    rules = _acl(prod)["Properties"]["Rules"]
    visibility = rules[0]["VisibilityConfig"]
    added = {"Name": f"Added{len(rules)}", "Priority": 100 + len(rules), "Action": {"Block": {}}}
    rules.append({**added, "Statement": statement, "VisibilityConfig": visibility, **given})


@plants("WAF-41", constraint=41)
def an_action_for_a_managed_group(prod: Prod) -> str:
    _managed(prod)["Action"] = {"Block": {}}
    return prod.path(_acl(prod))


@plants("WAF-41", constraint=41)
def an_override_for_a_plain_rule(prod: Prod) -> str:
    _rule(prod, "Rate")["OverrideAction"] = {"None": {}}
    del _rule(prod, "Rate")["Action"]
    return prod.path(_acl(prod))


@plants("WAF-41b", constraint=41)
def a_waf_priority_twice(prod: Prod) -> str:
    _managed(prod)["Priority"] = _rule(prod, "Rate")["Priority"]
    return prod.path(_acl(prod))


@plants("WAF-42", constraint=42)
def more_capacity_than_a_web_acl_has(prod: Prod) -> str:
    group = {"Type": "AWS::WAFv2::RuleGroup", "Properties": {"Scope": "REGIONAL", "Capacity": 4900}}
    prod.add("RegionalWaf", "Group", group)
    _append(prod, {"RuleGroupReferenceStatement": {"Arn": {"Fn::GetAtt": ["Group", "Arn"]}}})
    return prod.path(_acl(prod))


@plants("WAF-42b", constraint=42)
def capacity_that_costs_more(prod: Prod) -> str:
    for name in ("Linux", "Unix", "Windows", "WordPress"):
        _append(prod, {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": f"AWSManagedRules{name}RuleSet"}})
    return prod.path(_acl(prod))


@plants("WAF-43", constraint=43)
def a_window_of_a_quarter_of_an_hour(prod: Prod) -> str:
    _rate(prod)["EvaluationWindowSec"] = 900
    return prod.path(_acl(prod))


@plants("WAF-43b", constraint=43)
def a_constant_key_without_a_scope(prod: Prod) -> str:
    _rate(prod)["AggregateKeyType"] = "CONSTANT"
    _rate(prod).pop("ScopeDownStatement", None)
    return prod.path(_acl(prod))


@plants("WAF-44", constraint=44)
def a_global_web_acl_elsewhere(prod: Prod) -> str:
    prod.move("Edge", region="eu-west-1")
    return prod.path(_acl(prod, "Edge"))


@plants("WAF-44b", constraint=44)
def a_web_acl_by_ref(prod: Prod) -> str:
    distribution = prod.resource("Edge", "AWS::CloudFront::Distribution")
    distribution["Properties"]["DistributionConfig"]["WebACLId"] = {"Ref": prod.logical_id(_acl(prod, "Edge"))}
    return prod.path(distribution)


@plants("WAF-44c", constraint=44)
def a_global_web_acl_for_a_load_balancer(prod: Prod) -> str:
    _acl(prod)["Properties"]["Scope"] = "CLOUDFRONT"
    return prod.path(prod.resource("RegionalWaf", "AWS::WAFv2::WebACLAssociation"))


def _logging(prod: Prod) -> dict[str, Any]:
    return prod.resource("RegionalWaf", "AWS::WAFv2::LoggingConfiguration")


def _log_group(prod: Prod) -> dict[str, Any]:
    return prod.resource("RegionalWaf", "AWS::Logs::LogGroup")


@plants("WAF-45", constraint=45)
def an_unnamed_log_destination(prod: Prod) -> str:
    del _log_group(prod)["Properties"]["LogGroupName"]
    return prod.path(_logging(prod))


@plants("WAF-45b", constraint=45)
def an_arn_with_a_star(prod: Prod) -> str:
    arn = {"Fn::GetAtt": [prod.logical_id(_log_group(prod)), "Arn"]}
    _logging(prod)["Properties"]["LogDestinationConfigs"] = [arn]
    return prod.path(_logging(prod))


@plants("WAF-45c", constraint=45)
def a_log_destination_in_another_region(prod: Prod) -> str:
    arn = "arn:aws:logs:us-west-2:000000000000:log-group:aws-waf-logs-spendsmart"
    _logging(prod)["Properties"]["LogDestinationConfigs"] = [arn]
    return prod.path(_logging(prod))


@plants("WAF-45d", constraint=45)
def two_log_destinations(prod: Prod) -> str:
    _logging(prod)["Properties"]["LogDestinationConfigs"].append("arn:aws:s3:::aws-waf-logs-spendsmart")
    return prod.path(_logging(prod))


@plants("WAF-47", constraint=47)
def an_association_in_a_hurry(prod: Prod) -> str:
    balancer = prod.resource("Ingress", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    properties = {
        "ResourceArn": {"Ref": prod.logical_id(balancer)},
        "WebACLArn": "arn:aws:wafv2:us-east-1:000000000000:regional/webacl/a/1",
    }
    kind = "AWS::WAFv2::WebACLAssociation"
    return prod.path(prod.add("Ingress", "Association", {"Type": kind, "Properties": properties}))


@plants("WAF-201")
def a_web_acl_without_a_default(prod: Prod) -> str:
    _acl(prod)["Properties"]["DefaultAction"] = {}
    return prod.path(_acl(prod))


@plants("WAF-202")
def two_statements_in_one(prod: Prod) -> str:
    _rule(prod, "Rate")["Statement"]["GeoMatchStatement"] = {"CountryCodes": ["AQ"]}
    return prod.path(_acl(prod))


@plants("WAF-203")
def a_managed_group_within_a_statement(prod: Prod) -> str:
    inner = _managed(prod)["Statement"]
    _append(prod, {"NotStatement": {"Statement": inner}})
    return prod.path(_acl(prod))


@plants("WAF-204")
def an_address_set_by_ref(prod: Prod) -> str:
    addresses = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": []}
    prod.add("RegionalWaf", "Blocked", {"Type": "AWS::WAFv2::IPSet", "Properties": addresses})
    _append(prod, {"IPSetReferenceStatement": {"Arn": {"Ref": "Blocked"}}})
    return prod.path(_acl(prod))


@plants("WAF-205")
def a_body_that_is_not_there(prod: Prod) -> str:
    _rule(prod, "Rate")["Action"]["Block"]["CustomResponse"]["CustomResponseBodyKey"] = "slow"
    return prod.path(_acl(prod))


_MATCH = {
    "FieldToMatch": {"UriPath": {}},
    "PositionalConstraint": "STARTS_WITH",
    "SearchString": "/admin/",
    "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}],
}


@plants("WAF-207")
def a_transformation_priority_twice(prod: Prod) -> str:
    repeated = [*_MATCH["TextTransformations"], {"Priority": 0, "Type": "URL_DECODE"}]
    _append(prod, {"ByteMatchStatement": {**_MATCH, "TextTransformations": repeated}})
    return prod.path(_acl(prod))


@plants("WAF-208")
def a_long_search_string(prod: Prod) -> str:
    _append(prod, {"ByteMatchStatement": {**_MATCH, "SearchString": "/admin/" * 30}})
    return prod.path(_acl(prod))


@plants("WAF-210")
def an_address_without_a_length(prod: Prod) -> str:
    addresses = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.44"]}
    return prod.path(prod.add("RegionalWaf", "Blocked", {"Type": "AWS::WAFv2::IPSet", "Properties": addresses}))


@plants("WAF-211")
def eleven_rate_limits(prod: Prod) -> str:
    for _ in range(9):
        _append(prod, {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}})
    return prod.path(_acl(prod))


@plants("WAF-212")
def account_takeover_without_a_login_path(prod: Prod) -> str:
    _managed(prod)["Statement"]["ManagedRuleGroupStatement"]["Name"] = "AWSManagedRulesATPRuleSet"
    return prod.path(_acl(prod))
