"""CloudFront: origins and the keys behind them, certificates, log delivery, names that must be unique."""

from collections import defaultdict
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.policies import allows
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ordering import made_before
from preflight.rules.remembering import shared
from preflight.rules.support import bucket_policies, exclusive, policies_unclear
from preflight.values import Node, Text, boolean, entries, is_unknown, reference, target, text

DISTRIBUTION = "AWS::CloudFront::Distribution"
_BUCKET = "AWS::S3::Bucket"
_KEY = "AWS::KMS::Key"
_SOURCE = "AWS::Logs::DeliverySource"
_DELIVERY = "AWS::Logs::Delivery"
_CERTIFICATE = "AWS::CertificateManager::Certificate"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_NAMED = {
    "AWS::CloudFront::CachePolicy": ("CachePolicyConfig", "Name"),
    "AWS::CloudFront::Function": ("Name",),
    "AWS::CloudFront::KeyGroup": ("KeyGroupConfig", "Name"),
    "AWS::CloudFront::KeyValueStore": ("Name",),
    "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig", "Name"),
    "AWS::CloudFront::OriginRequestPolicy": ("OriginRequestPolicyConfig", "Name"),
    "AWS::CloudFront::PublicKey": ("PublicKeyConfig", "Name"),
    "AWS::CloudFront::RealtimeLogConfig": ("Name",),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig", "Name"),
    "AWS::CloudFront::VpcOrigin": ("VpcOriginEndpointConfig", "Name"),
}


def config(distribution: Resource) -> Node:
    return distribution.get("DistributionConfig")


def behaviors(distribution: Resource) -> list[Node]:
    """The default cache behavior, then the others."""
    default = config(distribution).get("DefaultCacheBehavior")
    return [*([] if default.absent else [default]), *entries(config(distribution).get("CacheBehaviors"))]


def _controlled_buckets(distribution: Resource) -> Iterator[tuple[Node, Resource]]:
    """Origins that are buckets of the assembly behind an origin access control."""
    for origin in entries(config(distribution).get("Origins")):
        control = origin.get("OriginAccessControlId")
        bucket = _bucket(origin.get("DomainName"))
        if bucket is not None and not control.absent and control.value != "":
            yield origin, bucket


def _bucket(domain: Node) -> Resource | None:
    """The bucket of the assembly that a domain name belongs to."""
    value = domain.value
    if isinstance(value, str):
        value = value.split(".s3", 1)[0]
    elif isinstance(value, Text):
        value = value.before(".s3")
    return target(Node(domain.resource, domain.keys, value), _BUCKET)


@rule(
    "CDN-85",
    constraint=85,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The key of a bucket behind an origin access control lets CloudFront decrypt",
    otherwise="The distribution deploys, and answers 403 for every object of the bucket.",
    remedy="Use a customer managed key whose policy allows cloudfront.amazonaws.com kms:Decrypt (kms:GenerateDataKey* "
    "for uploads), with AWS:SourceArn of the distribution.",
    source=_GUIDE + "private-content-restricting-access-to-s3.html",
    types=(DISTRIBUTION,),
)
def key_for_cloudfront(distribution: Resource) -> Iterator[Fault]:
    for origin, bucket in _controlled_buckets(distribution):
        for each in entries(bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration")):
            default = each.get("ServerSideEncryptionByDefault")
            if text(default.get("SSEAlgorithm")) not in ("aws:kms", "aws:kms:dsse"):
                continue
            place = default.get("KMSMasterKeyID")
            key = target(place, _KEY) or _behind_alias(place)
            known = None if reference(place) is not None or place.absent else text(place)
            if place.absent or (known is not None and known.endswith("alias/aws/s3")):
                message = f"{bucket.construct_path} is encrypted with the key aws/s3, whose policy cannot be changed"
                yield Fault(at=str(origin), message=message)
            elif key is not None and not _rewritten(key) and not _allowed(key.get("KeyPolicy"), "kms:Decrypt"):
                message = f"key {key.construct_path} of {bucket.construct_path} does not let CloudFront decrypt"
                yield Fault(at=str(origin), message=message)


def _behind_alias(place: Node) -> Resource | None:
    alias = target(place, "AWS::KMS::Alias")
    return target(alias.get("TargetKeyId"), _KEY) if alias is not None else None


def _rewritten(key: Resource) -> bool:
    """Whether a custom resource works on the key: some add CloudFront to its policy, to avoid a cycle."""
    return any(each.type.startswith(("Custom::", "AWS::CloudFormation::CustomResource")) for each in key.referrers)


def _allowed(document: Node, action: str) -> bool:
    """Whether CloudFront may do it, or might: what is not decided counts as allowed."""
    return allows(document, action=action, service="cloudfront.amazonaws.com") is not False


@rule(
    "CDN-85b",
    constraint=85,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="The policy of a bucket behind an origin access control lets CloudFront read",
    otherwise="The distribution deploys, and answers 403 for every object of the bucket.",
    remedy="Allow cloudfront.amazonaws.com s3:GetObject on the objects, with AWS:SourceArn of the distribution.",
    source=_GUIDE + "private-content-restricting-access-to-s3.html",
    types=(DISTRIBUTION,),
    lacks=("AWS::S3::BucketPolicy",),
)
def bucket_for_cloudfront(distribution: Resource) -> Iterator[Fault]:
    for origin, bucket in _controlled_buckets(distribution):
        if not _readable(bucket):
            yield Fault(at=str(origin), message=f"no policy of {bucket.construct_path} lets CloudFront read")


@shared
def _readable(bucket: Resource) -> bool:
    policies = bucket_policies(bucket)
    allowed = any(_allowed(policy.get("PolicyDocument"), "s3:GetObject") for policy in policies)
    return allowed or (not policies and policies_unclear(bucket))


@rule(
    "CDN-85c",
    constraint=85,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A bucket's website endpoint is not behind an origin access control",
    otherwise="The website endpoint takes no signed requests: CloudFront refuses the origin, or viewers get 403.",
    remedy="Use the bucket's regional domain name as S3 origin, or leave the access control out.",
    source=_GUIDE + "private-content-restricting-access-to-s3.html",
    types=(DISTRIBUTION,),
)
def no_website_endpoint(distribution: Resource) -> Iterator[Fault]:
    for origin in entries(config(distribution).get("Origins")):
        domain, control = origin.get("DomainName"), origin.get("OriginAccessControlId")
        literal = domain.value.literal if isinstance(domain.value, Text) else domain.value
        website = isinstance(literal, str) and ".s3-website" in literal
        if isinstance(domain.value, Text):
            website = website or any(each.attribute == "WebsiteURL" for each in domain.value.references)
        if not control.absent and control.value != "" and website:
            yield Fault(at=origin.path("OriginAccessControlId"), message="access control on a website endpoint")


@rule(
    "CDN-88",
    constraint=88,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A distribution's certificate is in us-east-1",
    otherwise="InvalidViewerCertificate: the distribution is refused.",
    remedy="Request the certificate in a stack of us-east-1 and pass its ARN.",
    source=_GUIDE + "cnames-and-https-requirements.html",
    types=(DISTRIBUTION,),
)
def certificate_region(distribution: Resource) -> Iterator[Fault]:
    node = config(distribution).get("ViewerCertificate", "AcmCertificateArn")
    certificate = target(node, _CERTIFICATE)
    if certificate is not None:
        region = certificate.stack.region
    elif reference(node) is not None:
        return
    else:
        literal = node.value.literal if isinstance(node.value, Text) else text(node) or ""
        parts = literal.split(":")
        region = parts[3] if len(parts) > 5 and parts[2] == "acm" and "\0" not in parts[3] else None
    if region and region != "us-east-1" and not region.startswith("cn-"):
        yield Fault(at=str(node), message=f"certificate in {region}")


@rule(
    "CDN-88b",
    constraint=88,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A certificate's validation record is made by the stack itself",
    otherwise="The stack waits, for up to 72 hours, until somebody creates the record or answers the mail.",
    remedy="Use DNS validation with HostedZoneId in DomainValidationOptions, in a zone that is already delegated.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-resource-certificatemanager-certificate.html",
    types=(_CERTIFICATE,),
)
def validation_record(certificate: Resource) -> Iterator[Fault]:
    # Certificates of a private authority are not validated.
    if not certificate.get("CertificateAuthorityArn").absent or is_unknown(certificate.get("ValidationMethod")):
        return
    options = certificate.get("DomainValidationOptions")
    if text(certificate.get("ValidationMethod")) != "DNS":
        yield Fault(at="ValidationMethod", message="validated by mail")
    elif not is_unknown(options) and not any(not each.get("HostedZoneId").absent for each in entries(options)):
        yield Fault(at="DomainValidationOptions", message="validated by a record that the stack does not make")


def _of_cloudfront(source: Resource) -> bool:
    node = source.get("ResourceArn")
    literal = node.value.literal if isinstance(node.value, Text) else node.value
    written = isinstance(literal, str) and ":cloudfront:" in literal
    return written or target(node, DISTRIBUTION) is not None


@rule(
    "CDN-89",
    constraint=89,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The delivery of a distribution's logs is set up in us-east-1",
    otherwise="PutDeliverySource is not supported for the resource in the region: the stack rolls back.",
    remedy="Put DeliverySource, DeliveryDestination and Delivery into a stack of us-east-1.",
    source=_GUIDE + "standard-logging.html",
    types=(_SOURCE, _DELIVERY),
)
def delivery_region(resource: Resource) -> Iterator[Fault]:
    region = resource.stack.region
    if region is None or region == "us-east-1" or region.startswith("cn-"):
        return
    if resource.type == _SOURCE:
        source, at = resource, "ResourceArn"
    else:
        found = target(resource.get("DeliverySourceName"), _SOURCE)
        if found is None:
            return
        source, at = found, "DeliverySourceName"
    if _of_cloudfront(source):
        yield Fault(at=at, message=f"log delivery of a distribution in {region}")


@rule(
    "CDN-89b",
    constraint=89,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A delivery is made after the source and destination that it joins",
    otherwise="ResourceNotFoundException, when CloudFormation makes the delivery first.",
    remedy="Pass the source by Ref, or let the delivery depend on it (DependsOn).",
    source="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateDelivery.html",
    types=(_DELIVERY,),
    lacks=("DependsOn",),
)
def delivery_after_source(delivery: Resource) -> Iterator[Fault]:
    before = made_before(delivery)
    for key, kind in (("DeliverySourceName", _SOURCE), ("DeliveryDestinationArn", "AWS::Logs::DeliveryDestination")):
        part = target(delivery.get(key), kind)
        if part is not None and part.stack is delivery.stack and part.logical_id not in before:
            yield Fault(at=key, message=f"does not depend on {part.construct_path}")


@rule(
    "CDN-90",
    constraint=90,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An alternate domain name belongs to one distribution",
    otherwise="CNAMEAlreadyExists: the second distribution is refused, even in another account.",
    remedy="Give each distribution names of its own; no distribution with an alias per preview.",
    source="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateDistribution.html",
)
def unique_aliases(assembly: Assembly) -> Iterator[Fault]:
    owners: dict[str, Resource] = {}
    for distribution in assembly.of_type(DISTRIBUTION):
        # A staging distribution takes over the aliases of its primary one.
        if boolean(config(distribution).get("Staging")):
            continue
        for key in ("Aliases", "CNAMEs"):
            for node in entries(config(distribution).get(key)):
                alias = text(node)
                if not alias:
                    continue
                owner = owners.setdefault(alias.lower(), distribution)
                if owner is not distribution and not exclusive(owner, distribution):
                    message = f"{alias} already belongs to {owner.construct_path}"
                    yield Fault(at=str(node), message=message, resource=distribution)


@rule(
    "CDN-90b",
    constraint=90,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Policies, functions, key groups and access controls of CloudFront have names of their own in an account",
    otherwise="CachePolicyAlreadyExists and the like: the second one is refused, in whatever region its stack is.",
    remedy="Derive the name from the stack's name or, with CDK, leave it to CDK.",
    source="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateCachePolicy.html",
)
def unique_names(assembly: Assembly) -> Iterator[Fault]:
    for kind, keys in _NAMED.items():
        owners: defaultdict[tuple[str, str], list[Resource]] = defaultdict(list)
        for resource in assembly.of_type(kind):
            name = text(resource.get(*keys))
            if name:
                # Stacks without a known account may go to different ones.
                account = resource.stack.account or f"stack {resource.stack.name}"
                owners[account, name].append(resource)
        for (_, name), same in owners.items():
            for other in same[1:]:
                if not exclusive(same[0], other):
                    message = f"name {name} is already that of {same[0].construct_path}"
                    yield Fault(at=".".join(keys), message=message, resource=other)
