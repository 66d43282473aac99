"""Actions, certificates and conditions of listeners and listener rules."""

import re
from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import LISTENER, LISTENER_RULE, actions
from preflight.values import Node, entries, integer, is_unknown, target, text

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"
_ROUTING = ("forward", "redirect", "fixed-response")


def _protocol(resource: Resource) -> str | None:
    listener = resource if resource.type == LISTENER else target(resource.get("ListenerArn"), LISTENER)
    return text(listener.get("Protocol")) if listener is not None else None


@rule(
    "ELB-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A listener itself carries one certificate",
    otherwise="CreateListener refuses a second certificate.",
    remedy="Keep the default certificate on the listener and add the others as AWS::ElasticLoadBalancingV2::"
    "ListenerCertificate.",
    source=_API + "API_CreateListener.html",
    types=(LISTENER,),
)
def one_certificate(listener: Resource) -> Iterator[Fault]:
    count = len(entries(listener.get("Certificates")))
    if count > 1:
        yield Fault(at="Certificates", message=f"{count} certificates on the listener itself")


@rule(
    "ELB-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Only HTTPS and TLS listeners have certificates and a security policy",
    otherwise="CreateListener refuses the listener.",
    remedy="Remove Certificates and SslPolicy, or use HTTPS or TLS.",
    source=_API + "API_CreateListener.html",
    types=(LISTENER,),
)
def certificates_need_tls(listener: Resource) -> Iterator[Fault]:
    protocol = _protocol(listener)
    for key in ("Certificates", "SslPolicy"):
        node = listener.get(key)
        given = bool(entries(node)) if key == "Certificates" else not node.absent
        if protocol in ("HTTP", "TCP", "UDP", "TCP_UDP") and given:
            yield Fault(at=key, message=f"{key} on a {protocol} listener")


@rule(
    "ELB-207",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Only HTTPS listeners authenticate users",
    otherwise="The listener or rule is refused.",
    remedy="Move the action to an HTTPS listener.",
    source=_API + "API_Action.html",
    types=(LISTENER, LISTENER_RULE),
)
def authentication_needs_https(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        kind = text(action.get("Type")) or ""
        if kind.startswith(("authenticate-", "jwt-")) and _protocol(resource) == "HTTP":
            yield Fault(at=action.path("Type"), message=f"{kind} on an HTTP listener")


@rule(
    "ELB-208",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A listener or rule ends in exactly one forward, redirect or fixed response",
    otherwise="InvalidLoadBalancerAction: the listener or rule is refused.",
    remedy="Keep one such action, with the highest Order, and give each action an Order of its own.",
    source=_API + "API_Action.html",
    types=(LISTENER, LISTENER_RULE),
)
def one_routing_action(resource: Resource) -> Iterator[Fault]:
    at = "DefaultActions" if resource.type == LISTENER else "Actions"
    found = actions(resource)
    kinds = [text(action.get("Type")) for action in found]
    if not found or None in kinds or any(is_unknown(action) for action in found):
        return
    routing = [index for index, kind in enumerate(kinds) if kind in _ROUTING]
    if len(routing) != 1:
        yield Fault(at=at, message=f"{len(routing)} actions that route: {', '.join(map(str, kinds))}")
    elif len(found) > 1:
        orders = [integer(action.get("Order")) for action in found]
        missing = [action for action in found if action.get("Order").absent]
        if missing:
            yield Fault(at=str(missing[0]), message="several actions, and one without Order")
        elif None not in orders and len(set(orders)) < len(orders):
            yield Fault(at=at, message=f"the same Order twice: {', '.join(map(str, orders))}")
        elif None not in orders and orders[routing[0]] != max(order for order in orders if order is not None):
            yield Fault(at=found[routing[0]].path("Order"), message=f"{kinds[routing[0]]} is not the last action")


@rule(
    "ELB-209",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An action carries the configuration of its type",
    otherwise="The listener or rule is refused.",
    remedy="Add the configuration that belongs to Type.",
    source=_API + "API_Action.html",
    types=(LISTENER, LISTENER_RULE),
)
def action_configuration(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        needed = _CONFIGURATIONS.get(text(action.get("Type")) or "")
        if needed and all(action.get(key).absent for key in needed):
            yield Fault(at=str(action), message=f"{text(action.get('Type'))} without {' or '.join(needed)}")


_CONFIGURATIONS = {
    "forward": ("TargetGroupArn", "ForwardConfig"),
    "redirect": ("RedirectConfig",),
    "fixed-response": ("FixedResponseConfig",),
    "authenticate-cognito": ("AuthenticateCognitoConfig",),
    "authenticate-oidc": ("AuthenticateOidcConfig",),
    "jwt-validation": ("JwtValidationConfig",),
}


@rule(
    "ELB-210",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A redirect changes protocol, host, port or path, and never leads from HTTPS to HTTP",
    otherwise="InvalidLoadBalancerAction: the redirect would loop, and the listener or rule is refused.",
    remedy="Change at least one of them, for instance Protocol HTTPS with Port 443 on an HTTP listener.",
    source=_API + "API_RedirectActionConfig.html",
    types=(LISTENER, LISTENER_RULE),
)
def redirect_leads_elsewhere(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        config = action.get("RedirectConfig")
        if config.absent or is_unknown(config):
            continue
        if all(_unchanged(config.get(key), same) for key, same in _SAME.items()):
            yield Fault(at=str(config), message="redirects to the address that was asked for")
        elif text(config.get("Protocol")) == "HTTP" and _protocol(resource) == "HTTPS":
            yield Fault(at=config.path("Protocol"), message="redirects from HTTPS to HTTP")


_SAME = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}"}


def _unchanged(node: Node, same: str) -> bool:
    return node.absent or text(node) == same


@rule(
    "ELB-215",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A rule has at most one condition each on host, path, method and source address",
    otherwise="CreateRule refuses the rule.",
    remedy="Put the values into one condition, or make several rules.",
    source=_API + "API_RuleCondition.html",
    types=(LISTENER_RULE,),
)
def one_condition_per_field(listener_rule: Resource) -> Iterator[Fault]:
    fields = Counter(text(condition.get("Field")) for condition in entries(listener_rule.get("Conditions")))
    for name in ("host-header", "path-pattern", "http-request-method", "source-ip"):
        if fields[name] > 1:
            yield Fault(at="Conditions", message=f"{fields[name]} conditions on {name}")


@rule(
    "ELB-216",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Condition values keep to the lengths and letters of their field",
    otherwise="CreateRule refuses the rule.",
    remedy="At most 128 characters; header names and methods at most 40, methods in capitals, hosts by host-header.",
    source=_API + "API_RuleCondition.html",
    types=(LISTENER_RULE,),
)
def condition_lengths(listener_rule: Resource) -> Iterator[Fault]:
    for condition in entries(listener_rule.get("Conditions")):
        for holder in ("", "HostHeaderConfig", "PathPatternConfig", "HttpHeaderConfig"):
            node = condition.get(holder) if holder else condition
            for value in [*entries(node.get("Values")), *entries(node.get("RegexValues"))]:
                known = text(value)
                if known is not None and not 1 <= len(known) <= 128:
                    yield Fault(at=str(value), message=f"value of {len(known)} characters")
        for method in entries(condition.get("HttpRequestMethodConfig", "Values")):
            known = text(method)
            if known is not None and not re.fullmatch(r"[A-Z_-]{1,40}", known):
                yield Fault(at=str(method), message=f"{known!r} is no method name")
        header = condition.get("HttpHeaderConfig", "HttpHeaderName")
        name = text(header)
        if name is not None and (len(name) > 40 or name.lower() == "host"):
            yield Fault(at=str(header), message=f"condition on header {name!r}")
