"""A stage's account, looked at through the read-only role that `cdk bootstrap` made there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import boto3

_QUALIFIER = "hnb659fds"


class StageError(Exception):
    """The stage does not have what is asked of it; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One environment in one account."""

    environment: str
    account: str

    @classmethod
    def of_environment(cls) -> Stage:
        """From ENVIRONMENT and ACCOUNT. Raises StageError when one is not set."""
        return cls(environment=variable("ENVIRONMENT"), account=variable("ACCOUNT"))

    @property
    def prefix(self) -> str:
        return f"SpendSmart-{self.environment.capitalize()}-"

    def client(self, service: str, region: str) -> Any:
        """A client of `service` with the lookup role's rights, valid for an hour."""
        role = f"arn:aws:iam::{self.account}:role/cdk-{_QUALIFIER}-lookup-role-{self.account}-{region}"
        answer = boto3.client("sts", region_name=region).assume_role(RoleArn=role, RoleSessionName="delivery")
        keys = answer["Credentials"]
        return boto3.client(
            service,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def stacks(self, region: str) -> list[dict[str, Any]]:
        """The environment's stacks in one region that exist."""
        pages = self.client("cloudformation", region).get_paginator("describe_stacks").paginate()
        return [stack for page in pages for stack in page["Stacks"] if str(stack["StackName"]).startswith(self.prefix)]

    def url(self, region: str) -> str:
        """Where people reach it. Raises StageError when no stack says so."""
        for stack in self.stacks(region):
            for output in stack.get("Outputs", []):
                if output["OutputKey"] == "LoadBalancerUrl":
                    return str(output["OutputValue"])
        raise StageError(f"no stack {self.prefix}… in {self.account} {region} has an output LoadBalancerUrl")


def variable(name: str) -> str:
    """An environment variable that has to be there. Raises StageError when it is not."""
    value = os.environ.get(name, "")
    if not value:
        raise StageError(f"{name} is not set")
    return value


def url() -> str:
    """STAGE_URL where it is set, else what the stage's stacks say, by ENVIRONMENT, ACCOUNT and REGION."""
    return os.environ.get("STAGE_URL") or Stage.of_environment().url(variable("REGION"))
