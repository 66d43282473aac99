# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
"""Cost anomaly monitors and subscriptions. Templates write expressions as JSON in a text."""

from __future__ import annotations

import json
from typing import Any

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource


def _parsed(properties: Properties, *names: str) -> dict[str, Any]:
    return {name: json.loads(value) if name in names else value for name, value in properties.items()}


@resource("AWS::CE::AnomalyMonitor")
class AnomalyMonitor(Handler):
    """Ref is the ARN. Only its name can be changed."""

    immutable = frozenset({"MonitorType", "MonitorDimension", "MonitorSpecification", "ResourceTags"})

    def create(self, wanted: Wanted) -> Provisioned:
        properties = _parsed(wanted.properties, "MonitorSpecification")
        tags = properties.pop("ResourceTags", [])
        request = coercion.to_input(
            "ce", "CreateAnomalyMonitor", {"AnomalyMonitor": properties, **({"ResourceTags": tags} if tags else {})}
        )
        arn = client("ce").create_anomaly_monitor(**request)["MonitorArn"]
        return Provisioned(ref=arn, attributes={"MonitorArn": arn})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        client("ce").update_anomaly_monitor(MonitorArn=ref, MonitorName=wanted.properties["MonitorName"])
        return Provisioned(ref=ref, attributes={"MonitorArn": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        client("ce").delete_anomaly_monitor(MonitorArn=ref)


@resource("AWS::CE::AnomalySubscription")
class AnomalySubscription(Handler):
    """Ref is the ARN."""

    immutable = frozenset({"ResourceTags"})

    def create(self, wanted: Wanted) -> Provisioned:
        properties = _parsed(wanted.properties, "ThresholdExpression")
        tags = properties.pop("ResourceTags", [])
        request = coercion.to_input(
            "ce",
            "CreateAnomalySubscription",
            {"AnomalySubscription": properties, **({"ResourceTags": tags} if tags else {})},
        )
        arn = client("ce").create_anomaly_subscription(**request)["SubscriptionArn"]
        return Provisioned(ref=arn, attributes={"SubscriptionArn": arn})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        properties = {**_parsed(wanted.properties, "ThresholdExpression"), "SubscriptionArn": ref}
        request = coercion.to_input("ce", "UpdateAnomalySubscription", properties, without=("ResourceTags",))
        client("ce").update_anomaly_subscription(**request)
        return Provisioned(ref=ref, attributes={"SubscriptionArn": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        client("ce").delete_anomaly_subscription(SubscriptionArn=ref)
