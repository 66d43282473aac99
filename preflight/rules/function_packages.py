"""Lambda: what a function is made of, and that it is where the function is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.functions import FUNCTION
from preflight.values import Node, entries, is_unknown, text

REGION_OF_ARN = re.compile(r"arn:aws[a-z-]*:(?:lambda|sqs|sns|kms):([a-z0-9-]+):")
REGION_OF_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")


def region_of(node: Node) -> str | None:
    """The region that a literal ARN or image names."""
    written = node.value
    if not isinstance(written, str):
        return None
    found = REGION_OF_ARN.match(written) or REGION_OF_IMAGE.match(written)
    return found[1] if found else None


@rule(
    "LAMBDA-210",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function's layers, image, key and dead letters are in its region",
    otherwise="Lambda refuses the function.",
    remedy="Use what is in the function's own region, or copy it there.",
    source="https://docs.aws.amazon.com/lambda/latest/dg/images-create.html",
    types=FUNCTION,
)
def parts_in_another_region(function: Resource) -> Iterator[Fault]:
    here = function.stack.region
    parts = [
        *entries(function.get("Layers")),
        function.get("Code", "ImageUri"),
        function.get("KmsKeyArn"),
        function.get("DeadLetterConfig", "TargetArn"),
    ]
    for node in parts:
        there = region_of(node)
        if here and there and here != there:
            yield Fault(at=str(node), message=f"is in {there}, the function in {here}")


@rule(
    "LAMBDA-211",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A function is made of one kind of package, and mounts file systems in a VPC only",
    otherwise="Lambda refuses the function.",
    remedy="Use an image with ImageConfig, or an archive with runtime, handler and layers; add VpcConfig for mounts.",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
    types=FUNCTION,
)
def mixed_package(function: Resource) -> Iterator[Fault]:
    code = function.get("Code")
    if is_unknown(code):
        return
    image = not code.get("ImageUri").absent
    archives = [key for key in ("ZipFile", "S3Bucket") if not code.get(key).absent]
    kind = text(function.get("PackageType"))
    if image and archives:
        yield Fault(at="Code", message=f"an image together with {archives[0]}")
    if len(archives) == 2:
        yield Fault(at="Code", message="inline code together with an archive in S3")
    if not function.get("ImageConfig").absent and not image and kind in {"Zip", None}:
        yield Fault(at="ImageConfig", message="the configuration of an image for an archive")
    if image and kind == "Zip":
        yield Fault(at="PackageType", message="an image in a function of the package type Zip")
    if not image and archives and kind == "Image":
        yield Fault(at="PackageType", message="an archive in a function of the package type Image")
    mounts = [entry for entry in entries(function.get("FileSystemConfigs")) if _is_efs(entry)]
    if mounts and function.get("VpcConfig").absent:
        yield Fault(at="FileSystemConfigs", message="mounts a file system outside of a VPC")


def _is_efs(entry: Node) -> bool:
    written = entry.get("Arn").value
    return not isinstance(written, str) or ":elasticfilesystem:" in written
