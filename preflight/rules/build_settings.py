"""CodeBuild: caches, logs, batches and further sources that have what they need."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.builds import PROJECT
from preflight.values import entries, integer, is_unknown, strings, text

LINUX = {"LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER", "LINUX_EC2", "ARM_EC2"}


@rule(
    "PIPE-215",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A build's cache, logs and batches have what their kind asks for",
    otherwise="CodeBuild refuses the project.",
    remedy="Give an S3 cache and S3 logs a Location, a local cache its Modes, and a batch 5 to 2160 minutes.",
    source="https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectCache.html",
    types=PROJECT,
)
def cache_logs_and_batches(project: Resource) -> Iterator[Fault]:
    cache, logs = project.get("Cache"), project.get("LogsConfig", "S3Logs")
    kind = text(cache.get("Type"))
    if kind == "S3" and cache.get("Location").absent:
        yield Fault(at="Cache", message="a cache in S3 without a Location")
    if kind == "LOCAL" and not entries(cache.get("Modes")) and not is_unknown(cache.get("Modes")):
        yield Fault(at="Cache", message="a local cache without Modes")
    machine = text(project.get("Environment", "Type"))
    if machine is not None and machine not in LINUX and "LOCAL_DOCKER_LAYER_CACHE" in strings(cache.get("Modes")):
        yield Fault(at="Cache.Modes", message=f"a cache of Docker layers in an environment of type {machine}")
    if text(logs.get("Status")) == "ENABLED" and logs.get("Location").absent:
        yield Fault(at=str(logs), message="logs in S3 without a Location")
    minutes = integer(project.get("BuildBatchConfig", "TimeoutInMins"))
    if minutes is not None and not 5 <= minutes <= 2160:
        yield Fault(at="BuildBatchConfig.TimeoutInMins", message=f"{minutes} min")


@rule(
    "PIPE-216",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A build's secondary sources and artifacts, twelve of each at most, have identifiers of their own",
    otherwise="CodeBuild refuses the project.",
    remedy="Give each one an identifier that no other has.",
    source="https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html",
    types=PROJECT,
)
def secondary_identifiers(project: Resource) -> Iterator[Fault]:
    for plural, key in (("SecondarySources", "SourceIdentifier"), ("SecondaryArtifacts", "ArtifactIdentifier")):
        listed = entries(project.get(plural))
        if len(listed) > 12:
            yield Fault(at=plural, message=f"{len(listed)}, 12 is the most")
        seen: set[str] = set()
        for entry in listed:
            name = text(entry.get(key))
            if entry.get(key).absent and not is_unknown(entry):
                yield Fault(at=str(entry), message=f"without {key}")
            elif name is not None and name in seen:
                yield Fault(at=entry.path(key), message=f"{name} stands there twice")
            if name is not None:
                seen.add(name)
