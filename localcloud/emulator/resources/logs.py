"""Saved queries, and vended log delivery (the second version of CloudFront's access logs, among others)."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

from typing import Any

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource


def _tags(properties: Properties) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", [])}


@resource("AWS::Logs::QueryDefinition")
class QueryDefinition(Handler):
    """Ref is the definition's ID, which stays."""

    immutable = frozenset()

    def create(self, wanted: Wanted) -> Provisioned:
        return self._put(wanted)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self._put(wanted, queryDefinitionId=ref)

    def delete(self, ref: str, properties: Properties) -> None:
        client("logs").delete_query_definition(queryDefinitionId=ref)

    def _put(self, wanted: Wanted, **known: str) -> Provisioned:
        request = coercion.to_input("logs", "PutQueryDefinition", wanted.properties)
        made = client("logs").put_query_definition(**request, **known)["queryDefinitionId"]
        return Provisioned(ref=made, attributes={"QueryDefinitionId": made})


@resource("AWS::Logs::DeliverySource")
class DeliverySource(Handler):
    immutable = frozenset({"Name"})

    def create(self, wanted: Wanted) -> Provisioned:
        properties = {**wanted.properties, "Tags": _tags(wanted.properties)}
        request = coercion.to_input("logs", "PutDeliverySource", properties)
        made = client("logs").put_delivery_source(**request)["deliverySource"]
        return Provisioned(
            ref=made["name"],
            attributes={"Arn": made["arn"], "Service": made.get("service", ""), "ResourceArns": made["resourceArns"]},
        )

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("logs").delete_delivery_source(name=ref)


@resource("AWS::Logs::DeliveryDestination")
class DeliveryDestination(Handler):
    immutable = frozenset({"Name"})

    def create(self, wanted: Wanted) -> Provisioned:
        properties: dict[str, Any] = {**wanted.properties, "Tags": _tags(wanted.properties)}
        place = properties.pop("DestinationResourceArn", None)
        if place:
            properties["DeliveryDestinationConfiguration"] = {"DestinationResourceArn": place}
        policy = properties.pop("DeliveryDestinationPolicy", None)
        request = coercion.to_input("logs", "PutDeliveryDestination", properties)
        made = client("logs").put_delivery_destination(**request)["deliveryDestination"]
        if policy:
            client("logs").put_delivery_destination_policy(
                **coercion.to_input(
                    "logs",
                    "PutDeliveryDestinationPolicy",
                    {
                        "deliveryDestinationName": made["name"],
                        "deliveryDestinationPolicy": policy.get("DeliveryDestinationPolicy", policy),
                    },
                )
            )
        return Provisioned(
            ref=made["name"],
            attributes={"Arn": made["arn"], "DeliveryDestinationType": made.get("deliveryDestinationType", "")},
        )

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("logs").delete_delivery_destination(name=ref)


@resource("AWS::Logs::Delivery")
class Delivery(Handler):
    """Ref is the delivery's ID."""

    immutable = frozenset({"DeliverySourceName", "DeliveryDestinationArn"})

    def create(self, wanted: Wanted) -> Provisioned:
        properties: dict[str, Any] = {**wanted.properties, "Tags": _tags(wanted.properties)}
        s3 = {
            name.removeprefix("S3"): properties.pop(name)
            for name in ("S3SuffixPath", "S3EnableHiveCompatiblePath")
            if name in properties
        }
        if s3:
            properties["s3DeliveryConfiguration"] = s3
        request = coercion.to_input("logs", "CreateDelivery", properties)
        made = client("logs").create_delivery(**request)["delivery"]
        return Provisioned(ref=made["id"], attributes={"DeliveryId": made["id"], "Arn": made["arn"]})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        client("logs").delete_delivery(id=ref)
        return self.create(wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("logs").delete_delivery(id=ref)
