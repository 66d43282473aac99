"""Scalable targets and scaling policies."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource

_SERVICE = "application-autoscaling"
_KEY = ("ResourceId", "ScalableDimension", "ServiceNamespace")


@resource("AWS::ApplicationAutoScaling::ScalableTarget")
class ScalableTarget(Handler):
    """Ref is resource, dimension and namespace with bars between."""

    immutable = frozenset(_KEY)

    def create(self, wanted: Wanted) -> Provisioned:
        properties = dict(wanted.properties)
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.pop("Tags", [])}
        request = coercion.to_input(_SERVICE, "RegisterScalableTarget", properties, without=("ScheduledActions",))
        if properties.get("ScheduledActions"):
            raise ValueError("ScheduledActions of a scalable target are not available in the local cloud")
        made = client(_SERVICE).register_scalable_target(**request, **({"Tags": tags} if tags else {}))
        ref = "|".join(request[name] for name in _KEY)
        return Provisioned(ref=ref, attributes={"Id": ref, "ScalableTargetARN": made["ScalableTargetARN"]})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client(_SERVICE).deregister_scalable_target(**dict(zip(_KEY, ref.split("|"), strict=True)))


@resource("AWS::ApplicationAutoScaling::ScalingPolicy")
class ScalingPolicy(Handler):
    """Ref is the policy's ARN."""

    immutable = frozenset({"PolicyName", "ScalingTargetId", *_KEY})

    def create(self, wanted: Wanted) -> Provisioned:
        properties = {**_target(wanted.properties), **wanted.properties}
        request = coercion.to_input(_SERVICE, "PutScalingPolicy", properties, without=("ScalingTargetId",))
        arn = client(_SERVICE).put_scaling_policy(**request)["PolicyARN"]
        return Provisioned(ref=arn, attributes={"Arn": arn})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        key = {**{name: properties[name] for name in _KEY if name in properties}, **_target(properties)}
        client(_SERVICE).delete_scaling_policy(PolicyName=properties["PolicyName"], **key)


def _target(properties: Properties) -> dict[str, str]:
    if "ScalingTargetId" not in properties:
        return {}
    return dict(zip(_KEY, str(properties["ScalingTargetId"]).split("|"), strict=True))
