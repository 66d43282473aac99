"""Rate-based rules of web ACLs and rule groups."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.waf_model import API, OWNERS, WEB_ACL, all_statements
from preflight.values import Node, entries, integer, text


@rule(
    "WAF-43",
    constraint=43,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A rate limit is 10 to 2000000000 requests in 60, 120, 300 or 600 seconds",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="Set Limit and EvaluationWindowSec to values that WAF knows.",
    source=API + "API_RateBasedStatement.html",
    types=OWNERS,
)
def rate_limit(owner: Resource) -> Iterator[Fault]:
    for rate in _rates(owner):
        limit, window = integer(rate.get("Limit")), integer(rate.get("EvaluationWindowSec"))
        if limit is not None and not 10 <= limit <= 2_000_000_000:
            yield Fault(at=rate.path("Limit"), message=f"limit of {limit}")
        if window is not None and window not in (60, 120, 300, 600):
            yield Fault(at=rate.path("EvaluationWindowSec"), message=f"window of {window} s")


def _rates(owner: Resource) -> Iterator[Node]:
    for statement in all_statements(owner):
        if not (rate := statement.get("RateBasedStatement")).absent:
            yield rate


@rule(
    "WAF-43b",
    constraint=43,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A rate-based rule has what its AggregateKeyType needs",
    otherwise="WAFInvalidParameterException: the web ACL or rule group is refused.",
    remedy="ScopeDownStatement for CONSTANT, ForwardedIPConfig for FORWARDED_IP, 1 to 5 CustomKeys for CUSTOM_KEYS, "
    "and with an address among them at least one other key.",
    source=API + "API_RateBasedStatement.html",
    types=OWNERS,
)
def aggregation(owner: Resource) -> Iterator[Fault]:
    for rate in _rates(owner):
        kind = text(rate.get("AggregateKeyType"))
        needed = _KEY_NEEDS.get(kind or "")
        keys = entries(rate.get("CustomKeys"))
        if needed and (rate.get(needed).absent or (needed == "CustomKeys" and rate.get(needed).value == [])):
            yield Fault(at=str(rate), message=f"{kind} without {needed}")
        elif kind == "CUSTOM_KEYS" and len(keys) > 5:
            yield Fault(at=rate.path("CustomKeys"), message=f"{len(keys)} custom keys")
        elif kind == "CUSTOM_KEYS" and len(keys) == 1 and any(not keys[0].get(key).absent for key in _ADDRESSES):
            yield Fault(at=rate.path("CustomKeys"), message="an address as the only custom key")
        elif any(not key.get("ForwardedIP").absent for key in keys) and rate.get("ForwardedIPConfig").absent:
            yield Fault(at=rate.path("CustomKeys"), message="custom key ForwardedIP without ForwardedIPConfig")


_KEY_NEEDS = {"CONSTANT": "ScopeDownStatement", "FORWARDED_IP": "ForwardedIPConfig", "CUSTOM_KEYS": "CustomKeys"}
_ADDRESSES = ("IP", "ForwardedIP")


@rule(
    "WAF-211",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A web ACL has at most 10 rate-based statements before its quota is raised, a rule group 4",
    otherwise="WAFLimitsExceededException: the web ACL or rule group is refused.",
    remedy="Count several paths in one statement by custom keys, or use a second web ACL.",
    source="https://docs.aws.amazon.com/general/latest/gr/waf.html",
    types=OWNERS,
)
def rate_statements(owner: Resource) -> Iterator[Fault]:
    count, limit = len(list(_rates(owner))), 10 if owner.type == WEB_ACL else 4
    if count > limit:
        yield Fault(at="Rules", message=f"{count} rate-based statements")
