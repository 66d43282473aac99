"""CloudFront's distributions as the data plane serves them, and keys for signed URLs."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudfront

from localcloud import layout
from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Handler, Properties, Provisioned, Wanted, resource


@resource("AWS::CloudFront::Distribution")
class Distribution(Completion):
    """Upstream names it after AWS's DNS. A signed URL holds the name, so it has to be the one that browsers use."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        name = f"localhost:{layout.distribution_port(ref)}"
        cloudfront._distributions[ref]["DomainName"] = name
        return {"DomainName": name}

    def delete(self, ref: str, properties: Properties) -> None:
        super().delete(ref, properties)
        layout.release_distribution_port(ref)


@resource("AWS::CloudFront::PublicKey")
class PublicKey(Handler):
    immutable = frozenset()

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("cloudfront", "CreatePublicKey", wanted.properties)
        made = client("cloudfront").create_public_key(**request)["PublicKey"]
        return Provisioned(ref=made["Id"], attributes={"Id": made["Id"], "CreatedTime": str(made["CreatedTime"])})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        current = client("cloudfront").get_public_key(Id=ref)
        if _encoded(wanted.properties) != current["PublicKey"]["PublicKeyConfig"]["EncodedKey"]:
            # The key itself cannot be changed: a new one takes its place.
            return self.create(wanted)
        request = coercion.to_input(
            "cloudfront", "UpdatePublicKey", {**wanted.properties, "Id": ref, "IfMatch": current["ETag"]}
        )
        client("cloudfront").update_public_key(**request)
        return Provisioned(ref=ref, attributes={"Id": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        tag = client("cloudfront").get_public_key(Id=ref)["ETag"]
        client("cloudfront").delete_public_key(Id=ref, IfMatch=tag)


def _encoded(properties: Properties) -> Any:
    return properties["PublicKeyConfig"]["EncodedKey"]


@resource("AWS::CloudFront::KeyGroup")
class KeyGroup(Handler):
    immutable = frozenset()

    def create(self, wanted: Wanted) -> Provisioned:
        request = coercion.to_input("cloudfront", "CreateKeyGroup", wanted.properties)
        made = client("cloudfront").create_key_group(**request)["KeyGroup"]
        return Provisioned(ref=made["Id"], attributes={"Id": made["Id"]})

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        tag = client("cloudfront").get_key_group(Id=ref)["ETag"]
        request = coercion.to_input("cloudfront", "UpdateKeyGroup", {**wanted.properties, "Id": ref, "IfMatch": tag})
        client("cloudfront").update_key_group(**request)
        return Provisioned(ref=ref, attributes={"Id": ref})

    def delete(self, ref: str, properties: Properties) -> None:
        tag = client("cloudfront").get_key_group(Id=ref)["ETag"]
        client("cloudfront").delete_key_group(Id=ref, IfMatch=tag)
