"""Web ACLs and rule groups as a tree of statements, and what each statement costs in capacity units."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.values import Node, entries, integer, target, text

WEB_ACL = "AWS::WAFv2::WebACL"
RULE_GROUP = "AWS::WAFv2::RuleGroup"
OWNERS = (WEB_ACL, RULE_GROUP)
API = "https://docs.aws.amazon.com/waf/latest/APIReference/"
GROUP_STATEMENTS = ("ManagedRuleGroupStatement", "RuleGroupReferenceStatement")
_NESTED = {"AndStatement": "Statements", "OrStatement": "Statements", "NotStatement": "Statement"}


def kinds(statement: Node) -> list[str]:
    """The kinds of statement that a Statement holds: one, when it is right."""
    value = statement.value
    return [key for key in value if key.endswith("Statement")] if isinstance(value, dict) else []


def statements(top: Node) -> Iterator[Node]:
    """A Statement and all that are nested in it, scope-down statements included."""
    pending = [top]
    while pending:
        statement = pending.pop()
        yield statement
        for kind in kinds(statement):
            if kind in _NESTED:
                pending.extend(entries(statement.get(kind, _NESTED[kind])))
            elif not (scope := statement.get(kind, "ScopeDownStatement")).absent:
                pending.append(scope)


def all_statements(owner: Resource) -> Iterator[Node]:
    for each in entries(owner.get("Rules")):
        yield from statements(each.get("Statement"))


def capacity(owner: Resource, *, transformations: bool) -> int:
    """Capacity units that the rules need, as far as the documentation prices them."""
    return sum(_price(statement, transformations) for statement in all_statements(owner))


_MANAGED_PRICES = {
    "AWSManagedRulesACFPRuleSet": 50,
    "AWSManagedRulesATPRuleSet": 50,
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesAntiDDoSRuleSet": 50,
    "AWSManagedRulesBotControlRuleSet": 50,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesPHPRuleSet": 100,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesUnixRuleSet": 100,
    "AWSManagedRulesWindowsRuleSet": 200,
    "AWSManagedRulesWordPressRuleSet": 100,
}
_PRICES = {
    "AsnMatchStatement": 1,
    "GeoMatchStatement": 1,
    "IPSetReferenceStatement": 1,
    "LabelMatchStatement": 1,
    "RateBasedStatement": 2,
    "RegexMatchStatement": 3,
    "RegexPatternSetReferenceStatement": 25,
    "SizeConstraintStatement": 1,
    "SqliMatchStatement": 20,
    "XssMatchStatement": 40,
}


def _price(statement: Node, transformations: bool) -> int:
    total = 0
    for kind in kinds(statement):
        inner = statement.get(kind)
        if kind == "ManagedRuleGroupStatement":
            total += _MANAGED_PRICES.get(text(inner.get("Name")) or "", 0)
        elif kind == "RuleGroupReferenceStatement":
            group = target(inner.get("Arn"), RULE_GROUP)
            total += (integer(group.get("Capacity")) or 0) if group is not None else 0
        elif kind == "ByteMatchStatement":
            total += 10 if (text(inner.get("PositionalConstraint")) or "").startswith("CONTAINS") else 2
        else:
            total += _PRICES.get(kind, 0) + 30 * len(entries(inner.get("CustomKeys")))
        if kind == "SqliMatchStatement" and text(inner.get("SensitivityLevel")) == "HIGH":
            total += 10
        if transformations:
            given = [text(each.get("Type")) for each in entries(inner.get("TextTransformations"))]
            total += 10 * sum(each != "NONE" for each in given)
    return total
