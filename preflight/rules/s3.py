"""S3 buckets: lifecycle rules, and what other S3 rules ask of a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.presence import certain
from preflight.values import Node, boolean, entries, integer, text

BUCKET = "AWS::S3::Bucket"

_RULE_TEMPLATE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html"
)
_TRANSITIONS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"
_LIFECYCLE_RULE = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html"

_COLDER = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
"""Storage classes in the order in which objects can pass through them."""

_ACTIONS = (
    "AbortIncompleteMultipartUpload",
    "ExpirationDate",
    "ExpirationInDays",
    "ExpiredObjectDeleteMarker",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionExpirationInDays",
    "NoncurrentVersionTransition",
    "NoncurrentVersionTransitions",
    "Transition",
    "Transitions",
)


def encryption(bucket: Resource) -> tuple[str | None, Node]:
    """The algorithm of the bucket's default encryption, and where its key is named."""
    node = bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault")
    return text(node.get("SSEAlgorithm")), node.get("KMSMasterKeyID")


def versioned(bucket: Resource) -> bool | None:
    """Whether a bucket keeps versions; object lock turns versioning on by itself."""
    if boolean(bucket.get("ObjectLockEnabled")):
        return True
    status = bucket.get("VersioningConfiguration", "Status")
    if status.absent:
        return False
    written = text(status)
    return None if written is None else written == "Enabled"


def _rules(bucket: Resource) -> list[Node]:
    return entries(bucket.get("LifecycleConfiguration", "Rules"))


def _transitions(each: Node, *, noncurrent: bool) -> list[Node]:
    one, many = "Transition", "Transitions"
    if noncurrent:
        one, many = "NoncurrentVersionTransition", "NoncurrentVersionTransitions"
    return entries(each.get(one)) + entries(each.get(many))


def _storage_class(transition: Node) -> str | None:
    written = text(transition.get("StorageClass"))
    return "GLACIER" if written == "Glacier" else written


@rule(
    "S3-82",
    constraint=82,
    severity=Severity.REFUSED,
    # The API reference of 2026 takes any day; that of CloudFormation, like S3 for years, wants 30.
    confidence=Confidence.BELIEVED,
    title="Objects go to Standard-IA and One Zone-IA after 30 days, not earlier",
    otherwise="S3 used to refuse the rule; where it takes it, each object is charged for 30 days all the same.",
    remedy="Set TransitionInDays to 30 or more, or use INTELLIGENT_TIERING or GLACIER_IR.",
    source=_TRANSITIONS,
    types=(BUCKET,),
)
def thirty_days(bucket: Resource) -> Iterator[Fault]:
    for each in _rules(bucket):
        for transition in _transitions(each, noncurrent=False) + _transitions(each, noncurrent=True):
            days = integer(transition.get("TransitionInDays"))
            if days is not None and days < 30 and _storage_class(transition) in ("STANDARD_IA", "ONEZONE_IA"):
                at = transition.path("TransitionInDays")
                yield Fault(at=at, message=f"to {_storage_class(transition)} after {days} days")


@rule(
    "S3-82b",
    constraint=82,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Objects expire after their last transition",
    otherwise="PutBucketLifecycleConfiguration refuses the rule.",
    remedy="Set the expiration to more days (or a later date) than every transition of the rule.",
    source=_RULE_TEMPLATE,
    types=(BUCKET,),
)
def expiry_last(bucket: Resource) -> Iterator[Fault]:
    for each in _rules(bucket):
        for transition in _transitions(each, noncurrent=False):
            yield from _not_after(each.get("ExpirationInDays"), transition.get("TransitionInDays"))
            yield from _not_after(each.get("ExpirationDate"), transition.get("TransitionDate"))
        for transition in _transitions(each, noncurrent=True):
            for keys in (("NoncurrentVersionExpiration", "NoncurrentDays"), ("NoncurrentVersionExpirationInDays",)):
                yield from _not_after(each.get(*keys), transition.get("TransitionInDays"))


def _not_after(expiry: Node, transition: Node) -> Iterator[Fault]:
    last, first = integer(expiry), integer(transition)
    if last is not None and first is not None:
        late = last > first
    elif isinstance(expiry.value, str) and isinstance(transition.value, str):
        late = expiry.value > transition.value  # ISO 8601 sorts as text
    else:
        return
    if not late:
        yield Fault(at=str(expiry), message=f"expires at {expiry.value}, moves at {transition.value}")


@rule(
    "S3-82c",
    constraint=82,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A lifecycle rule counts in days or in dates, not both",
    otherwise="PutBucketLifecycleConfiguration refuses the rule.",
    remedy="Use days throughout, or make two rules.",
    source=_RULE_TEMPLATE,
    types=(BUCKET,),
)
def days_or_dates(bucket: Resource) -> Iterator[Fault]:
    for each in _rules(bucket):
        transitions = _transitions(each, noncurrent=False)
        nodes = [each.get(key) for key in ("ExpirationInDays", "ExpirationDate")]
        nodes += [transition.get(key) for transition in transitions for key in ("TransitionInDays", "TransitionDate")]
        units = {str(node.keys[-1]).endswith("Date") for node in nodes if node.present}
        if len(units) > 1:
            yield Fault(at=str(each), message="days and dates in one rule")


@rule(
    "S3-82d",
    constraint=82,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Each transition of a rule goes to another, colder storage class",
    otherwise="PutBucketLifecycleConfiguration refuses the rule.",
    remedy="Order the transitions STANDARD_IA, INTELLIGENT_TIERING, ONEZONE_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE.",
    source=_TRANSITIONS,
    types=(BUCKET,),
)
def colder(bucket: Resource) -> Iterator[Fault]:
    for each in _rules(bucket):
        for noncurrent in (False, True):
            steps = []
            for transition in _transitions(each, noncurrent=noncurrent):
                kind, days = _storage_class(transition), integer(transition.get("TransitionInDays"))
                if kind in _COLDER and days is not None:
                    steps.append((_COLDER.index(kind), days, transition))
            steps.sort(key=lambda step: step[0])
            for (_, earlier, _), (_, later, transition) in pairwise(steps):
                if later < earlier:
                    message = f"to {_storage_class(transition)} on day {later}, to a warmer class on day {earlier}"
                    yield Fault(at=transition.path("TransitionInDays"), message=message)
            kinds = [step[0] for step in steps]
            if len(set(kinds)) < len(kinds):
                yield Fault(at=str(each), message="two transitions to one storage class")


@rule(
    "S3-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A lifecycle rule does something, for one day or more",
    otherwise="PutBucketLifecycleConfiguration refuses the rule.",
    remedy="Give the rule an expiration, a transition or AbortIncompleteMultipartUpload, and expirations of 1 day "
    "or more.",
    source=_LIFECYCLE_RULE,
    types=(BUCKET,),
)
def actions(bucket: Resource) -> Iterator[Fault]:
    for each in _rules(bucket):
        if isinstance(each.value, dict) and all(each.get(key).absent for key in _ACTIONS):
            yield Fault(at=str(each), message="a rule without an action")
        for keys in (
            ("ExpirationInDays",),
            ("NoncurrentVersionExpirationInDays",),
            ("NoncurrentVersionExpiration", "NoncurrentDays"),
            ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
        ):
            days = integer(each.get(*keys))
            if days is not None and days < 1:
                yield Fault(at=each.path(*keys), message=f"{days} days")


@rule(
    "S3-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Delete markers and incomplete uploads are cleared by rules of their own",
    otherwise="PutBucketLifecycleConfiguration refuses the rule.",
    remedy="Put ExpiredObjectDeleteMarker and AbortIncompleteMultipartUpload into a rule without tag filters, the "
    "first without ExpirationInDays and ExpirationDate too.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html",
    types=(BUCKET,),
)
def incompatible(bucket: Resource) -> Iterator[Fault]:
    for each in _rules(bucket):
        markers, tags = boolean(each.get("ExpiredObjectDeleteMarker")), certain(each.get("TagFilters"))
        if markers and (each.get("ExpirationInDays").present or each.get("ExpirationDate").present):
            yield Fault(at=each.path("ExpiredObjectDeleteMarker"), message="beside an expiration")
        if markers and tags:
            yield Fault(at=each.path("ExpiredObjectDeleteMarker"), message="in a rule by tag")
        if tags and each.get("AbortIncompleteMultipartUpload").present:
            yield Fault(at=each.path("AbortIncompleteMultipartUpload"), message="in a rule by tag")


@rule(
    "S3-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The ids of a bucket's lifecycle rules are unique and have 255 characters at most",
    otherwise="PutBucketLifecycleConfiguration refuses the configuration.",
    remedy="Rename one, or leave the ids out.",
    source=_LIFECYCLE_RULE,
    types=(BUCKET,),
)
def ids(bucket: Resource) -> Iterator[Fault]:
    seen: set[str] = set()
    for each in _rules(bucket):
        name = text(each.get("Id"))
        if name is None:
            continue
        if name in seen or len(name) > 255:
            yield Fault(at=each.path("Id"), message=f"id {name[:80]!r}, a second time or too long")
        seen.add(name)
