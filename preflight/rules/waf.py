"""Web ACLs and what belongs to them: scope, region, association, logging, capacity."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import LISTENER, LOAD_BALANCER, balancer_kind
from preflight.rules.ordering import made_before
from preflight.rules.waf_model import RULE_GROUP, WEB_ACL, capacity
from preflight.values import Node, Reference, Text, entries, integer, reference, target, text

_API = "https://docs.aws.amazon.com/waf/latest/APIReference/"
_GUIDE = "https://docs.aws.amazon.com/waf/latest/developerguide/"
_SCOPED = (WEB_ACL, RULE_GROUP, "AWS::WAFv2::IPSet", "AWS::WAFv2::RegexPatternSet")
_LOGGING = "AWS::WAFv2::LoggingConfiguration"
_ASSOCIATION = "AWS::WAFv2::WebACLAssociation"
_DISTRIBUTION = "AWS::CloudFront::Distribution"
_LOG_DESTINATIONS = ("AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::KinesisFirehose::DeliveryStream")


@rule(
    "WAF-42",
    constraint=42,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A web ACL or rule group uses at most 5000 capacity units",
    otherwise="WAFLimitsExceededException: the web ACL or rule group is refused.",
    remedy="Remove rule groups, or move rules to a second web ACL.",
    source=_GUIDE + "aws-waf-capacity-units.html",
    types=(WEB_ACL, RULE_GROUP),
)
def capacity_limit(owner: Resource) -> Iterator[Fault]:
    declared = integer(owner.get("Capacity")) if owner.type == RULE_GROUP else None
    if declared is not None and declared > 5000:
        yield Fault(at="Capacity", message=f"capacity of {declared} units")
    # Without text transformations, which WAF may charge once for several rules: certainly not too high.
    units = capacity(owner, transformations=False)
    if units > 5000:
        yield Fault(at="Rules", message=f"the rules need at least {units} capacity units")


@rule(
    "WAF-42b",
    constraint=42,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A web ACL stays within the 1500 capacity units that its basic price covers",
    otherwise="Every request costs more, per started 500 units above 1500.",
    remedy="Remove rule groups that the application does not need, or budget for the fee.",
    source="https://aws.amazon.com/about-aws/whats-new/2023/04/aws-waf-web-acl-capacity-units-limits/",
    types=(WEB_ACL,),
)
def capacity_price(acl: Resource) -> Iterator[Fault]:
    units = capacity(acl, transformations=True)
    if units > 1500:
        yield Fault(at="Rules", message=f"about {units} capacity units")


@rule(
    "WAF-44",
    constraint=44,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="WAF resources of scope CLOUDFRONT are in us-east-1",
    otherwise="The scope is not valid: the resource is refused.",
    remedy="Put them into a stack of us-east-1 and pass the ARN.",
    source=_API + "API_CreateWebACL.html",
    types=_SCOPED,
)
def global_scope_region(resource: Resource) -> Iterator[Fault]:
    region = resource.stack.region
    # The Chinese partition has its own CloudFront, and other rules.
    elsewhere = region is not None and region != "us-east-1" and not region.startswith("cn-")
    if elsewhere and text(resource.get("Scope")) == "CLOUDFRONT":
        yield Fault(at="Scope", message=f"scope CLOUDFRONT in {region}")


@rule(
    "WAF-44b",
    constraint=44,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A distribution takes the ARN of a web ACL of scope CLOUDFRONT",
    otherwise="InvalidWebACLId: CloudFront refuses the distribution.",
    remedy="Pass the attribute Arn (Ref gives name, id and scope) of a web ACL whose Scope is CLOUDFRONT.",
    source="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html",
    types=(_DISTRIBUTION,),
)
def distribution_acl(distribution: Resource) -> Iterator[Fault]:
    node = distribution.get("DistributionConfig", "WebACLId")
    acl = target(node, WEB_ACL)
    if acl is not None:
        if _by_ref(node):
            yield Fault(at=str(node), message="Ref of a web ACL where its ARN is needed")
        elif text(acl.get("Scope")) == "REGIONAL":
            yield Fault(at=str(node), message=f"{acl.construct_path} has scope REGIONAL")
        return
    arn = None if reference(node) is not None else text(node)
    if arn and arn.startswith("arn:") and ":wafv2:" in arn and ":global/webacl/" not in arn:
        yield Fault(at=str(node), message="ARN of a web ACL that has not the scope CLOUDFRONT")


def _by_ref(node: Node) -> bool:
    found = reference(node)
    return found is not None and found.attribute == "Ref"


@rule(
    "WAF-44c",
    constraint=44,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An association joins a regional web ACL and a resource of its region, both by ARN",
    otherwise="WAFInvalidParameterException or WAFNonexistentItemException: the association is refused.",
    remedy="Name a distribution's web ACL in the distribution itself; here pass ARNs of one region.",
    source=_API + "API_AssociateWebACL.html",
    types=(_ASSOCIATION,),
)
def association_ends(association: Resource) -> Iterator[Fault]:
    node = association.get("WebACLArn")
    acl = target(node, WEB_ACL)
    if acl is not None:
        if _by_ref(node):
            yield Fault(at="WebACLArn", message="Ref of a web ACL where its ARN is needed")
        if text(acl.get("Scope")) == "CLOUDFRONT":
            yield Fault(at="WebACLArn", message=f"{acl.construct_path} has scope CLOUDFRONT")
        elif None not in (regions := (acl.stack.region, association.stack.region)) and regions[0] != regions[1]:
            yield Fault(at="WebACLArn", message=f"the web ACL is in {regions[0]}, its association in {regions[1]}")
    node = association.get("ResourceArn")
    arn = None if reference(node) is not None or isinstance(node.value, Text) else text(node)
    if target(node, _DISTRIBUTION) is not None or (arn and ":cloudfront:" in arn):
        yield Fault(at="ResourceArn", message="a distribution is not associated but names its web ACL itself")
    balancer = target(node, LOAD_BALANCER)
    kind = (
        balancer_kind(balancer) if balancer is not None else "network" if arn and "loadbalancer/net/" in arn else None
    )
    if kind in ("network", "gateway"):
        yield Fault(at="ResourceArn", message=f"WAF does not protect load balancers of the {kind} kind")


@rule(
    "WAF-45",
    constraint=45,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The name of a WAF log destination begins with aws-waf-logs-",
    otherwise="The ARN isn't valid (field LOG_DESTINATION): the logging configuration is refused.",
    remedy="Name the log group, bucket or delivery stream so.",
    source=_API + "API_LoggingConfiguration.html",
    types=(_LOGGING,),
)
def destination_name(logging: Resource) -> Iterator[Fault]:
    for node in entries(logging.get("LogDestinationConfigs")):
        destination = target(node, *_LOG_DESTINATIONS)
        if destination is not None:
            name = destination.get(_NAMES[destination.type])
            wrong = name.absent or _starts(name, "aws-waf-logs-") is False
            label = destination.construct_path
        else:
            arn = None if reference(node) is not None or isinstance(node.value, Text) else text(node)
            wrong = arn is not None and "aws-waf-logs-" not in arn
            label = str(arn)
        if wrong:
            yield Fault(at=str(node), message=f"{label} has no name that begins with aws-waf-logs-")


_NAMES = {
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
}


def _starts(node: Node, prefix: str) -> bool | None:
    if isinstance(node.value, Text):
        return node.value.startswith(prefix)
    known = None if reference(node) is not None else text(node)
    return None if known is None else known.startswith(prefix)


@rule(
    "WAF-45b",
    constraint=45,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A log group is given to WAF by its ARN without the trailing :*",
    otherwise="The ARN isn't valid (field LOG_DESTINATION): the logging configuration may be refused.",
    remedy="Build the ARN from the log group's name: GetAtt Arn ends in :*.",
    source="https://github.com/pulumi/pulumi-aws/issues/1214",
    types=(_LOGGING,),
)
def destination_suffix(logging: Resource) -> Iterator[Fault]:
    for node in entries(logging.get("LogDestinationConfigs")):
        found = reference(node)
        if isinstance(node.value, Text):
            starred = node.value.endswith(":*") or _ends_in_arn(node.value)
        elif found is not None:
            starred = found.resource.type == "AWS::Logs::LogGroup" and found.attribute == "Arn"
        else:
            starred = (text(node) or "").endswith(":*")
        if starred:
            yield Fault(at=str(node), message="the ARN of the log group ends in :*")


def _ends_in_arn(value: Text) -> bool:
    last = value.parts[-1]
    return isinstance(last, Reference) and last.resource.type == "AWS::Logs::LogGroup" and last.attribute == "Arn"


@rule(
    "WAF-45c",
    constraint=45,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A web ACL logs to a log group or delivery stream of its own region",
    otherwise="The ARN isn't valid (field LOG_DESTINATION): the logging configuration is refused.",
    remedy="Put destination, web ACL and logging configuration into one region: us-east-1 for scope CLOUDFRONT.",
    source="https://github.com/pulumi/pulumi-aws/issues/1214",
    types=(_LOGGING,),
)
def destination_region(logging: Resource) -> Iterator[Fault]:
    here = logging.stack.region
    acl = target(logging.get("ResourceArn"), WEB_ACL)
    if acl is not None and None not in (here, acl.stack.region) and here != acl.stack.region:
        yield Fault(at="ResourceArn", message=f"the web ACL is in {acl.stack.region}, its logging in {here}")
    for node in entries(logging.get("LogDestinationConfigs")):
        destination = target(node, "AWS::Logs::LogGroup", "AWS::KinesisFirehose::DeliveryStream")
        if destination is not None:
            there = destination.stack.region
        else:
            parts = ("" if reference(node) else _letters(node)).split(":")
            there = parts[3] if len(parts) > 5 and parts[2] in ("logs", "firehose") else None
        if here and there and "\0" not in there and here != there:
            yield Fault(at=str(node), message=f"the destination is in {there}, the logging configuration in {here}")


def _letters(node: Node) -> str:
    return node.value.literal if isinstance(node.value, Text) else text(node) or ""


@rule(
    "WAF-45d",
    constraint=45,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A web ACL logs to one destination, and both are named by their ARNs",
    otherwise="The logging configuration is refused.",
    remedy="Give one element in LogDestinationConfigs; pass ARNs, which Ref does not give.",
    source=_API + "API_LoggingConfiguration.html",
    types=(_LOGGING,),
)
def one_destination(logging: Resource) -> Iterator[Fault]:
    count = len(entries(logging.get("LogDestinationConfigs")))
    if count > 1:
        yield Fault(at="LogDestinationConfigs", message=f"{count} destinations")
    places = [*entries(logging.get("LogDestinationConfigs")), logging.get("ResourceArn")]
    for node in places:
        if target(node, WEB_ACL, *_LOG_DESTINATIONS) is not None and _by_ref(node):
            yield Fault(at=str(node), message="Ref gives a name where an ARN is needed")


@rule(
    "WAF-47",
    constraint=47,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A web ACL is associated after the load balancer's first listener",
    otherwise="WAFUnavailableEntityException, now and then: a load balancer just made is not yet known to WAF.",
    remedy="Let the association depend on a listener, or put it into a later stack; deploy again when it happens.",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/17527",
    types=(_ASSOCIATION,),
    lacks=("DependsOn",),
)
def association_after_listener(association: Resource) -> Iterator[Fault]:
    balancer = target(association.get("ResourceArn"), LOAD_BALANCER)
    if balancer is None or balancer.stack is not association.stack:
        return
    listeners = [
        listener for listener in balancer.referrers if listener.type == LISTENER and listener.stack is association.stack
    ]
    before = made_before(association)
    if listeners and not any(listener.logical_id in before for listener in listeners):
        yield Fault(at="ResourceArn", message=f"does not depend on {listeners[0].construct_path}")
