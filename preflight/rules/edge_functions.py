"""Lambda@Edge: what keeps a function from being associated with a CloudFront distribution."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.values import Node, entries, reference, target, text

FUNCTION = ("AWS::Lambda::Function",)
EDGE_SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html"
)


@rule(
    "LAMBDA-209",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function at the edge is in us-east-1, on x86-64, without variables, VPC, layers or dead letters",
    otherwise="CloudFront refuses the association, and the distribution rolls back.",
    remedy="Make the function in a us-east-1 stack without these settings, and associate a numbered version of it.",
    source=EDGE_SOURCE,
    types=("AWS::CloudFront::Distribution",),
)
def function_at_the_edge(distribution: Resource) -> Iterator[Fault]:
    configuration = distribution.get("DistributionConfig")
    for behavior in [configuration.get("DefaultCacheBehavior"), *entries(configuration.get("CacheBehaviors"))]:
        for association in entries(behavior.get("LambdaFunctionAssociations")):
            arn = association.get("LambdaFunctionARN")
            function, faults = edge_function(arn)
            for fault in faults:
                named = f"{function.construct_path if function else 'the function'} {fault}"
                yield Fault(at=str(arn), message=named)


def edge_function(arn: Node) -> tuple[Resource | None, list[str]]:
    """The function of an association, where it is in the assembly, and all that keeps it from the edge."""
    faults: list[str] = []
    parts = arn.value.split(":") if isinstance(arn.value, str) else []
    if len(parts) > 5 and parts[3] != "us-east-1":
        faults.append(f"is in {parts[3]}")
    if (len(parts) > 5 and not parts[-1].isdecimal()) or (reference(arn) and target(arn, *FUNCTION) is not None):
        faults.append("is associated without a version")
    version = target(arn, "AWS::Lambda::Version")
    function = target(version.get("FunctionName"), *FUNCTION) if version else target(arn, *FUNCTION)
    if function is None:
        return None, faults
    if function.stack.region not in {"us-east-1", None} and not parts:
        faults.append(f"is in {function.stack.region}")
    if [text(entry) for entry in entries(function.get("Architectures"))] == ["arm64"]:
        faults.append("runs on arm64")
    if text(function.get("TracingConfig", "Mode")) == "Active":
        faults.append("is traced by X-Ray")
    return function, faults + [f"has {words}" for keys, words in EDGE_EXCLUDED if present(function.get(*keys))]


def present(node: Node) -> bool:
    return not node.absent and node.value not in ([], {}, "", None)


EDGE_EXCLUDED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("Environment", "Variables"), "environment variables"),
    (("VpcConfig", "SubnetIds"), "a VPC"),
    (("Layers",), "layers"),
    (("DeadLetterConfig", "TargetArn"), "a dead letter queue"),
    (("FileSystemConfigs",), "a file system"),
    (("Code", "ImageUri"), "a container image"),
)
