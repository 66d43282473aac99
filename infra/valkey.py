"""One ElastiCache replication group of Valkey, and the one user that may log in to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import models
from infra.retention import retention

ENGINE_VERSION = "8.1"
_FAMILY = "valkey8"
_PORT = 6379
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
        group.apply_removal_policy(props.removal_policy)
        return group
