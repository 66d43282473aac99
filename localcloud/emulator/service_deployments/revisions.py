"""Service revisions: what a service was to be at the time of each of its deployments.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html
A revision's ARN ends in the number of its deployment's id (`ecs-svc/<number>` in DescribeServices).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import ecs

from localcloud.emulator import stores
from localcloud.emulator.ecs_records import Record
from localcloud.emulator.service_deployments.strategy import ROLLING, name_of

store = stores.store("service_revisions", service="ecs")

_OF_SERVICE = (
    "taskDefinition",
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "platformFamily",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "volumeConfigurations",
)


def new_deployment_id() -> str:
    """An id as ECS gives them: `ecs-svc/` and 19 digits."""
    return f"ecs-svc/{secrets.randbelow(9 * 10**18) + 10**18}"


def arn_of(service: Record, deployment_id: str) -> str:
    """The ARN of the revision that a deployment carries."""
    path = service["serviceArn"].replace(":service/", ":service-revision/", 1)
    return f"{path}/{deployment_id.rsplit('/', 1)[-1]}"


def keep(service: Record, deployment: Record, *, after: Record | None = None) -> Record:
    """The revision of a deployment, made from the service as it is now unless it is known; `after` is the one it
    replaces, of which it takes the other target groups."""
    arn = arn_of(service, deployment["id"])
    if arn not in store:
        store[arn] = {
            "serviceRevisionArn": arn,
            "serviceArn": service["serviceArn"],
            "clusterArn": service["clusterArn"],
            **{name: service[name] for name in _OF_SERVICE if service.get(name)},
            "taskDefinition": deployment["taskDefinition"],
            "containerImages": _images(deployment["taskDefinition"]),
            "createdAt": time.time(),
            "resolvedConfiguration": {"loadBalancers": _resolved(service, after)},
        }
    found: Record = store[arn]
    return found


def target_groups(revision: Mapping[str, Any]) -> list[str]:
    """ARNs of the target groups of a revision's tasks, in the order of its load balancers."""
    return [each["targetGroupArn"] for each in revision["resolvedConfiguration"]["loadBalancers"]]


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two revisions ask for the same."""
    return all((one.get(name) or None) == (other.get(name) or None) for name in _OF_SERVICE)


def of_service(revision: Mapping[str, Any]) -> Record:
    """The members of a service's record that a revision holds."""
    return {name: revision[name] for name in _OF_SERVICE if name in revision}


def wanted(service: Record, changes: Mapping[str, Any]) -> Record:
    """What a revision of the service with these changes would ask for."""
    return {name: changes.get(name, service.get(name)) for name in _OF_SERVICE}


def _resolved(service: Record, after: Record | None) -> list[Record]:
    """Target groups of a new revision: where traffic is to be shifted, those that the old one does not use."""
    shifting = name_of(service.get("deploymentConfiguration") or {}) != ROLLING
    used = set(target_groups(after)) if after else set()
    found = []
    for balancer in service.get("loadBalancers") or []:
        advanced = balancer.get("advancedConfiguration") or {}
        both = [balancer.get("targetGroupArn"), advanced.get("alternateTargetGroupArn")]
        known = [arn for arn in both if arn]
        if not known:
            continue
        in_use = [arn for arn in known if arn in used]
        free = [arn for arn in known if arn not in used]
        chosen = (free or known)[0] if shifting else (in_use or known)[0]
        rule = advanced.get("productionListenerRule")
        found.append({"targetGroupArn": chosen, **({"productionListenerRule": rule} if rule else {})})
    return found


def _images(task_definition: str) -> list[Record]:
    definition = ecs._task_defs.get(ecs._resolve_td_key(task_definition)) or {}
    images = []
    for container in definition.get("containerDefinitions", []):
        image = container.get("image", "")
        digest = {"imageDigest": image.partition("@")[2]} if "@" in image else {}
        images.append({"containerName": container["name"], "image": image, **digest})
    return images
