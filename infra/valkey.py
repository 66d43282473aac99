"""One ElastiCache replication group of Valkey, and the one user that may log in to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import HIPAA_NIST, Decision, Pack, acknowledge
from infra.config import models
from infra.retention import retention
from infra.secret_rotation import SecretRotation, SecretRotationProps
from infra.waiver import waive

_USERS = Decision(
    reason="Valkey knows users: this group has one user with a password of 64 characters and only the commands that "
    "the application needs. An AUTH token is the older way, without users, and excludes a user group",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_NOTHING_TO_RESTORE = Decision(
    reason="A cache refills itself, and an old copy of the queue would be worse than none: jobs that are done would "
    "run again. The application queues anew from its database, which is backed up",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_ONE_NODE = Decision(
    reason="No replica is configured for this environment, as a failure of its node costs minutes of a test and "
    "nobody's data; production and staging have a replica in another zone",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_THROWN_AWAY = Decision(
    reason="This environment is made to be deleted, by a command or with its branch: what its queue and cache "
    "hold is test data, and servers that are left behind cost money by the hour",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

ENGINE_VERSION = "8.1"
_FAMILY = "valkey8"
_PORT = 6379
_ROTATION_DAYS = 30
_PASSWORD_LENGTH = 64  # ElastiCache takes 16 to 128 characters

_ACCESS = "on ~* &* +@all -@admin -@dangerous +info"
"""Every key and channel, but nothing that changes the server or reads all keys; `info` is for monitoring."""


def tenant_access(prefix: str) -> str:
    """The access string of a user who shares a group with others: keys and channels that begin with `prefix`, and no
    command that tells of keys without naming them.

    Celery's remote control subscribes to patterns, which have to be allowed word for word.
    """
    control = " ".join(f"&{prefix}/0.{exchange}" for exchange in ("celery.pidbox", "reply.celery.pidbox"))
    return (
        f"on ~{prefix}* resetchannels &{prefix}* {control} "
        "+@all -@admin -@dangerous -scan -randomkey -dbsize -pubsub +info"
    )


@dataclass(frozen=True, kw_only=True)
class ValkeyProps:
    """`name` is unique in the account and region; `eviction` says what happens when the memory is full."""

    name: str
    config: models.Valkey
    eviction: Literal["noeviction", "allkeys-lru"]
    vpc: ec2.IVpc
    subnet_ids: list[str]
    key: kms.IKey
    log_retention_days: models.RetentionDays
    removal_policy: cdk.RemovalPolicy


class ValkeyGroup(Construct):
    """Encrypted at rest and in transit; one primary, and replicas that take over where there are any.

    No snapshots: a cache refills itself, and of a queue an old copy would be worse than none (the application
    re-queues from its database).
    """

    username: str
    endpoint_address: str
    port: str
    """A token: the local cloud listens on other ports than AWS."""
    group_id: str
    user_group_id: str
    """Of the users that may log in; plain text, as other stacks add their own to it."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ValkeyProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self.username = self.user_group_id = props.name
        self.security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=props.vpc, description=f"Valkey {props.name}", allow_all_outbound=False
        )
        self.secret = secretsmanager.Secret(
            self,
            "Password",
            description=f"Password of the Valkey user {props.name}",
            encryption_key=props.key,
            # Editing this makes a new password.
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=_PASSWORD_LENGTH
            ),
            removal_policy=props.removal_policy,
        )
        group = self._replication_group(self._user_group())
        self.group_id = group.ref
        self.endpoint_address = group.attr_primary_end_point_address
        self.port = group.attr_primary_end_point_port
        self._rotate()

    def _rotate(self) -> None:
        """Each month; running tasks go on with the password before it, and restart with the new one."""
        users = cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="user",
            resource_name=self._props.name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        SecretRotation(
            self,
            "PasswordRotation",
            props=SecretRotationProps(
                secret=self.secret,
                days=_ROTATION_DAYS,
                source="rotate_valkey_password.py",
                description=f"A new password for the Valkey user {self._props.name}",
                timeout_seconds=240,
                log_retention_days=self._props.log_retention_days,
                environment={"USER_ID": self._props.name},
                allow=[
                    iam.PolicyStatement(
                        actions=["elasticache:DescribeUsers", "elasticache:ModifyUser"], resources=[users]
                    )
                ],
            ),
        )

    def _user_group(self) -> elasticache.CfnUserGroup:
        name = self._props.name
        user = elasticache.CfnUser(
            self,
            "User",
            engine="valkey",
            user_id=name,
            user_name=self.username,
            access_string=_ACCESS,
            # A dynamic reference: the password itself is in no template.
            passwords=[self.secret.secret_value.unsafe_unwrap()],
        )
        waive(
            user,
            rule="SECRET-97",
            reason="The rotation's function gives the user its passwords itself; an update of this resource gives it "
            "the current one, which running tasks have by then",
            owner="platform",
            expires=date(2027, 11, 26),
        )
        return elasticache.CfnUserGroup(self, "Users", engine="valkey", user_group_id=name, user_ids=[user.ref])

    def _replication_group(self, users: elasticache.CfnUserGroup) -> elasticache.CfnReplicationGroup:
        props = self._props
        failover = props.config.replicas > 0
        subnets = elasticache.CfnSubnetGroup(
            self, "Subnets", description=f"Isolated subnets of Valkey {props.name}", subnet_ids=props.subnet_ids
        )
        parameters = elasticache.CfnParameterGroup(
            self,
            "Parameters",
            cache_parameter_group_family=_FAMILY,
            description=f"{props.eviction} when the memory is full",
            properties={"maxmemory-policy": props.eviction},
        )
        slow = logs.LogGroup(self, "SlowLog", retention=retention(props.log_retention_days))
        group = elasticache.CfnReplicationGroup(
            self,
            "Group",
            replication_group_description=f"Valkey {props.name}",
            engine="valkey",
            engine_version=ENGINE_VERSION,
            cache_node_type=props.config.node_type,
            num_node_groups=1,
            replicas_per_node_group=props.config.replicas,
            automatic_failover_enabled=failover,
            multi_az_enabled=failover,
            port=_PORT,
            cache_subnet_group_name=subnets.ref,
            cache_parameter_group_name=parameters.ref,
            security_group_ids=[self.security_group.security_group_id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=props.key.key_arn,
            user_group_ids=[users.ref],
            auto_minor_version_upgrade=True,
            preferred_maintenance_window="sun:06:30-sun:07:30",
            log_delivery_configurations=[
                elasticache.CfnReplicationGroup.LogDeliveryConfigurationRequestProperty(
                    log_type="slow-log",
                    log_format="json",
                    destination_type="cloudwatch-logs",
                    destination_details=elasticache.CfnReplicationGroup.DestinationDetailsProperty(
                        cloud_watch_logs_details=(
                            elasticache.CfnReplicationGroup.CloudWatchLogsDestinationDetailsProperty(
                                log_group=slow.log_group_name
                            )
                        )
                    ),
                )
            ],
        )
        acknowledge(group, "AEC6", packs=[Pack.AWS_SOLUTIONS], decision=_USERS)
        acknowledge(group, "ElastiCacheRedisClusterAutomaticBackup", packs=HIPAA_NIST, decision=_NOTHING_TO_RESTORE)
        if not failover:
            acknowledge(group, "AEC4", packs=[Pack.AWS_SOLUTIONS], decision=_ONE_NODE)
        if props.removal_policy is cdk.RemovalPolicy.DESTROY:
            acknowledge(group, "StatefulProtected", packs=[Pack.OURS], decision=_THROWN_AWAY)
        group.apply_removal_policy(props.removal_policy)
        return group
