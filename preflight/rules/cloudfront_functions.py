"""Functions at the edge: CloudFront functions and Lambda@Edge."""

from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.policies import allows
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.cloudfront import DISTRIBUTION, behaviors
from preflight.values import Node, Text, entries, integer, reference, strings, target, text

_API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_FUNCTION = "AWS::Lambda::Function"


@rule(
    "CDN-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function at the edge is named by a numbered version in us-east-1",
    otherwise="InvalidLambdaFunctionAssociation: the distribution is refused.",
    remedy="Publish an AWS::Lambda::Version in us-east-1 and pass its Ref, not the function, an alias or $LATEST.",
    source=_GUIDE + "lambda-at-edge-function-restrictions.html",
    types=(DISTRIBUTION,),
)
def edge_version(distribution: Resource) -> Iterator[Fault]:
    for node in _edge_functions(distribution):
        found = reference(node)
        if found is not None:
            region = found.resource.stack.region
            if found.resource.type in (_FUNCTION, "AWS::Lambda::Alias"):
                yield Fault(at=str(node), message=f"{found.resource.construct_path} is no numbered version")
            elif found.resource.type == "AWS::Lambda::Version" and region not in (None, "us-east-1"):
                yield Fault(at=str(node), message=f"{found.resource.construct_path} is in {region}")
            continue
        arn = None if isinstance(node.value, Text) else text(node)
        parts = arn.split(":") if arn else []
        if len(parts) > 6 and parts[2] == "lambda":
            if len(parts) != 8 or not parts[7].isdecimal():
                yield Fault(at=str(node), message=f"{arn} is no numbered version")
            elif parts[3] != "us-east-1":
                yield Fault(at=str(node), message=f"{arn} is in {parts[3]}")


def _edge_functions(distribution: Resource) -> Iterator[Node]:
    for behavior in behaviors(distribution):
        for association in entries(behavior.get("LambdaFunctionAssociations")):
            yield association.get("LambdaFunctionARN")


@rule(
    "CDN-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function at the edge has no environment, VPC, layers or arm64, and keeps to the limits of its event",
    otherwise="InvalidLambdaFunctionAssociation: the distribution is refused.",
    remedy="Build the settings into the code; at most 5 s and 128 MB for viewer events, 30 s for origin events; let "
    "edgelambda.amazonaws.com assume the role.",
    source=_GUIDE + "lambda-at-edge-function-restrictions.html",
    types=(DISTRIBUTION,),
)
def edge_restrictions(distribution: Resource) -> Iterator[Fault]:
    for behavior in behaviors(distribution):
        for association in entries(behavior.get("LambdaFunctionAssociations")):
            node = association.get("LambdaFunctionARN")
            version = target(node, "AWS::Lambda::Version")
            function = target(version.get("FunctionName"), _FUNCTION) if version is not None else None
            if function is None:
                continue
            event = text(association.get("EventType")) or ""
            for fault in _edge_faults(function, viewer=event.startswith("viewer-")):
                yield Fault(at=str(node), message=f"{function.construct_path}: {fault}")


def _edge_faults(function: Resource, *, viewer: bool) -> Iterator[str]:
    if entries(function.get("Environment", "Variables")) and function.get("Environment", "Variables").value != {}:
        yield "environment variables"
    if entries(function.get("VpcConfig", "SubnetIds")):
        yield "in a VPC"
    if entries(function.get("Layers")):
        yield "layers"
    if "arm64" in strings(function.get("Architectures")):
        yield "architecture arm64"
    if text(function.get("PackageType")) == "Image":
        yield "a container image"
    timeout, memory = integer(function.get("Timeout")), integer(function.get("MemorySize"))
    limit = 5 if viewer else 30
    if timeout is not None and timeout > limit:
        yield f"timeout of {timeout} s, at most {limit} s"
    if memory is not None and viewer and memory > 128:
        yield f"{memory} MB, at most 128 MB"
    role = target(function.get("Role"), "AWS::IAM::Role")
    if role is not None:
        trusted = allows(
            role.get("AssumeRolePolicyDocument"), action="sts:AssumeRole", service="edgelambda.amazonaws.com"
        )
        if trusted is False:
            yield "edgelambda.amazonaws.com may not assume its role"


@rule(
    "CDN-216",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A behavior has one function per event, and CloudFront functions at viewer events only",
    otherwise="InvalidFunctionAssociation: the distribution is refused.",
    remedy="Combine the functions of an event; at viewer events use either CloudFront functions or Lambda@Edge.",
    source=_API + "API_FunctionAssociation.html",
    types=(DISTRIBUTION,),
)
def edge_events(distribution: Resource) -> Iterator[Fault]:
    for behavior in behaviors(distribution):
        near = [text(each.get("EventType")) for each in entries(behavior.get("FunctionAssociations"))]
        far = [text(each.get("EventType")) for each in entries(behavior.get("LambdaFunctionAssociations"))]
        for event in near:
            if event is not None and not event.startswith("viewer-"):
                yield Fault(at=behavior.path("FunctionAssociations"), message=f"CloudFront function at {event}")
        for events, key in ((near, "FunctionAssociations"), (far, "LambdaFunctionAssociations")):
            for event, count in Counter(each for each in events if each).items():
                if count > 1:
                    yield Fault(at=behavior.path(key), message=f"{count} functions at {event}")
        if near and any(event and event.startswith("viewer-") for event in far):
            yield Fault(
                at=behavior.path("LambdaFunctionAssociations"),
                message="Lambda@Edge at a viewer event beside a CloudFront function",
            )
