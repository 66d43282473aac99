"""Findings of cdk-nag that are meant, written beside the construct that they are about."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

_PACK = "AwsSolutions"


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Leaves a finding of the pack AwsSolutions (`IAM5[…]`, `CB3`) in the report as suppressed, with its reason."""
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=f"{_PACK}::{_PACK}-{finding}", reason=reason))


def logical_id(construct: IConstruct) -> str:
    """The logical id of a construct's own resource, as findings name it. Raises ValueError where there is none."""
    resource = construct.node.default_child
    if not isinstance(resource, cdk.CfnResource):
        raise ValueError(f"{construct.node.path} has no CloudFormation resource of its own")
    return str(cdk.Stack.of(resource).resolve(resource.logical_id))
