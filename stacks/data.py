"""What must not be lost but the images: the database, the queue's and the cache's servers, and their secrets."""

from __future__ import annotations

from datetime import date
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, Decision, Pack, acknowledge
from infra.backup_tag import mark_for_backup
from infra.config import Environment, models
from infra.database import BackupCopy, Database, DatabaseProps
from infra.environment_stack import EnvironmentStack
from infra.signing_key import RotationProps, SigningKeyRotation
from infra.valkey import ValkeyGroup, ValkeyProps

_SIGNS_SESSIONS = Decision(
    reason="It signs what Django itself hands out for hours (the session's hash, CSRF tokens) and stands before "
    "no data; tokens of the API are signed with another secret, which rotates. A new value ends every "
    "session at once, so it is changed by hand, when it has leaked",
    owner="application",
    reference="docs/runbooks/secret-rotation-failed.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)
_OPENAI = Decision(
    reason="OpenAI gives out the key, and has no call by which a function could ask for the next one: a person "
    "makes it there and puts it here. The daily budget bounds what a stolen one is worth",
    owner="application",
    reference="docs/openai.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)
_KEY_PAIR = Decision(
    reason="It is the private half of a pair whose public half is a file of the repository that CloudFront is "
    "told of: both change together, in a release, as config/keys/README.md says",
    owner="platform",
    reference="config/keys/README.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)


def _stays(secret: secretsmanager.Secret, decision: Decision) -> None:
    acknowledge(secret, "SMG4", packs=[Pack.AWS_SOLUTIONS], decision=decision)
    acknowledge(secret, "SecretRotates", packs=[Pack.OURS], decision=decision)
    acknowledge(secret, "SecretsManagerRotationEnabled", packs=HIPAA_NIST, decision=decision)


class DataStack(EnvironmentStack):
    """PostgreSQL, two Valkey groups and the application's secrets, under one key.

    Queue and cache are two servers because they want opposite things when the memory is full: the queue must refuse
    (a job may not vanish), the cache must forget.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        vpc: ec2.IVpc,
        log_key: kms.IKey,
        backup_copy: BackupCopy | None,
        signed_images: bool,
    ) -> None:
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.primary, stateful=True
        )
        self.encrypt_logs_with(log_key)
        self.vpc = vpc
        self.key = kms.Key(
            self,
            "Key",
            description=f"SpendSmart {environment.name}: database, queue, cache and secrets",
            removal_policy=self.removal_policy,
        )
        self.database = Database(
            self,
            "Database",
            props=DatabaseProps(
                name=f"spendsmart-{environment.name}",
                config=environment.database,
                vpc=vpc,
                isolated=ec2.SubnetSelection(subnet_group_name="Isolated"),
                private=ec2.SubnetSelection(subnet_group_name="Private"),
                key=self.key,
                log_retention_days=environment.logs.retention_days,
                removal_policy=self.removal_policy,
                protect=environment.protect,
                in_backup_plan=environment.features.backup,
                backup_copy=backup_copy,
            ),
        )
        if environment.features.backup:
            mark_for_backup(self.database.writer, environment)
        self.preview_functions = self._preview_functions() if environment.previews else None
        self.broker = self._valkey("Broker", config=environment.broker, eviction="noeviction")
        self.cache = self._valkey("Cache", config=environment.cache, eviction="allkeys-lru")
        self.django_secret_key = self._secret("DjangoSecretKey", "Django's SECRET_KEY")
        _stays(self.django_secret_key, _SIGNS_SESSIONS)
        self.jwt_signing_key = self._secret("JwtSigningKey", "Signs the access and refresh tokens")
        SigningKeyRotation(
            self,
            "JwtSigningKeyRotation",
            props=RotationProps(
                secret=self.jwt_signing_key,
                days=environment.tokens.key_rotation_days,
                log_retention_days=environment.logs.retention_days,
            ),
        )
        self.image_signing_key = (
            self._secret("ImageSigningKey", "Private key (PEM) of image URLs: random until yours is put in its place")
            if signed_images
            else None
        )
        self.openai_secret = (
            self._secret("OpenAiApiKey", "API key of OpenAI: random until yours is put in its place")
            if environment.features.openai
            else None
        )

        if self.openai_secret:
            _stays(self.openai_secret, _OPENAI)
        if self.image_signing_key:
            _stays(self.image_signing_key, _KEY_PAIR)
            cdk.CfnOutput(self, "ImageSigningKeySecret", value=self.image_signing_key.secret_arn)

    def _preview_functions(self) -> ec2.SecurityGroup:
        """Of the function that makes previews' databases. It is here, and not with the function, as the addresses of a
        function in a VPC hold its groups for up to an hour after it is deleted."""
        group = ec2.SecurityGroup(
            self, "PreviewFunctions", vpc=self.vpc, description="Makes databases of previews", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS")
        group.connections.allow_to(self.database.security_group, ec2.Port.tcp(5432), "Makes databases")
        return group

    def _valkey(
        self, construct_id: str, *, config: models.Valkey, eviction: Literal["noeviction", "allkeys-lru"]
    ) -> ValkeyGroup:
        return ValkeyGroup(
            self,
            construct_id,
            props=ValkeyProps(
                name=f"spendsmart-{self.settings.name}-{construct_id.lower()}",
                config=config,
                eviction=eviction,
                vpc=self.vpc,
                subnet_ids=self.vpc.select_subnets(subnet_group_name="Isolated").subnet_ids,
                key=self.key,
                log_retention_days=self.settings.logs.retention_days,
                removal_policy=self.removal_policy,
            ),
        )

    def _secret(self, construct_id: str, description: str) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            self,
            construct_id,
            description=description,
            encryption_key=self.key,
            # Editing this makes a new value: every user would be logged out.
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=64),
            removal_policy=self.removal_policy,
        )
