"""The function that walks as a user, and the user that it is."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import Environment
from infra.monitoring.metrics.application import namespace
from infra.monitoring.small_function import SmallFunction, SmallFunctionProps

_PATIENCE_SECONDS = 90
_TIMEOUT_SECONDS = 180  # five calls of 20 s at the most, beside the patience


class Journey(Construct):
    """From outside, as people come. The user is registered by the first walk, with a password that nobody knows."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, site_url: str, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        login = secretsmanager.Secret(
            self,
            "Login",
            description="The synthetic user",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"email": f"journey-{environment.name}@spendsmart.invalid"}),
                generate_string_key="password",
                exclude_punctuation=True,
                password_length=32,
            ),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        small = SmallFunction(
            self,
            "Walk",
            props=SmallFunctionProps(
                source="journey",
                description="Walks as a user: log in, upload, read, analytics",
                namespace=namespace(environment.name),
                timeout_seconds=_TIMEOUT_SECONDS,
                log_retention_days=environment.logs.retention_days,
                environment={
                    "SITE_URL": site_url,
                    "LOGIN_SECRET": login.secret_arn,
                    "PATIENCE_SECONDS": str(_PATIENCE_SECONDS),
                },
            ),
        )
        login.grant_read(small.role)
        events.Rule(
            self,
            "EachTime",
            description="Walk as a user",
            schedule=events.Schedule.rate(cdk.Duration.minutes(environment.alarms.journey_minutes)),
            targets=[targets.LambdaFunction(small.function)],
        )
