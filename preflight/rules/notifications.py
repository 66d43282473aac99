"""Who publishes to SNS topics, and whether the topic and its key let them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.attachments import attached
from preflight.rules.kms import aws_managed, customer_key, key_lets
from preflight.values import Node, boolean, entries, target, text

TOPIC = "AWS::SNS::Topic"

_KEYS = "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
_ACCESS = "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"

_CLOUDWATCH = "cloudwatch.amazonaws.com"
_NEEDS = ("kms:Decrypt", "kms:GenerateDataKey")

# A topic's default policy lets the account's own principals publish; CloudWatch and RDS publish as one of them.
_OUTSIDE_DEFAULT_POLICY = frozenset(
    {
        "backup.amazonaws.com",
        "budgets.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "codestar-notifications.amazonaws.com",
        "costalerts.amazonaws.com",
        "events.amazonaws.com",
        "s3.amazonaws.com",
    }
)
_NO_FIFO = frozenset({"backup.amazonaws.com", "events.rds.amazonaws.com", "s3.amazonaws.com"})


@dataclass(frozen=True)
class Publication:
    """A property that has an AWS service send to a topic."""

    service: str
    topic: Resource
    node: Node

    @property
    def publisher(self) -> Resource:
        return self.node.resource


def publications(assembly: Assembly) -> Iterator[Publication]:
    """Every topic of the assembly that a service is told to publish to."""
    for (kind, service), paths in _PUBLISHERS.items():
        for resource in assembly.of_type(kind):
            for path in paths:
                for node in _at(resource.get(), path):
                    topic = target(node, TOPIC)
                    if topic is not None:
                        yield Publication(service, topic, node)


_PUBLISHERS = {
    ("AWS::CloudWatch::Alarm", _CLOUDWATCH): ("AlarmActions.*", "OKActions.*", "InsufficientDataActions.*"),
    ("AWS::CloudWatch::CompositeAlarm", _CLOUDWATCH): ("AlarmActions.*", "OKActions.*", "InsufficientDataActions.*"),
    ("AWS::Events::Rule", "events.amazonaws.com"): ("Targets.*.Arn",),
    ("AWS::Budgets::Budget", "budgets.amazonaws.com"): ("NotificationsWithSubscribers.*.Subscribers.*.Address",),
    ("AWS::Budgets::BudgetsAction", "budgets.amazonaws.com"): ("Subscribers.*.Address",),
    ("AWS::CE::AnomalySubscription", "costalerts.amazonaws.com"): ("Subscribers.*.Address",),
    ("AWS::RDS::EventSubscription", "events.rds.amazonaws.com"): ("SnsTopicArn",),
    ("AWS::Backup::BackupVault", "backup.amazonaws.com"): ("Notifications.SNSTopicArn",),
    ("AWS::Backup::LogicallyAirGappedBackupVault", "backup.amazonaws.com"): ("Notifications.SNSTopicArn",),
    ("AWS::S3::Bucket", "s3.amazonaws.com"): ("NotificationConfiguration.TopicConfigurations.*.Topic",),
    ("AWS::CodeStarNotifications::NotificationRule", "codestar-notifications.amazonaws.com"): (
        "Targets.*.TargetAddress",
    ),
    ("AWS::CloudTrail::Trail", "cloudtrail.amazonaws.com"): ("SnsTopicName",),
    ("AWS::DMS::EventSubscription", "dms.amazonaws.com"): ("SnsTopicArn",),
}
"""Where each type of resource names its topics, and the principal that publishes for it; `*` is every element."""


def _at(node: Node, path: str) -> Iterator[Node]:
    nodes = [node]
    for key in path.split("."):
        nodes = [below for each in nodes for below in (entries(each) if key == "*" else [each.get(key)])]
    for found in nodes:
        # A rule target with a role of its own publishes as that role.
        if not (
            found.resource.type == "AWS::Events::Rule" and not found.resource.get(*found.keys[:-1], "RoleArn").absent
        ):
            yield found


def _barred_by_key(assembly: Assembly, *, cloudwatch: bool) -> Iterator[Fault]:
    """A topic whose key its publisher may not use: told at the key, or at the topic where AWS keeps the key."""
    told: set[tuple[Resource, str]] = set()
    for one in publications(assembly):
        if (one.service == _CLOUDWATCH) is not cloudwatch or (one.topic, one.service) in told:
            continue
        node = one.topic.get("KmsMasterKeyId")
        sends = f"{one.publisher.construct_path} publishes to {one.topic.construct_path} as {one.service}"
        if aws_managed(node, "sns"):
            told.add((one.topic, one.service))
            yield Fault(at=str(node), message=f"alias/aws/sns allows no service; {sends}", resource=one.topic)
        elif (key := customer_key(node)) is not None:
            missing = [action for action in _NEEDS if key_lets(key, action, one.service) is False]
            if missing:
                told.add((one.topic, one.service))
                message = f"{' and '.join(missing)} not allowed; {sends}"
                yield Fault(at="KeyPolicy", message=message, resource=key)


@rule(
    "SNS-98",
    constraint=98,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The key of a topic lets CloudWatch use it",
    otherwise="The alarm changes its state, and nobody is told: CloudWatch cannot publish to the encrypted topic.",
    remedy="Encrypt the topic with a key of yours whose policy allows cloudwatch.amazonaws.com kms:Decrypt and "
    "kms:GenerateDataKey*; alias/aws/sns cannot be given that.",
    source=_KEYS,
)
def alarms_reach_topics(assembly: Assembly) -> Iterator[Fault]:
    yield from _barred_by_key(assembly, cloudwatch=True)


@rule(
    "SNS-99",
    constraint=99,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The key of a topic lets each service use it that publishes there",
    otherwise="The notification is lost, or the source refuses the topic.",
    remedy="Allow the service kms:Decrypt and kms:GenerateDataKey* in the key's policy, with aws:SourceAccount; "
    "alias/aws/sns cannot be given that.",
    source=_KEYS,
)
def services_reach_topics(assembly: Assembly) -> Iterator[Fault]:
    yield from _barred_by_key(assembly, cloudwatch=False)


@rule(
    "SNS-100",
    constraint=100,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A topic's own policy lets each service publish that is told to",
    otherwise="A TopicPolicy replaces the default one; what it does not allow is not delivered.",
    remedy="Add a statement that allows the service sns:Publish, with aws:SourceAccount.",
    source=_ACCESS,
    lacks=("AWS::SNS::TopicPolicy",),
)
def topic_policies(assembly: Assembly) -> Iterator[Fault]:
    policies = attached(
        assembly, TOPIC, ("AWS::SNS::TopicPolicy", "Topics"), ("AWS::SNS::TopicInlinePolicy", "TopicArn")
    )
    told: set[tuple[Resource, str]] = set()
    for one in publications(assembly):
        own = policies.of(one.topic)
        if (one.topic, one.service) in told or (not own and one.service not in _OUTSIDE_DEFAULT_POLICY):
            continue
        if policies.refuse(one.topic, "sns:Publish", one.service):
            told.add((one.topic, one.service))
            message = (
                f"sns:Publish not allowed{'' if own else ', as the topic has no policy of its own'}; "
                f"{one.publisher.construct_path} publishes to {one.topic.construct_path} as {one.service}"
            )
            yield Fault(
                at="PolicyDocument" if own else "TopicName", message=message, resource=own[0] if own else one.topic
            )


@rule(
    "SNS-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="RDS, AWS Backup and S3 publish to standard topics only",
    otherwise="The subscription or notification is refused.",
    remedy="Use a standard topic; subscribe a queue to it where order matters.",
    source="https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-notifications.html",
)
def fifo_topics(assembly: Assembly) -> Iterator[Fault]:
    for one in publications(assembly):
        if one.service in _NO_FIFO and boolean(one.topic.get("FifoTopic")) is True:
            message = f"{one.topic.construct_path} is a FIFO topic"
            yield Fault(at=str(one.node), message=message, resource=one.publisher)


@rule(
    "SNS-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The name of a FIFO topic, and of no other one, ends with .fifo",
    otherwise="CreateTopic refuses the name.",
    remedy="Add .fifo to the name of a FIFO topic, or leave the name out.",
    source="https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
    types=(TOPIC,),
)
def fifo_name(topic: Resource) -> Iterator[Fault]:
    name, fifo = text(topic.get("TopicName")), topic.get("FifoTopic")
    is_fifo = False if fifo.absent else boolean(fifo)
    if name is not None and is_fifo is not None and name.endswith(".fifo") is not is_fifo:
        yield Fault(at="TopicName", message=f"name {name[:80]!r}, {'a FIFO' if is_fifo else 'no FIFO'} topic")
