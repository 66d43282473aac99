"""Image repositories that prod does not have yet, each with one fault."""

from __future__ import annotations

import json
from typing import Any

from tests.preflight.prod import Prod, plants


def repository(prod: Prod, **properties: Any) -> dict[str, Any]:
    given = {"EmptyOnDelete": True} | properties
    return prod.add("Service", "Images", {"Type": "AWS::ECR::Repository", "Properties": given})


def lifecycle(prod: Prod, *rules: dict[str, Any]) -> dict[str, Any]:
    return repository(prod, LifecyclePolicy={"LifecyclePolicyText": json.dumps({"rules": rules})})


def lifecycle_rule(priority: int, **selection: Any) -> dict[str, Any]:
    given = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10} | selection
    return {"rulePriority": priority, "selection": given, "action": {"type": "expire"}}


@plants("ECR-125", constraint=125)
def a_repository_that_is_not_emptied(prod: Prod) -> str:
    return prod.path(repository(prod, EmptyOnDelete=False))


@plants("ECR-126", constraint=126)
def a_secret_of_another_name(prod: Prod) -> str:
    prod.add("Service", "Hub", {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "docker-hub"}})
    given = {
        "EcrRepositoryPrefix": "hub",
        "UpstreamRegistryUrl": "registry-1.docker.io",
        "CredentialArn": {"Ref": "Hub"},
    }
    return prod.path(prod.add("Service", "Cache", {"Type": "AWS::ECR::PullThroughCacheRule", "Properties": given}))


@plants("ECR-126b", constraint=126)
def docker_hub_without_a_login(prod: Prod) -> str:
    given = {"EcrRepositoryPrefix": "hub", "UpstreamRegistryUrl": "registry-1.docker.io"}
    return prod.path(prod.add("Service", "Cache", {"Type": "AWS::ECR::PullThroughCacheRule", "Properties": given}))


@plants("ECR-201")
def a_lifecycle_policy_that_is_no_json(prod: Prod) -> str:
    return prod.path(repository(prod, LifecyclePolicy={"LifecyclePolicyText": "rules: keep the last ten images"}))


@plants("ECR-202")
def a_priority_given_twice(prod: Prod) -> str:
    days = {"countType": "sinceImagePushed", "countUnit": "days"}
    return prod.path(lifecycle(prod, lifecycle_rule(1, tagStatus="untagged", **days), lifecycle_rule(1)))


@plants("ECR-203")
def days_without_their_unit(prod: Prod) -> str:
    return prod.path(lifecycle(prod, lifecycle_rule(1, countType="sinceImagePushed")))


@plants("ECR-204")
def exceptions_without_the_mutability_for_them(prod: Prod) -> str:
    every = {"ImageTagMutabilityExclusionFilterType": "WILDCARD", "ImageTagMutabilityExclusionFilterValue": "dev-*"}
    return prod.path(repository(prod, ImageTagMutability="MUTABLE", ImageTagMutabilityExclusionFilters=[every]))


@plants("ECR-205")
def a_key_for_aes(prod: Prod) -> str:
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    return prod.path(repository(prod, EncryptionConfiguration={"EncryptionType": "AES256", "KmsKey": key}))
