"""The roles that `cdk bootstrap` makes in each account and region: the only ones that delivery uses outside its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import Environment

Purpose = Literal["deploy", "file-publishing", "lookup"]

_EDGE_REGION = "us-east-1"
"""Where CloudFront's certificates and firewall live."""


def regions(environment: Environment) -> list[str]:
    """Every region that an environment has stacks in."""
    edge = {_EDGE_REGION} if environment.features.cdn else set[str]()
    return sorted({environment.regions.primary, environment.regions.replica} | edge)


def role_arn(scope: Construct, purpose: Purpose, *, account: str, region: str) -> str:
    """The ARN that bootstrapping with CDK's default qualifier gives."""
    qualifier = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return cdk.Stack.of(scope).format_arn(
        service="iam",
        region="",
        account=account,
        resource="role",
        resource_name=f"cdk-{qualifier}-{purpose}-role-{account}-{region}",
    )


def may_assume(
    scope: Construct, purposes: Sequence[Purpose], *, account: str, regions: Iterable[str]
) -> iam.PolicyStatement:
    """Become these roles of one account, and nobody else. The account trusts ours by `cdk bootstrap --trust`."""
    return iam.PolicyStatement(
        actions=["sts:AssumeRole"],
        resources=[
            role_arn(scope, purpose, account=account, region=region) for purpose in purposes for region in regions
        ],
    )
