"""CloudWatch Logs: groups and their keys, who makes a group first, and the quotas of an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.policies import statements
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.kms import customer_key, key_lets
from preflight.rules.ordering import made_before
from preflight.rules.presence import certain
from preflight.rules.support import exclusive
from preflight.values import Node, Text, entries, integer, strings, target, text

GROUP = "AWS::Logs::LogGroup"

_ENCRYPTION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
_GROUP_TEMPLATE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html"
)
_QUOTAS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
_CLASSES = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html"

_RETENTIONS = frozenset(
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
)


@rule(
    "LOGS-101",
    constraint=101,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The key of a log group lets CloudWatch Logs of that region use it",
    otherwise="The log group is refused: its key does not exist or may not be used.",
    remedy="Allow logs.REGION.amazonaws.com kms:Encrypt*, Decrypt*, ReEncrypt*, GenerateDataKey* and Describe* in the "
    "key's policy.",
    source=_ENCRYPTION,
    types=(GROUP,),
)
def key_of_group(group: Resource) -> Iterator[Fault]:
    key = customer_key(group.get("KmsKeyId"))
    if key is None:
        return
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        if _logs_may(key, action, group.stack.region) is False:
            service = f"logs.{group.stack.region or 'REGION'}.amazonaws.com"
            yield Fault(at="KmsKeyId", message=f"{key.construct_path} does not allow {service} {action}")
            return


def _logs_may(key: Resource, action: str, region: str | None) -> bool | None:
    if region:
        services = ("logs.amazonaws.com", f"logs.{region}.amazonaws.com", f"logs.{region}.amazonaws.com.cn")
        answers = [key_lets(key, action, service) for service in services]
        return True if True in answers else None if None in answers else False
    # In a template for any region every region's principal may be the right one.
    if key_lets(key, action, "logs.amazonaws.com") is not False:
        return None
    for statement in statements(key.get("KeyPolicy")):
        if statement.effect == "Allow" and statement.covers(action):
            for principal in statement.principals("Service"):
                written = principal.literal if isinstance(principal, Text) else principal
                if not isinstance(written, str) or written.startswith("logs."):
                    return None
    return False


@rule(
    "LOGS-101b",
    constraint=101,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A log group's key is in the group's region",
    otherwise="The log group is refused: its key does not exist there.",
    remedy="Make a key in each region, or a replica of a multi-Region key.",
    source=_ENCRYPTION,
    types=(GROUP,),
)
def region_of_key(group: Resource) -> Iterator[Fault]:
    node, region = group.get("KmsKeyId"), group.stack.region
    key = customer_key(node)
    written = node.value if isinstance(node.value, str) else ""
    other = key.stack.region if key is not None else written.split(":")[3] if written.count(":") >= 5 else None
    if region and other and region != other:
        yield Fault(at="KmsKeyId", message=f"a key of {other} for a log group in {region}")


@rule(
    "LOGS-109",
    constraint=109,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Logs are kept for one of the times that CloudWatch Logs knows",
    otherwise="PutRetentionPolicy refuses the number of days.",
    remedy="Use 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or "
    "3653, or leave it out to keep them for ever.",
    source=_GROUP_TEMPLATE,
    types=(GROUP,),
)
def retention(group: Resource) -> Iterator[Fault]:
    days = integer(group.get("RetentionInDays"))
    if days is not None and days not in _RETENTIONS:
        yield Fault(at="RetentionInDays", message=f"{days} days")


def _place(resource: Resource) -> tuple[object, ...]:
    """Account and region; where one is not known the stack, as two stacks may then go to two places."""
    account, region = resource.stack.account, resource.stack.region
    return (account, region) if account and region else (resource.stack,)


@rule(
    "LOGS-107",
    constraint=107,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A log group is not made after the one that makes it itself",
    otherwise="The group exists already, with no retention: AlreadyExists, and the stack rolls back.",
    remedy="Name the group by a literal, and let the function, database or cluster depend on it.",
    source="https://github.com/aws/aws-cdk/issues/11549",
    types=(GROUP,),
    lacks=("DependsOn",),
)
def group_after_producer(group: Resource) -> Iterator[Fault]:
    name = group.get("LogGroupName")
    literal = name.value if isinstance(name.value, str) else name.value.literal if isinstance(name.value, Text) else ""
    for kind, prefix in _PRODUCERS.items():
        producer = _producer(name, kind, prefix) if literal.startswith(prefix) else None
        if producer is None or producer.stack is not group.stack or not _writes(producer, group, literal):
            continue
        if producer.logical_id in made_before(group):
            yield Fault(at="LogGroupName", message=f"{producer.logical_id}, made first, makes this group itself")


_PRODUCERS = {
    "AWS::Lambda::Function": "/aws/lambda/",
    "AWS::RDS::DBInstance": "/aws/rds/instance/",
    "AWS::RDS::DBCluster": "/aws/rds/cluster/",
    "AWS::EKS::Cluster": "/aws/eks/",
}


def _producer(name: Node, kind: str, prefix: str) -> Resource | None:
    """The resource of this type that a group's name contains, as a reference or by its own name."""
    if isinstance(name.value, Text):
        return target(name, kind)
    owner = str(name.value).removeprefix(prefix).split("/", 1)[0]
    return name.resource.stack.assembly.named(kind, owner)


def _writes(producer: Resource, group: Resource, literal: str) -> bool:
    """Whether the producer logs as soon as it is there; a function does when a custom resource may call it first."""
    if producer.type == "AWS::EKS::Cluster":
        return bool(entries(producer.get("Logging", "ClusterLogging", "EnabledTypes")))
    if producer.type != "AWS::Lambda::Function":
        return literal.rsplit("/", 1)[-1] in strings(producer.get("EnableCloudwatchLogsExports"))
    calls = [one for one in producer.referrers if target(one.get("ServiceToken")) is producer]
    return any(one.stack is not group.stack or group.logical_id not in made_before(one) for one in calls)


@rule(
    "LOGS-107b",
    constraint=107,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A region has one log group of a name",
    otherwise="The second one fails with AlreadyExists, and its stack rolls back.",
    remedy="Make the group once and refer to it, or leave the name out.",
    source="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
)
def same_name(assembly: Assembly) -> Iterator[Fault]:
    first: dict[tuple[object, ...], Resource] = {}
    for group in assembly.of_type(GROUP):
        name = text(group.get("LogGroupName"))
        if name is None:
            continue
        other = first.setdefault((*_place(group), name), group)
        if other is not group and not exclusive(other, group):
            yield Fault(at="LogGroupName", message=f"{name} is {other.construct_path} already", resource=group)


_POLICY_TYPES = ("AWS::Logs::ResourcePolicy", "Custom::CloudwatchLogResourcePolicy")


@rule(
    "LOGS-108",
    constraint=108,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An account has at most 10 log resource policies in a region",
    otherwise="PutResourcePolicy fails with LimitExceededException.",
    remedy="Allow several services, or all log groups, in one policy.",
    source=_QUOTAS,
)
def resource_policies(assembly: Assembly) -> Iterator[Fault]:
    count: Counter[tuple[object, ...]] = Counter()
    for policy in assembly.of_type(*_POLICY_TYPES):
        count[_place(policy)] += 1
        if count[_place(policy)] == 11:
            yield Fault(at="PolicyName", message="the eleventh log resource policy of its region", resource=policy)


@rule(
    "LOGS-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A log group has at most 2 subscription filters",
    otherwise="PutSubscriptionFilter fails with LimitExceededException.",
    remedy="Send to one stream and let its readers share it.",
    source=_QUOTAS,
)
def subscription_filters(assembly: Assembly) -> Iterator[Fault]:
    count: Counter[Resource] = Counter()
    for one in assembly.of_type("AWS::Logs::SubscriptionFilter"):
        group = target(one.get("LogGroupName"), GROUP)
        if group is None:
            continue
        count[group] += 1
        if count[group] == 3:
            yield Fault(at="LogGroupName", message=f"the third one on {group.construct_path}", resource=one)


@rule(
    "LOGS-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="Log groups of the class INFREQUENT_ACCESS take neither subscription nor metric filters",
    otherwise="The filter is refused; the class of a log group cannot be changed later.",
    remedy="Use the class STANDARD for what is filtered.",
    source=_CLASSES,
    types=("AWS::Logs::SubscriptionFilter", "AWS::Logs::MetricFilter"),
)
def filter_of_class(resource: Resource) -> Iterator[Fault]:
    group = target(resource.get("LogGroupName"), GROUP)
    if group is not None and text(group.get("LogGroupClass")) == "INFREQUENT_ACCESS":
        yield Fault(at="LogGroupName", message=f"a filter on {group.construct_path}, of class INFREQUENT_ACCESS")


@rule(
    "LOGS-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A metric filter has a default value or up to 3 dimensions, not both",
    otherwise="PutMetricFilter refuses the transformation.",
    remedy="Drop DefaultValue, or the dimensions.",
    source="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cloudwatch_log_metric_filter",
    types=("AWS::Logs::MetricFilter",),
)
def metric_filter(resource: Resource) -> Iterator[Fault]:
    for transformation in entries(resource.get("MetricTransformations")):
        dimensions = certain(transformation.get("Dimensions"))
        if dimensions and transformation.get("DefaultValue").present:
            yield Fault(at=transformation.path("DefaultValue"), message="a default value beside dimensions")
        if len(dimensions) > 3:
            yield Fault(at=transformation.path("Dimensions"), message=f"{len(dimensions)} dimensions")
