"""What every bucket, log group and key of ours has without being told: the organization's defaults, in one place.

Property injectors (https://docs.aws.amazon.com/cdk/v2/guide/blueprints.html) fill them in before a construct is made;
what a caller says itself wins.
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3


@jsii.implements(cdk.IPropertyInjector)
class BucketDefaults:
    """TLS only, nothing public, and the bucket's owner owns every object (so that no ACL matters)."""

    @property
    def construct_unique_id(self) -> str:
        return s3.Bucket.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *, scope: Any, id: str) -> Any:  # noqa: A002, ARG002  (jsii's names)
        return {
            "enforceSSL": True,
            "minimumTLSVersion": 1.2,
            "blockPublicAccess": s3.BlockPublicAccess.BLOCK_ALL,
            "objectOwnership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            **original_props,
        }


@jsii.implements(cdk.IPropertyInjector)
class KeyDefaults:
    """Yearly rotation; a deleted key can be saved for 30 days."""

    @property
    def construct_unique_id(self) -> str:
        return kms.Key.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *, scope: Any, id: str) -> Any:  # noqa: A002, ARG002
        return {"enableKeyRotation": True, "pendingWindow": cdk.Duration.days(30), **original_props}


@jsii.implements(cdk.IPropertyInjector)
class LogGroupDefaults:
    """Logs go with their stack: what must be kept longer is exported. They are encrypted with the stack's key."""

    @property
    def construct_unique_id(self) -> str:
        return logs.LogGroup.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *, scope: Any, id: str) -> Any:  # noqa: A002, ARG002
        key = getattr(cdk.Stack.of(scope), "log_key", None)
        encryption = {"encryptionKey": key} if key is not None else {}
        return {"removalPolicy": cdk.RemovalPolicy.DESTROY, **encryption, **original_props}


def injectors() -> list[Any]:
    return [BucketDefaults(), KeyDefaults(), LogGroupDefaults()]
