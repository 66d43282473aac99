"""Distributions themselves: behaviors, origins, aliases and legacy logging."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.cloudfront import DISTRIBUTION, behaviors, config
from preflight.values import Reference, Text, entries, integer, is_unknown, strings, target, text

_API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_FUNCTION = "AWS::Lambda::Function"


@rule(
    "CDN-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The members of an origin group are origins of the distribution",
    otherwise="NoSuchOrigin: the distribution is refused.",
    remedy="Name the Id of an origin.",
    source=_API + "API_OriginGroup.html",
    types=(DISTRIBUTION,),
)
def group_members(distribution: Resource) -> Iterator[Fault]:
    origins = entries(config(distribution).get("Origins"))
    names = [text(origin.get("Id")) for origin in origins]
    if None in names or is_unknown(config(distribution).get("Origins")):
        return
    for group in entries(config(distribution).get("OriginGroups", "Items")):
        for member in entries(group.get("Members", "Items")):
            name = text(member.get("OriginId"))
            if name is not None and name not in names:
                yield Fault(at=member.path("OriginId"), message=f"no origin {name}")


@rule(
    "CDN-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A distribution with alternate domain names has a certificate of its own",
    otherwise="InvalidViewerCertificate: an alternate domain name needs a certificate that covers it.",
    remedy="Set ViewerCertificate.AcmCertificateArn (in us-east-1), or remove Aliases.",
    source=_GUIDE + "CNAMEs.html",
    types=(DISTRIBUTION,),
)
def aliases_need_certificate(distribution: Resource) -> Iterator[Fault]:
    certificate = config(distribution).get("ViewerCertificate")
    aliases = strings(config(distribution).get("Aliases")) + strings(config(distribution).get("CNAMEs"))
    if not any(aliases) or is_unknown(certificate):
        return
    if all(certificate.get(key).absent for key in ("AcmCertificateArn", "IamCertificateId")):
        yield Fault(at="DistributionConfig.ViewerCertificate", message=f"{aliases[0]} without a certificate for it")


@rule(
    "CDN-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A behavior allows and caches one of CloudFront's sets of methods",
    otherwise="InvalidArgument: the distribution is refused.",
    remedy="GET, HEAD; or GET, HEAD, OPTIONS; or (to allow, not to cache) all seven.",
    source=_API + "API_AllowedMethods.html",
    types=(DISTRIBUTION,),
)
def methods(distribution: Resource) -> Iterator[Fault]:
    for behavior in behaviors(distribution):
        for key, sets in _METHODS.items():
            node = behavior.get(key)
            if node.known and set(strings(node)) not in sets:
                yield Fault(at=str(node), message=f"{key} are {', '.join(strings(node)) or 'none'}")


_READ = {"GET", "HEAD"}
_WITH_OPTIONS = _READ | {"OPTIONS"}
_METHODS = {
    "AllowedMethods": (_READ, _WITH_OPTIONS, _WITH_OPTIONS | {"PUT", "PATCH", "POST", "DELETE"}),
    "CachedMethods": (_READ, _WITH_OPTIONS),
}


@rule(
    "CDN-206",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A behavior has either a cache policy or ForwardedValues",
    otherwise="InvalidArgument: the distribution is refused.",
    remedy="Set CachePolicyId, and remove ForwardedValues, MinTTL, DefaultTTL and MaxTTL.",
    source=_API + "API_DefaultCacheBehavior.html",
    types=(DISTRIBUTION,),
)
def cache_policy(distribution: Resource) -> Iterator[Fault]:
    for behavior in behaviors(distribution):
        policy, values = behavior.get("CachePolicyId"), behavior.get("ForwardedValues")
        if is_unknown(behavior):
            continue
        if policy.absent or policy.value == "":
            if values.absent:
                yield Fault(at=str(behavior), message="neither CachePolicyId nor ForwardedValues")
        elif not values.absent:
            yield Fault(at=str(values), message="ForwardedValues beside CachePolicyId")


@rule(
    "CDN-208",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A distribution's comment is at most 128 characters, the name of an access control at most 64",
    otherwise="InvalidArgument: the distribution or access control is refused.",
    remedy="Shorten the comment or the name.",
    source=_API + "API_DistributionConfig.html",
    types=(DISTRIBUTION, "AWS::CloudFront::OriginAccessControl"),
)
def text_lengths(resource: Resource) -> Iterator[Fault]:
    if resource.type == DISTRIBUTION:
        node, limit = config(resource).get("Comment"), 128
    else:
        node, limit = resource.get("OriginAccessControlConfig", "Name"), 64
    known = node.value.literal.replace("\0", "") if isinstance(node.value, Text) else text(node)
    if known is not None and len(known) > limit:
        yield Fault(at=str(node), message=f"{len(known)} characters")


@rule(
    "CDN-209",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Ports, timeouts and attempts of an origin are in CloudFront's ranges",
    otherwise="InvalidArgument: the distribution or VPC origin is refused.",
    remedy="Ports 80, 443 or 1024 to 65535; response and keep-alive timeouts 1 to 120 s, connections 1 to 10 s, "
    "attempts 1 to 3.",
    source=_API + "API_CustomOriginConfig.html",
    types=(DISTRIBUTION, "AWS::CloudFront::VpcOrigin"),
)
def origin_numbers(resource: Resource) -> Iterator[Fault]:
    holders = [resource.get("VpcOriginEndpointConfig")]
    if resource.type == DISTRIBUTION:
        origins = entries(config(resource).get("Origins"))
        holders = [*origins]
        for origin in origins:
            holders += [origin.get(key) for key in ("CustomOriginConfig", "VpcOriginConfig", "S3OriginConfig")]
    for holder in holders:
        for key, (low, high) in _NUMBERS.items():
            number = integer(holder.get(key))
            port = key.endswith("Port")
            if number is not None and not (low <= number <= high or (port and number in (80, 443))):
                yield Fault(at=holder.path(key), message=f"{key} is {number}")


_NUMBERS = {
    "HTTPPort": (1024, 65535),
    "HTTPSPort": (1024, 65535),
    "OriginReadTimeout": (1, 120),
    "OriginKeepaliveTimeout": (1, 120),
    "ConnectionAttempts": (1, 3),
    "ConnectionTimeout": (1, 10),
}


@rule(
    "CDN-210",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An origin has one of S3OriginConfig, CustomOriginConfig and VpcOriginConfig",
    otherwise="InvalidOrigin: the distribution is refused.",
    remedy="S3OriginConfig (with an empty OriginAccessIdentity beside an access control) for a bucket, "
    "CustomOriginConfig for a web server, VpcOriginConfig for a VPC origin.",
    source=_API + "API_Origin.html",
    types=(DISTRIBUTION,),
)
def one_origin_config(distribution: Resource) -> Iterator[Fault]:
    for origin in entries(config(distribution).get("Origins")):
        given = [key for key in _ORIGIN_CONFIGS if not origin.get(key).absent]
        if not is_unknown(origin) and len(given) != 1:
            yield Fault(at=str(origin), message=f"{' and '.join(given) or 'none of them'}")


_ORIGIN_CONFIGS = ("S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig")


@rule(
    "CDN-213",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="Legacy access logs go to the domain name of a bucket that allows ACLs",
    otherwise="The S3 bucket that you specified for CloudFront logs does not enable ACL access: the distribution is "
    "refused.",
    remedy="Set OwnershipControls of the bucket to BucketOwnerPreferred and pass its RegionalDomainName, or use log "
    "deliveries instead.",
    source="https://github.com/aws/aws-cdk/issues/25291",
    types=(DISTRIBUTION,),
)
def legacy_log_bucket(distribution: Resource) -> Iterator[Fault]:
    node = config(distribution).get("Logging", "Bucket")
    bucket = target(node, "AWS::S3::Bucket")
    if bucket is None:
        return
    if isinstance(node.value, Reference) and node.value.attribute == "Ref":
        yield Fault(at=str(node), message="the bucket's name, where its domain name is needed")
    rules = bucket.get("OwnershipControls", "Rules")
    owned = [text(each.get("ObjectOwnership")) for each in entries(rules)]
    # Without OwnershipControls a new bucket has ACLs disabled; a canned ACL would itself be refused then.
    if not is_unknown(bucket.get("OwnershipControls")) and all(each == "BucketOwnerEnforced" for each in owned):
        yield Fault(at=str(node), message=f"{bucket.construct_path} has ACLs disabled")
