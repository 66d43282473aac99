"""Application Auto Scaling, which MiniStack does not have: scalable targets and policies, by its JSON API."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid

from localcloud.emulator import json_service, persistence, stores
from localcloud.emulator.ecs_records import UnknownRecordError
from localcloud.emulator.json_service import Record
from localcloud.emulator.services import ecs
from localcloud.scaling.autoscaler import Cooldown, Cooldowns

SERVICE = "application-autoscaling"
_targets = stores.store("scalable_targets", service=SERVICE)
_policies = stores.store("scaling_policies", service=SERVICE)
_tags = stores.store("autoscaling_tags", service=SERVICE)

_activities = stores.store("scaling_activities", service=SERVICE)
_cooldowns = stores.store("scaling_cooldowns", service=SERVICE)

_ACTIVITIES_KEPT = 500
_TARGET_KEY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


class _MissingError(json_service.ServiceError):
    def __init__(self, message: str) -> None:
        super().__init__("ObjectNotFoundException", message)


def install() -> None:
    json_service.install(SERVICE, target_prefix="AnyScaleFrontendService", calls=_CALLS)


def _key(data: Record) -> str:
    return "|".join(str(data[name]) for name in _TARGET_KEY)


def _register(data: Record) -> Record:
    known = _targets.get(_key(data), {})
    identifier = known.get("_id") or new_uuid().replace("-", "")
    arn = f"arn:aws:application-autoscaling:{get_region()}:{get_account_id()}:scalable-target/{identifier}"
    role = (
        f"arn:aws:iam::{get_account_id()}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
    suspended = {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    changes = {name: value for name, value in data.items() if name != "Tags"}
    _targets[_key(data)] = {
        "CreationTime": time.time(),
        "RoleARN": role,
        "SuspendedState": suspended,
        **known,
        **changes,
        "ScalableTargetARN": arn,
        "_id": identifier,
    }
    if "Tags" in data:
        _tags[arn] = data["Tags"]
    _bring_within(_targets[_key(data)])
    return {"ScalableTargetARN": arn}


def _bring_within(target: Record) -> None:
    """Change a service's desired count to one within the bounds, when they are registered and not later:
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    _, cluster, service = target["ResourceId"].split("/")
    try:
        desired = ecs.desired_count(cluster, service)
    except UnknownRecordError:
        return
    within = min(max(desired, int(target["MinCapacity"])), int(target["MaxCapacity"]))
    if within != desired:
        ecs.set_desired_count(cluster, service, within)


def _deregister(data: Record) -> Record:
    if _key(data) not in _targets:
        raise _MissingError(f"No scalable target found for {data['ResourceId']}")
    _tags.pop(_targets.pop(_key(data))["ScalableTargetARN"], None)
    for arn in [arn for arn, policy in _policies.items() if _key(policy) == _key(data)]:
        del _policies[arn]
    return {}


def _describe_targets(data: Record) -> Record:
    return {"ScalableTargets": _found(_targets, data, "ResourceIds", "ResourceId")}


def _put_policy(data: Record) -> Record:
    if _key(data) not in _targets:
        raise _MissingError(f"No scalable target registered for {data['ResourceId']}")
    same = [
        (arn, policy)
        for arn, policy in _policies.items()
        if _key(policy) == _key(data) and policy["PolicyName"] == data["PolicyName"]
    ]
    arn = same[0][0] if same else (
        f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:{new_uuid()}:"
        f"resource/{data['ServiceNamespace']}/{data['ResourceId']}:policyName/{data['PolicyName']}"
    )  # fmt: skip
    known = same[0][1] if same else {"CreationTime": time.time()}
    _policies[arn] = {"PolicyType": "StepScaling", **known, **data, "PolicyARN": arn, "Alarms": []}
    return {"PolicyARN": arn, "Alarms": []}


def _delete_policy(data: Record) -> Record:
    for arn, policy in list(_policies.items()):
        if _key(policy) == _key(data) and policy["PolicyName"] == data["PolicyName"]:
            del _policies[arn]
            return {}
    raise _MissingError(f"No scaling policy found named {data['PolicyName']}")


def _describe_policies(data: Record) -> Record:
    found = _found(_policies, data, "PolicyNames", "PolicyName")
    if "ResourceId" in data:
        found = [policy for policy in found if policy["ResourceId"] == data["ResourceId"]]
    return {"ScalingPolicies": found}


def _found(store: Any, data: Record, plural: str, name: str) -> list[Record]:
    return [
        {key: value for key, value in record.items() if not key.startswith("_")}
        for record in store.values()
        if record["ServiceNamespace"] == data["ServiceNamespace"]
        and data.get("ScalableDimension") in (None, record["ScalableDimension"])
        and (not data.get(plural) or record[name] in data[plural])
    ]


def _describe_activities(data: Record) -> Record:
    """The latest first."""
    found = _found(_activities, data, "ResourceIds", "ResourceId")
    wanted = [one for one in found if data.get("ResourceId") in (None, one["ResourceId"])]
    return {"ScalingActivities": sorted(wanted, key=lambda one: -float(one["StartTime"]))}


def policy(arn: str) -> Record | None:
    """The scaling policy of the region at hand with this ARN."""
    found: Record | None = _policies.get(arn)
    return found


def target(resource: str) -> Record | None:
    """The scalable target that an ECS service's resource id names."""
    return next((one for one in _targets.values() if one["ResourceId"] == resource), None)


def cooldowns(resource: str) -> Cooldowns:
    """Those that are running for a target, as they were noted last."""
    noted = _cooldowns.get(resource, {})
    out, in_ = (
        {policy: Cooldown(added=one["added"], seconds=one["seconds"], ends=one["ends"] or math.inf)
         for policy, one in noted.get(way, {}).items()}
        for way in ("out", "in")
    )  # fmt: skip
    return Cooldowns(out=out, in_=in_)


def note_cooldowns(resource: str, running: Cooldowns) -> None:
    """Keep a target's cooldowns, for an emulator that is started anew."""
    noted = {
        way: {
            policy: {"added": one.added, "seconds": one.seconds, "ends": None if math.isinf(one.ends) else one.ends}
            for policy, one in those.items()
        }
        for way, those in (("out", running.out), ("in", running.in_))
    }
    if noted != _cooldowns.get(resource):
        _cooldowns[resource] = noted
        persistence.saver.touch(*stores.state_keys(SERVICE))


def note_activity(of: Record, *, after: int, cause: str) -> None:
    """Note that a target's desired count was set."""
    identifier, now = new_uuid(), time.time()
    _activities[identifier] = {
        "ActivityId": identifier,
        **{name: of[name] for name in _TARGET_KEY},
        "Description": f"Setting desired count to {after}.",
        "Cause": cause,
        "StartTime": now,
        "EndTime": now,
        "StatusCode": "Successful",
        "StatusMessage": f"Successfully set desired count to {after}. Change successfully fulfilled by ecs.",
    }
    for oldest in list(_activities)[:-_ACTIVITIES_KEPT]:
        del _activities[oldest]
    persistence.saver.touch(*stores.state_keys(SERVICE))


def _tag(data: Record) -> Record:
    _tags[data["ResourceARN"]] = {**_tags.get(data["ResourceARN"], {}), **data["Tags"]}
    return {}


def _untag(data: Record) -> Record:
    kept = {key: value for key, value in _tags.get(data["ResourceARN"], {}).items() if key not in data["TagKeys"]}
    _tags[data["ResourceARN"]] = kept
    return {}


_CALLS: dict[str, Callable[[Record], Record]] = {
    "RegisterScalableTarget": _register,
    "DeregisterScalableTarget": _deregister,
    "DescribeScalableTargets": _describe_targets,
    "PutScalingPolicy": _put_policy,
    "DeleteScalingPolicy": _delete_policy,
    "DescribeScalingPolicies": _describe_policies,
    "DescribeScalingActivities": _describe_activities,
    "DescribeScheduledActions": lambda _data: {"ScheduledActions": []},
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": lambda data: {"Tags": _tags.get(data["ResourceARN"], {})},
}
