"""The function that walks as a user, and the user that it is."""

from __future__ import annotations

import json
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_lasting
from infra.config import Environment
from infra.monitoring.metrics.application import namespace
from infra.small_function import SmallFunction, SmallFunctionProps

_MADE_UP_USER = Decision(
    reason="A user who is made up, has one made-up receipt for a minute and no rights beyond it: its password "
    "opens what anybody gets who registers. The first walk registers it, and a new stack has a new one",
    owner="platform",
    reference="docs/adr/0041-the-journey-is-a-function.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NEXT_WALK = Decision(
    reason="The next walk comes in minutes and asks anew; one that failed is the alarm journey-failing, none at all is "
    "journey-silent. Its event is the time of day: nothing in it could be tried again",
    owner="platform",
    reference="docs/adr/0041-the-journey-is-a-function.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
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
        acknowledge_lasting(login, decision=_MADE_UP_USER)
        small = SmallFunction(
            self,
            "Walk",
            props=SmallFunctionProps(
                source="journey",
                description="Walks as a user: log in, upload, read, analytics",
                namespace=namespace(environment.name),
                timeout_seconds=_TIMEOUT_SECONDS,
                undelivered=_NEXT_WALK,
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
