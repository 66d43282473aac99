"""Previews as the account has them, at AWS and on the local cloud alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.config import ConfigurationError, Environment
from plan.previews import cost, daily_usd
from previews import failure as failures
from previews import places
from previews.life import Preview, Terms, preview_of

_QUALIFIER = "hnb659fds"
_SWEEP_SECONDS = 900
"""Lambda's limit."""


def assumed(purpose: Literal["deploy", "lookup"], environment: Environment) -> Any:
    """A session with the rights of a role that `cdk bootstrap` made in the environment's account, for an hour."""
    account, region = environment.account, environment.regions.primary
    role = f"arn:aws:iam::{account}:role/cdk-{_QUALIFIER}-{purpose}-role-{account}-{region}"
    answer = boto3.client("sts", region_name=region).assume_role(RoleArn=role, RoleSessionName="previews")
    keys = answer["Credentials"]
    return boto3.Session(
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


@dataclass(frozen=True)
class Account:
    """The previews of one environment, with the credentials of `session`."""

    environment: Environment
    session: Any = boto3

    def client(self, service: str) -> Any:
        return self.session.client(service, region_name=self.environment.regions.primary)

    @cached_property
    def terms(self) -> Terms:
        """Raises ConfigurationError for an environment that carries no previews."""
        if self.environment.previews is None:
            raise ConfigurationError(f"config/{self.environment.name}.toml has no section [previews]")
        return self.environment.previews.life.terms

    @property
    def prefix(self) -> str:
        return places.stack_prefix(self.environment.name)

    def previews(self) -> list[Preview]:
        """All that there are, in whatever state."""
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        found = (preview_of(stack, prefix=self.prefix) for page in pages for stack in page["Stacks"])
        return [preview for preview in found if preview]

    def preview(self, name: str) -> Preview | None:
        return next((preview for preview in self.previews() if preview.name == name), None)

    def daily_usd(self, preview: Preview) -> float | None:
        """USD a day by the prices of `plan/data`; None where it cannot be told."""
        try:
            template = self.client("cloudformation").get_template(StackName=preview.stack_id)["TemplateBody"]
        except ClientError:
            return None
        parsed = json.loads(json.dumps(template)) if isinstance(template, dict) else json.loads(template)
        return daily_usd(
            cost(
                name=preview.stack,
                template=parsed,
                region=self.environment.regions.primary,
                usage=self.environment.usage,
            )
        )

    def keep(self, preview: Preview, *, wanted: bool) -> None:
        """Let it live longer, or no longer: its stack's termination protection says so."""
        if preview.kept != wanted:
            self.client("cloudformation").update_termination_protection(
                StackName=preview.stack_id, EnableTerminationProtection=wanted
            )

    def end(self, preview: Preview) -> None:
        """Delete its stack, and with it all that it has; returns at once."""
        self.keep(preview, wanted=False)
        self.client("cloudformation").delete_stack(StackName=preview.stack_id)

    def failures(self, preview_stack: str, *, since: datetime) -> list[str]:
        """Why the last operation failed, what failed first on top; cancelled resources are no reason."""
        try:
            pages = list(
                self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=preview_stack)
            )
        except ClientError:
            return []
        return failures.reasons((event for page in pages for event in page["StackEvents"]), since=since)

    def sweep(self) -> dict[str, Any]:
        """Call the sweeper now; what it did. Raises LookupError without one, RuntimeError when it fails."""
        stack = f"{self.prefix.removesuffix('-')}Sweeper"
        try:
            outputs = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        except ClientError as error:
            raise LookupError(f"{self.environment.name} has no sweeper: deploy its stacks first ({error})") from error
        name = next(each["OutputValue"] for each in outputs if each["OutputKey"] == "SweeperFunction")
        functions = self.session.client(
            "lambda", region_name=self.environment.regions.primary, config=Config(read_timeout=_SWEEP_SECONDS)
        )
        answer = functions.invoke(FunctionName=name)
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise RuntimeError(f"the sweeper failed: {said.get('errorMessage', said)}")
        return said
