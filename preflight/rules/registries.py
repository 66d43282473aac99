"""ECR: repositories that can be deleted, lifecycle policies that are valid, caches of other registries."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.values import Node, boolean, entries, target, text

REPOSITORY = ("AWS::ECR::Repository",)
TEMPLATE = "AWS::ECR::RepositoryCreationTemplate"
CACHE_RULE = ("AWS::ECR::PullThroughCacheRule",)
LIFECYCLE_SOURCE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"
CACHE_SOURCE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html"

SECRET_PREFIX = "ecr-pullthroughcache/"  # noqa: S105
# Upstream registries by whether they want credentials, with the name that UpstreamRegistry may say.
WITH_CREDENTIALS = {
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
}
WITHOUT_CREDENTIALS = {"public.ecr.aws": "ecr-public", "registry.k8s.io": "k8s", "quay.io": "quay"}
AZURE = re.compile(r"[a-z0-9-]+\.azurecr\.io")
PRIVATE = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)")

COUNT_TYPES = {"imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"}


@rule(
    "ECR-125",
    constraint=125,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A repository that goes with its stack is emptied first",
    otherwise="The repository holds images, cannot be deleted, and the stack ends in DELETE_FAILED.",
    remedy="Set EmptyOnDelete to true, or the deletion policy to Retain.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html",
    types=REPOSITORY,
    lacks=("DeletionPolicy",),
)
def repository_that_stays_full(repository: Resource) -> Iterator[Fault]:
    emptied = repository.get("EmptyOnDelete")
    kept = repository.attribute("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
    if not kept and (emptied.absent or boolean(emptied) is False):
        yield Fault(at="EmptyOnDelete", message="is deleted with its stack, but not its images")


def lifecycle(resource: Resource) -> tuple[Node, Any]:
    """Where the lifecycle policy stands, and the policy; None where it is not decided, a text where it is no JSON."""
    keys = ("LifecyclePolicy",) if resource.type == TEMPLATE else ("LifecyclePolicy", "LifecyclePolicyText")
    node = resource.get(*keys)
    if isinstance(node.value, dict):
        return node, node.value if node.known else None
    written = text(node)
    if written is None:
        return node, None
    try:
        return node, json.loads(written)
    except (ValueError, RecursionError):
        return node, written


def lifecycle_rules(policy: Any) -> list[dict[str, Any]]:
    rules = policy.get("rules") if isinstance(policy, dict) else None
    return [entry for entry in rules if isinstance(entry, dict)] if isinstance(rules, list) else []


def selection(entry: dict[str, Any]) -> dict[str, Any]:
    given = entry.get("selection")
    return given if isinstance(given, dict) else {}


@rule(
    "ECR-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A lifecycle policy is JSON with a list of rules, each with a priority, a selection and an action",
    otherwise="ECR answers that the lifecycle policy is not valid.",
    remedy="Write {“rules”: [{“rulePriority”: 1, “selection”: {…}, “action”: {“type”: “expire”}}]}.",
    source=LIFECYCLE_SOURCE,
    types=(*REPOSITORY, TEMPLATE),
)
def lifecycle_syntax(resource: Resource) -> Iterator[Fault]:
    node, policy = lifecycle(resource)
    if policy is None:
        return
    if isinstance(policy, str):
        yield Fault(at=str(node), message="it is not JSON")
        return
    rules = lifecycle_rules(policy)
    if not rules:
        yield Fault(at=str(node), message="it has no rules")
    for number, entry in enumerate(rules, 1):
        for key in ("rulePriority", "selection", "action"):
            if key not in entry:
                yield Fault(at=str(node), message=f"rule {number} has no {key}")


@rule(
    "ECR-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The rules of a lifecycle policy have priorities of their own, and the one for any image the last",
    otherwise="ECR refuses the lifecycle policy.",
    remedy="Number the rules from 1, and give the rule with tagStatus any, of which there is one, the highest number.",
    source=LIFECYCLE_SOURCE,
    types=(*REPOSITORY, TEMPLATE),
)
def lifecycle_priorities(resource: Resource) -> Iterator[Fault]:
    node, policy = lifecycle(resource)
    rules = [entry for entry in lifecycle_rules(policy) if isinstance(entry.get("rulePriority"), int)]
    priorities = Counter(entry["rulePriority"] for entry in rules)
    for priority, count in priorities.items():
        if count > 1:
            yield Fault(at=str(node), message=f"{count} rules have the priority {priority}")
    if any(priority < 1 for priority in priorities):
        yield Fault(at=str(node), message="a priority below 1")
    for_any = [entry["rulePriority"] for entry in rules if selection(entry).get("tagStatus") == "any"]
    if len(for_any) > 1:
        yield Fault(at=str(node), message=f"{len(for_any)} rules are for any image")
    elif for_any and for_any[0] < max(priorities):
        yield Fault(
            at=str(node), message=f"the rule for any image has the priority {for_any[0]}, others come behind it"
        )


@rule(
    "ECR-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A lifecycle rule selects tagged images by tags, others without, and counts images or days",
    otherwise="ECR refuses the lifecycle policy.",
    remedy="Give tagPrefixList or tagPatternList with tagStatus tagged only, and countUnit days with sinceImage… only.",
    source=LIFECYCLE_SOURCE,
    types=(*REPOSITORY, TEMPLATE),
)
def lifecycle_selection(resource: Resource) -> Iterator[Fault]:
    node, policy = lifecycle(resource)
    for number, entry in enumerate(lifecycle_rules(policy), 1):
        for fault in [*tag_faults(selection(entry)), *count_faults(selection(entry))]:
            yield Fault(at=str(node), message=f"rule {number}: {fault}")


def tag_faults(given: dict[str, Any]) -> Iterator[str]:
    status, lists = given.get("tagStatus"), [key for key in ("tagPrefixList", "tagPatternList") if given.get(key)]
    if status not in ("tagged", "untagged", "any"):
        yield f"tagStatus is {status}"
    elif status == "tagged" and not lists:
        yield "tagged, and neither tagPrefixList nor tagPatternList"
    elif status == "tagged" and len(lists) == 2:
        yield "both tagPrefixList and tagPatternList"
    elif status != "tagged" and lists:
        yield f"{status}, and {lists[0]}"
    patterns = given.get("tagPatternList")
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, str) and pattern.count("*") > 4:
            yield f"more than four wildcards in {pattern}"


def count_faults(given: dict[str, Any]) -> Iterator[str]:
    kind, unit, number = given.get("countType"), given.get("countUnit"), given.get("countNumber")
    if kind not in COUNT_TYPES:
        yield f"countType is {kind}"
    elif kind == "imageCountMoreThan" and unit is not None:
        yield "countUnit with imageCountMoreThan"
    elif kind != "imageCountMoreThan" and unit != "days":
        yield f"{kind} with the unit {unit}"
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        yield f"countNumber is {number}"


@rule(
    "ECR-126",
    constraint=126,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title=f"The secret of a pull-through cache is named {SECRET_PREFIX}…, and is in the rule's account and region",
    otherwise="ECR refuses the rule.",
    remedy=f"Name the secret {SECRET_PREFIX}… and make it where the rule is.",
    source=CACHE_SOURCE,
    types=CACHE_RULE,
)
def secret_of_a_cache(cache: Resource) -> Iterator[Fault]:
    node = cache.get("CredentialArn")
    secret = target(node, "AWS::SecretsManager::Secret")
    if secret is not None:
        name = secret.get("Name")
        if name.absent or (text(name) is not None and not (text(name) or "").startswith(SECRET_PREFIX)):
            yield Fault(at=str(node), message=f"the secret {secret.construct_path} is named {text(name) or 'by AWS'}")
        here, there = cache.stack.region, secret.stack.region
        if here and there and here != there:
            yield Fault(at=str(node), message=f"the secret is in {there}")
        return
    literal = node.value if isinstance(node.value, str) else getattr(node.value, "literal", "")
    written = literal.partition(":secret:")[2]
    if written and not written.startswith((SECRET_PREFIX, "\0")):
        yield Fault(at=str(node), message=f"the secret is not named {SECRET_PREFIX}…")


@rule(
    "ECR-126b",
    constraint=126,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A pull-through cache has credentials where its upstream registry asks for them, and nowhere else",
    otherwise="ECR answers that the upstream registry requires authentication, or that it does not.",
    remedy="Give Docker Hub, GitHub, GitLab, Azure and Chainguard a CredentialArn; Quay, Kubernetes, ECR Public none.",
    source=CACHE_SOURCE,
    types=CACHE_RULE,
)
def credentials_of_a_cache(cache: Resource) -> Iterator[Fault]:
    url, said = text(cache.get("UpstreamRegistryUrl")), text(cache.get("UpstreamRegistry"))
    if url is None:
        names = set(WITH_CREDENTIALS.values()) | {"azure-container-registry"}
        if said in names and cache.get("CredentialArn").absent:
            yield Fault(at="CredentialArn", message=f"{said} without credentials")
        return
    if url in WITH_CREDENTIALS or AZURE.fullmatch(url):
        if cache.get("CredentialArn").absent:
            yield Fault(at="CredentialArn", message=f"{url} without credentials")
        if said not in {WITH_CREDENTIALS.get(url, "azure-container-registry"), None}:
            yield Fault(at="UpstreamRegistry", message=f"{url} is not {said}")
    elif url in WITHOUT_CREDENTIALS:
        if not cache.get("CredentialArn").absent:
            yield Fault(at="CredentialArn", message=f"{url} with credentials")
    elif not PRIVATE.fullmatch(url):
        yield Fault(at="UpstreamRegistryUrl", message=f"{url} is none of the registries that can be cached")


@rule(
    "ECR-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Exceptions from tag mutability stand where the mutability says so",
    otherwise="ECR refuses the repository.",
    remedy="Use IMMUTABLE_WITH_EXCLUSION or MUTABLE_WITH_EXCLUSION with filters, and no filters without.",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
    types=(*REPOSITORY, TEMPLATE),
)
def mutability_filters(resource: Resource) -> Iterator[Fault]:
    mode, filters = text(resource.get("ImageTagMutability")), resource.get("ImageTagMutabilityExclusionFilters")
    excluding = mode is not None and mode.endswith("_WITH_EXCLUSION")
    if excluding and filters.absent:
        yield Fault(at="ImageTagMutability", message=f"{mode} without filters")
    if entries(filters) and not excluding and (mode is not None or resource.get("ImageTagMutability").absent):
        yield Fault(at=str(filters), message=f"filters with {mode or 'mutable tags'}")


@rule(
    "ECR-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A repository names a key only where it is encrypted with KMS",
    otherwise="ECR refuses the repository: a key with the encryption type AES256.",
    remedy="Set EncryptionType to KMS or KMS_DSSE, or leave KmsKey away; neither can be changed later.",
    source="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_EncryptionConfiguration.html",
    types=(*REPOSITORY, TEMPLATE),
)
def key_without_kms(resource: Resource) -> Iterator[Fault]:
    encryption = resource.get("EncryptionConfiguration")
    if text(encryption.get("EncryptionType")) == "AES256" and not encryption.get("KmsKey").absent:
        yield Fault(at=encryption.path("KmsKey"), message="a key with the encryption type AES256")
