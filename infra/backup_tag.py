"""How backup plans find what they copy: by a tag, so that no plan references a stack that it backs up."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

from infra.config import Environment

KEY = "BackupPlan"


def value(environment: Environment) -> str:
    """The tag's value: one environment's plans never copy another's data, even in one account."""
    return f"spendsmart-{environment.name}"


def mark_for_backup(construct: IConstruct, environment: Environment) -> None:
    """Have the environment's backup plans copy this database or bucket (and nothing else that is made with it)."""
    cdk.Tags.of(construct).add(
        KEY, value(environment), include_resource_types=["AWS::RDS::DBInstance", "AWS::S3::Bucket"]
    )
