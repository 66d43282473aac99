"""S3 server access logs and event notifications: what their receivers must be."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.attachments import attached
from preflight.rules.s3 import BUCKET, encryption
from preflight.values import entries, target, text

_FUNCTION = "AWS::Lambda::Function"

_LOGGING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"


def _log_bucket(bucket: Resource) -> Resource | None:
    """Where a bucket's access logs go; without a destination into the bucket itself."""
    logging = bucket.get("LoggingConfiguration")
    if logging.absent:
        return None
    destination = logging.get("DestinationBucketName")
    return bucket if destination.absent else target(destination, BUCKET)


@rule(
    "S3-83",
    constraint=83,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A bucket for server access logs encrypts with SSE-S3",
    otherwise="The logs never arrive: their delivery does not work with default encryption by KMS.",
    remedy="Use AES256 on the bucket that takes the logs.",
    source=_LOGGING,
    types=(BUCKET,),
)
def log_bucket_encryption(bucket: Resource) -> Iterator[Fault]:
    logs = _log_bucket(bucket)
    algorithm = encryption(logs)[0] if logs is not None else None
    if logs is not None and algorithm is not None and algorithm.startswith("aws:kms"):
        message = f"{bucket.construct_path} logs to {logs.construct_path}, which encrypts with {algorithm}"
        yield Fault(at="BucketEncryption", message=message, resource=logs)


@rule(
    "S3-83b",
    constraint=83,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Server access logs stay in their region and account",
    otherwise="PutBucketLogging refuses a bucket of another region or account.",
    remedy="Make a log bucket in each region.",
    source=_LOGGING,
    types=(BUCKET,),
)
def log_bucket_region(bucket: Resource) -> Iterator[Fault]:
    logs = _log_bucket(bucket)
    if logs is None:
        return
    here, there = (bucket.stack.region, bucket.stack.account), (logs.stack.region, logs.stack.account)
    for own, other in zip(here, there, strict=True):
        if own and other and own != other:
            at = "LoggingConfiguration.DestinationBucketName"
            yield Fault(at=at, message=f"{logs.construct_path} is in {other}, the bucket in {own}")


@rule(
    "S3-83c",
    constraint=83,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A bucket for server access logs lets the logging service write",
    otherwise="The logs never arrive.",
    remedy="Allow logging.s3.amazonaws.com s3:PutObject in the log bucket's policy.",
    source=_LOGGING,
    lacks=("AWS::S3::BucketPolicy",),
)
def log_bucket_policy(assembly: Assembly) -> Iterator[Fault]:
    policies = attached(assembly, BUCKET, ("AWS::S3::BucketPolicy", "Bucket"))
    told: set[Resource] = set()
    for bucket in assembly.of_type(BUCKET):
        logs = _log_bucket(bucket)
        if logs is None or logs in told or not logs.get("AccessControl").absent:
            continue  # an access control list may let the log delivery group write
        if policies.refuse(logs, "s3:PutObject", "logging.s3.amazonaws.com"):
            told.add(logs)
            message = f"{bucket.construct_path} logs here, and no bucket policy allows logging.s3.amazonaws.com"
            yield Fault(at="BucketName", message=message, resource=logs)


@rule(
    "S3-83d",
    constraint=83,
    severity=Severity.SILENT,
    # The user guide has said so; AWS's own sample templates do it all the same.
    confidence=Confidence.BELIEVED,
    title="A bucket for server access logs has no default retention",
    otherwise="The logs never arrive: their delivery does not work with object lock's default retention.",
    remedy="Leave ObjectLockConfiguration.Rule out on the bucket that takes the logs.",
    source=_LOGGING,
    types=(BUCKET,),
)
def log_bucket_retention(bucket: Resource) -> Iterator[Fault]:
    logs = _log_bucket(bucket)
    if logs is not None and logs.get("ObjectLockConfiguration", "Rule", "DefaultRetention").present:
        message = f"{bucket.construct_path} logs to {logs.construct_path}"
        yield Fault(at="ObjectLockConfiguration.Rule.DefaultRetention", message=message, resource=logs)


_NOTIFIED = {
    "TopicConfigurations": ("Topic", "AWS::SNS::Topic", ("AWS::SNS::TopicPolicy", "Topics"), "sns:Publish"),
    "QueueConfigurations": ("Queue", "AWS::SQS::Queue", ("AWS::SQS::QueuePolicy", "Queues"), "sqs:SendMessage"),
}


@rule(
    "S3-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="What a bucket notifies lets S3 send to it",
    otherwise="S3 cannot validate the destination and refuses the notification configuration.",
    remedy="Allow s3.amazonaws.com in the policy of the queue or topic, or add a Lambda permission; let the bucket "
    "depend on it.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html",
    lacks=(
        "AWS::Lambda::Permission",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    ),
)
def notifications(assembly: Assembly) -> Iterator[Fault]:
    buckets = [bucket for bucket in assembly.of_type(BUCKET) if not bucket.get("NotificationConfiguration").absent]
    for key, (name, kind, where, action) in _NOTIFIED.items():
        policies = attached(assembly, kind, where)
        for bucket in buckets:
            for each in entries(bucket.get("NotificationConfiguration", key)):
                receiver = target(each.get(name), kind)
                if receiver is not None and policies.refuse(receiver, action, "s3.amazonaws.com"):
                    message = f"{receiver.construct_path} does not allow s3.amazonaws.com"
                    yield Fault(at=each.path(name), message=message, resource=bucket)
    permissions = attached(assembly, _FUNCTION, ("AWS::Lambda::Permission", "FunctionName"))
    for bucket in buckets:
        for each in entries(bucket.get("NotificationConfiguration", "LambdaConfigurations")):
            function = target(each.get("Function"), _FUNCTION)
            if function is None or permissions.unclear:
                continue
            principals = [text(one.get("Principal")) for one in permissions.of(function)]
            if not {None, "*", "s3.amazonaws.com"} & set(principals):
                message = f"no permission lets S3 invoke {function.construct_path}"
                yield Fault(at=each.path("Function"), message=message, resource=bucket)
