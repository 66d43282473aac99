"""What must not be lost but the images: the database, the queue's and the cache's servers, and their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_lasting
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


class DataReplicaStack(EnvironmentStack):
    """The second region's key for the copies of secrets; deployed before anything is copied there.

    It says what is promised for the first region's loss, for those who find only this one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, region: str) -> None:
        super().__init__(scope, construct_id, environment=environment, region=region, stateful=True)
        self.key = kms.Key(
            self,
            "Key",
            description=f"SpendSmart {environment.name}: copies of secrets",
            removal_policy=self.removal_policy,
        )
        promised = environment.recovery
        for name, minutes in (
            ("RtoMinutes", promised.rto_minutes),
            ("DatabaseRpoMinutes", promised.database_rpo_minutes),
            ("ImagesRpoMinutes", promised.images_rpo_minutes),
        ):
            cdk.CfnOutput(self, name, value=str(minutes))


@dataclass(frozen=True, kw_only=True)
class SecretsCopy:
    """Another region, and the key there."""

    region: str
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What a Data stack in the second region begins with: `data` is the ARN of a snapshot or of an automated backup of
    the database, `key_arn` of the key of the secrets' copies."""

    data: str
    key_arn: str


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
        secrets_copy: SecretsCopy | None = None,
        recovered: Recovered | None = None,
    ) -> None:
        """`secrets_copy` is where secrets are copied to; `recovered` is what there is when they come from there."""
        super().__init__(
            scope, construct_id, environment=environment, region=environment.regions.primary, stateful=True
        )
        self.encrypt_logs_with(log_key)
        self.vpc = vpc
        self._secrets_copy, self._recovered = secrets_copy, recovered
        self.copies_key_arn = recovered.key_arn if recovered else None
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
                restored_from=recovered.data if recovered else None,
            ),
        )
        if environment.features.backup:
            mark_for_backup(self.database.writer, environment)
        self.broker = self._valkey("Broker", config=environment.broker, eviction="noeviction")
        self.cache = self._valkey("Cache", config=environment.cache, eviction="allkeys-lru")
        self.preview_functions = self._preview_functions() if environment.previews else None
        self.django_secret_key = self._secret("DjangoSecretKey", "Django's SECRET_KEY")
        _acknowledge_lasting(self.django_secret_key, decision=_SIGNS_SESSIONS)
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
            _acknowledge_lasting(self.openai_secret, decision=_OPENAI)
        if self.image_signing_key:
            _acknowledge_lasting(self.image_signing_key, decision=_KEY_PAIR)
            cdk.CfnOutput(self, "ImageSigningKeySecret", value=self.image_signing_key.secret_arn)

    def _preview_functions(self) -> ec2.SecurityGroup:
        """Of the function that makes previews' databases and deletes their keys.

        It is here, and not with the function, as the addresses of a function in a VPC hold its groups for up to an hour
        after it is deleted.
        """
        group = ec2.SecurityGroup(
            self, "PreviewFunctions", vpc=self.vpc, description="Makes databases of previews", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS")
        group.connections.allow_to(self.database.security_group, ec2.Port.tcp(5432), "Makes databases")
        for valkey in (self.broker, self.cache):
            group.connections.allow_to(valkey.security_group, ec2.Port.tcp(6379), "Deletes keys")
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

    def _secret(self, construct_id: str, description: str) -> secretsmanager.ISecret:
        # Named, so that the other region knows it when this one is gone.
        name = f"spendsmart-{self.settings.name}/{construct_id}"
        if self._recovered:
            return secretsmanager.Secret.from_secret_attributes(
                self,
                construct_id,
                secret_partial_arn=self.format_arn(
                    service="secretsmanager",
                    resource="secret",
                    resource_name=name,
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                ),
                # Imported: the key's own policy would else have to name roles of this stack, which needs it first.
                encryption_key=kms.Key.from_key_arn(self, f"{construct_id}CopyKey", self._recovered.key_arn),
            )
        copy = self._secrets_copy
        return secretsmanager.Secret(
            self,
            construct_id,
            secret_name=name if copy else None,
            replica_regions=[
                secretsmanager.ReplicaRegion(
                    region=copy.region,
                    encryption_key=kms.Key.from_key_arn(self, f"{construct_id}CopyKey", copy.key_arn),
                )
            ]
            if copy
            else None,
            description=description,
            encryption_key=self.key,
            # Editing this makes a new value: every user would be logged out.
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=64),
            removal_policy=self.removal_policy,
        )


def _acknowledge_lasting(secret: secretsmanager.ISecret, *, decision: Decision) -> None:
    """One that comes from the other region is acknowledged there."""
    if isinstance(secret, secretsmanager.Secret):
        acknowledge_lasting(secret, decision=decision)
