"""Rules and statements within web ACLs and rule groups."""

import ipaddress
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.waf_model import (
    API,
    GROUP_STATEMENTS,
    OWNERS,
    RULE_GROUP,
    WEB_ACL,
    all_statements,
    kinds,
    statements,
)
from preflight.values import Node, Unknown, entries, integer, is_unknown, reference, text


@rule(
    "WAF-41",
    constraint=41,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A rule that refers to a rule group has OverrideAction, every other rule has Action",
    otherwise="None or multiple values for a field that requires exactly one value: the web ACL is refused.",
    remedy="OverrideAction {None: {}} for managed rule groups and rule group references; Action for the rest.",
    source=API + "API_Rule.html",
    types=OWNERS,
)
def action_or_override(owner: Resource) -> Iterator[Fault]:
    for each in entries(owner.get("Rules")):
        held = kinds(each.get("Statement"))
        if len(held) != 1:
            continue
        wanted, other = ("OverrideAction", "Action") if held[0] in GROUP_STATEMENTS else ("Action", "OverrideAction")
        if each.get(wanted).absent:
            yield Fault(at=str(each), message=f"{_label(each)} ({held[0]}) without {wanted}")
        elif not each.get(other).absent:
            yield Fault(at=each.path(other), message=f"{_label(each)} ({held[0]}) with {other}")
        elif isinstance(chosen := each.get(wanted).value, dict) and len(chosen) != 1:
            yield Fault(at=each.path(wanted), message=f"{_label(each)}: {len(chosen)} actions in {wanted}")


def _label(each: Node) -> str:
    name = text(each.get("Name"))
    return f"rule {name}" if name else "rule"


@rule(
    "WAF-41b",
    constraint=41,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The rules of a web ACL or rule group have different priorities",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="Number the rules one after the other.",
    source=API + "API_Rule.html",
    types=OWNERS,
)
def different_priorities(owner: Resource) -> Iterator[Fault]:
    yield from _repeated(entries(owner.get("Rules")), "Priority")


def _repeated(items: list[Node], key: str) -> Iterator[Fault]:
    seen: set[int] = set()
    for item in items:
        value = integer(item.get(key))
        if value is not None and value in seen:
            yield Fault(at=item.path(key), message=f"{key} {value} a second time")
        seen |= {value} if value is not None else set()


@rule(
    "WAF-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A web ACL's default action is either Allow or Block",
    otherwise="WAFInvalidParameterException: the web ACL is refused.",
    remedy="Give exactly one of them.",
    source=API + "API_DefaultAction.html",
    types=(WEB_ACL,),
)
def default_action(acl: Resource) -> Iterator[Fault]:
    action = acl.get("DefaultAction")
    if isinstance(action.value, dict) and len(action.value) != 1:
        yield Fault(at="DefaultAction", message=f"{len(action.value)} default actions")


@rule(
    "WAF-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A statement is of one kind and inspects one component",
    otherwise="None or multiple values for a field that requires exactly one value: the web ACL is refused.",
    remedy="Combine statements by AndStatement or OrStatement.",
    source=API + "API_FieldToMatch.html",
    types=OWNERS,
)
def one_kind(owner: Resource) -> Iterator[Fault]:
    for statement in all_statements(owner):
        if isinstance(statement.value, dict) and len(held := kinds(statement)) != 1:
            yield Fault(at=str(statement), message=f"{len(held)} kinds in one statement")
            continue
        for kind in kinds(statement):
            field = statement.get(kind, "FieldToMatch")
            if isinstance(field.value, dict) and len(field.value) != 1:
                yield Fault(at=str(field), message=f"{len(field.value)} components in one FieldToMatch")


@rule(
    "WAF-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Rule groups and rate-based statements stand at the top of a rule, and rule groups in web ACLs only",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="Make each a rule of its own in the web ACL; narrow it by its ScopeDownStatement or by labels.",
    source=API + "API_ManagedRuleGroupStatement.html",
    types=OWNERS,
)
def not_nested(owner: Resource) -> Iterator[Fault]:
    for each in entries(owner.get("Rules")):
        top = each.get("Statement")
        for statement in statements(top):
            for kind in kinds(statement):
                nested = statement.keys != top.keys
                if kind in GROUP_STATEMENTS and (nested or owner.type == RULE_GROUP):
                    where = "inside another statement" if nested else "inside a rule group"
                    yield Fault(at=statement.path(kind), message=f"{kind} {where}")
                elif kind == "RateBasedStatement" and nested:
                    yield Fault(at=statement.path(kind), message=f"{kind} inside another statement")


@rule(
    "WAF-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="IP sets, pattern sets and rule groups are referred to by ARN and have the web ACL's scope",
    otherwise="WAFInvalidParameterException or WAFNonexistentItemException: the web ACL is refused.",
    remedy="Pass the attribute Arn (Ref gives name, id and scope) of a set with the same Scope.",
    source=API + "API_IPSetReferenceStatement.html",
    types=OWNERS,
)
def references_by_arn(owner: Resource) -> Iterator[Fault]:
    for statement in all_statements(owner):
        for kind in kinds(statement):
            node = statement.get(kind, "Arn")
            used = reference(node)
            if used is None or not used.resource.type.startswith("AWS::WAFv2::"):
                continue
            scopes = text(owner.get("Scope")), text(used.resource.get("Scope"))
            if used.attribute == "Ref":
                yield Fault(at=str(node), message=f"Ref of {used.resource.construct_path} where its ARN is needed")
            elif None not in scopes and scopes[0] != scopes[1]:
                yield Fault(at=str(node), message=f"scope {scopes[1]} in a web ACL or rule group of scope {scopes[0]}")


@rule(
    "WAF-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A custom response names a body that CustomResponseBodies holds",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="Add the body under that key.",
    source=API + "API_CustomResponse.html",
    types=OWNERS,
)
def custom_bodies(owner: Resource) -> Iterator[Fault]:
    bodies = owner.get("CustomResponseBodies")
    if isinstance(bodies.value, Unknown):
        return
    places = [owner.get("DefaultAction"), *(each.get("Action") for each in entries(owner.get("Rules")))]
    for place in places:
        node = place.get("Block", "CustomResponse", "CustomResponseBodyKey")
        key = text(node)
        if key is not None and bodies.get(key).absent:
            yield Fault(at=str(node), message=f"no body {key!r} in CustomResponseBodies")


@rule(
    "WAF-207",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The text transformations of a statement have different priorities",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="Number the transformations one after the other.",
    source=API + "API_TextTransformation.html",
    types=OWNERS,
)
def transformation_priorities(owner: Resource) -> Iterator[Fault]:
    for statement in all_statements(owner):
        for kind in kinds(statement):
            yield from _repeated(entries(statement.get(kind, "TextTransformations")), "Priority")


@rule(
    "WAF-208",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A search string is at most 200 bytes long, and given once",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="Shorten it, and give either SearchString or SearchStringBase64.",
    source=API + "API_ByteMatchStatement.html",
    types=OWNERS,
)
def search_strings(owner: Resource) -> Iterator[Fault]:
    for statement in all_statements(owner):
        match = statement.get("ByteMatchStatement")
        if match.absent or is_unknown(match):
            continue
        given = [key for key in ("SearchString", "SearchStringBase64") if not match.get(key).absent]
        value = text(match.get("SearchString"))
        if len(given) != 1:
            yield Fault(at=str(match), message=f"{len(given)} search strings")
        elif value is not None and len(value.encode()) > 200:
            yield Fault(at=match.path("SearchString"), message=f"search string of {len(value.encode())} bytes")


@rule(
    "WAF-210",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An IP set holds CIDR ranges of its own IP version, never /0",
    otherwise="WAFInvalidParameterException: the IP set is refused.",
    remedy="Write each as address/length: /32 or /128 for a single address, two halves for everything.",
    source=API + "API_IPSet.html",
    types=("AWS::WAFv2::IPSet",),
)
def addresses(ip_set: Resource) -> Iterator[Fault]:
    version = {"IPV4": 4, "IPV6": 6}.get(text(ip_set.get("IPAddressVersion")) or "")
    for node in entries(ip_set.get("Addresses")):
        value = text(node)
        if value is None:
            continue
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            yield Fault(at=str(node), message=f"{value!r} is no CIDR range")
            continue
        if "/" not in value or network.prefixlen == 0:
            yield Fault(at=str(node), message=f"{value} is no range from /1 on")
        elif version is not None and network.version != version:
            yield Fault(at=str(node), message=f"{value} in a set of IP version {version}")


@rule(
    "WAF-212",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The managed rule groups against account takeover and fraud have their configuration",
    otherwise="WAFInvalidParameterException: the web ACL is refused.",
    remedy="Add ManagedRuleGroupConfigs with the paths and fields of the login or registration.",
    source=API + "API_ManagedRuleGroupStatement.html",
    types=(WEB_ACL,),
)
def managed_configuration(acl: Resource) -> Iterator[Fault]:
    for each in entries(acl.get("Rules")):
        group = each.get("Statement", "ManagedRuleGroupStatement")
        name = text(group.get("Name"))
        configured = bool(entries(group.get("ManagedRuleGroupConfigs"))) or is_unknown(
            group.get("ManagedRuleGroupConfigs")
        )
        if name in ("AWSManagedRulesATPRuleSet", "AWSManagedRulesACFPRuleSet") and not configured:
            yield Fault(at=str(group), message=f"{name} without ManagedRuleGroupConfigs")
