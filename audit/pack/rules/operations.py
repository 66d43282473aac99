"""Alarms, logs, scaling and tags: what whoever runs the platform relies on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audit.pack.rule import Breach, rule
from preflight.assembly import Assembly, Resource
from preflight.values import Text, entries, integer, strings, target, text

_RUNBOOK = re.compile(r"\S*runbooks/[a-z0-9-]+\.md")
_TAGS = ("Environment", "Project")
_TAGGED = (
    "AWS::Backup::BackupVault",
    "AWS::CloudFront::Distribution",
    "AWS::CodeBuild::Project",
    "AWS::CodePipeline::Pipeline",
    "AWS::DynamoDB::Table",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::ECR::Repository",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
    "AWS::WAFv2::WebACL",
)
_PRIVATE_HEADERS = ("authorization", "cookie")
_PRIVATE_FIELDS = ("cs(Cookie)", "cs-uri-query", "cs-headers")


@rule(
    "AlarmHasRunbook",
    title="Every alarm says which runbook to open",
    why="Whoever is woken up loses the first minutes to finding out what the alarm means",
    remedy="Name the page of docs/runbooks in the alarm's description.",
    controls=("IR-4", "IR-8"),
)
def alarms_have_runbooks(assembly: Assembly) -> Iterator[Breach]:
    for alarm in assembly.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        if _only_scales(alarm):
            continue
        description = alarm.get("AlarmDescription").value
        written = description.literal if isinstance(description, Text) else str(description)
        if not _RUNBOOK.search(written):
            yield Breach(resource=alarm, message="Its description names no runbook", at="AlarmDescription")


def _only_scales(alarm: Resource) -> bool:
    """Whether all that it does is to move a scaling policy: nobody hears of it."""
    acts = [node for key in ("AlarmActions", "OKActions") for node in entries(alarm.get(key))]
    return bool(acts) and all(target(node, "AWS::ApplicationAutoScaling::ScalingPolicy") for node in acts)


@rule(
    "NoDesiredCount",
    title="A service that is scaled automatically has no desired count in the template",
    why="Each deploy would set the number of tasks back, in the middle of the day's load as well",
    remedy="Leave DesiredCount out, and let MinCapacity and MaxCapacity bound the service.",
    controls=("CM-2", "CP-2(2)"),
)
def no_desired_count(assembly: Assembly) -> Iterator[Breach]:
    scaled = {
        target(scalable.get("ResourceId"), "AWS::ECS::Service")
        for scalable in assembly.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    }
    for service in assembly.of_type("AWS::ECS::Service"):
        if service in scaled and not service.get("DesiredCount").absent:
            yield Breach(resource=service, message="It is scaled, and says how many tasks run", at="DesiredCount")


@rule(
    "LogGroupRetention",
    title="Every log group says how long its logs are kept",
    why="CloudWatch keeps logs for ever by default: they cost more each month, and hold what users may ask to be gone",
    remedy="Set RetentionInDays.",
    controls=("AU-11", "SI-12"),
)
def log_groups_have_retention(assembly: Assembly) -> Iterator[Breach]:
    for group in assembly.of_type("AWS::Logs::LogGroup"):
        if not integer(group.get("RetentionInDays")):
            yield Breach(resource=group, message="Its logs are kept for ever", at="RetentionInDays")


@rule(
    "LogsRedacted",
    title="Logs of requests leave out what opens an account",
    why="Sessions, tokens and signed URLs in a log are as good as a password for whoever reads it",
    remedy="Redact the headers authorization and cookie in WAF's logs; deliver neither cookies nor query strings of "
    "CloudFront.",
    controls=("AU-3(3)", "SC-28"),
)
def logs_redacted(assembly: Assembly) -> Iterator[Breach]:
    for logging in assembly.of_type("AWS::WAFv2::LoggingConfiguration"):
        names = {
            (text(field.get("SingleHeader", "Name")) or "").lower() for field in entries(logging.get("RedactedFields"))
        }
        if missing := [name for name in _PRIVATE_HEADERS if name not in names]:
            message = f"It logs the headers {', '.join(missing)}"
            yield Breach(resource=logging, message=message, at="RedactedFields")
    for delivery in assembly.of_type("AWS::Logs::Delivery"):
        shown = [field for field in strings(delivery.get("RecordFields")) if field in _PRIVATE_FIELDS]
        if shown:
            message = f"It delivers {', '.join(shown)}"
            yield Breach(resource=delivery, message=message, at="RecordFields")


@rule(
    "TagsPresent",
    title="Everything that can be tagged says whose it is",
    why="Costs cannot be told apart, and rights that are tied to a tag do not hold for it",
    remedy="Tag the app: cdk.Tags.of(app).add for Project and Environment.",
    controls=("CM-8",),
)
def tags_present(assembly: Assembly) -> Iterator[Breach]:
    for resource in assembly.of_type(*_TAGGED):
        names = _tag_names(resource)
        if missing := [name for name in _TAGS if name not in names]:
            yield Breach(resource=resource, message=f"It has no tag {', '.join(missing)}", at="Tags")


def _tag_names(resource: Resource) -> set[str]:
    for key in ("Tags", "BackupVaultTags"):
        value = resource.get(key).value
        if isinstance(value, dict):
            return set(value)
        if isinstance(value, list):
            return {str(one.get("Key")) for one in value if isinstance(one, dict)}
    return set()
