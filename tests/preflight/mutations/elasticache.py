"""Faults in the two Valkey groups of prod, their users and their parameters."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

DATA = "Data"
GROUP = "AWS::ElastiCache::ReplicationGroup"
CACHE = "AWS::ElastiCache::CacheCluster"
PARAMETER_GROUP = "AWS::ElastiCache::ParameterGroup"
USER = "AWS::ElastiCache::User"
USER_GROUP = "AWS::ElastiCache::UserGroup"
SECRET_TYPE = "AWS::SecretsManager::Secret"


def _set(prod: Prod, resource: dict[str, Any], **properties: Any) -> str:
    """Change properties (None takes one away) and return the construct's path."""
    for name, value in properties.items():
        resource["Properties"][name] = value
        if value is None:
            del resource["Properties"][name]
    return prod.path(resource)


def _broker(prod: Prod) -> dict[str, Any]:
    return prod.resource(DATA, GROUP, path="/Broker")


def _user(prod: Prod) -> dict[str, Any]:
    return prod.resource(DATA, USER, path="/Broker")


def _set_parameter(prod: Prod, name: str, value: str) -> str:
    parameters = prod.resource(DATA, PARAMETER_GROUP, path="/Cache")
    parameters["Properties"]["Properties"][name] = value
    return prod.path(parameters)


@plants("CACHE-72", constraint=72)
def encryption_left_open(prod: Prod) -> str:
    return _set(prod, _broker(prod), TransitEncryptionEnabled=None)


@plants("CACHE-72b", constraint=72)
def users_over_plain_connections(prod: Prod) -> str:
    return _set(prod, _broker(prod), TransitEncryptionEnabled=False)


@plants("CACHE-72c", constraint=72)
def a_token_beside_the_users(prod: Prod) -> str:
    secret = {"Ref": prod.logical_id(prod.resource(DATA, SECRET_TYPE, path="/Broker"))}
    return _set(prod, _broker(prod), AuthToken={"Fn::Sub": ["{{resolve:secretsmanager:${S}}}", {"S": secret}]})


@plants("CACHE-72d", constraint=72)
def a_generated_token_with_punctuation(prod: Prod) -> str:
    secret = prod.resource(DATA, SECRET_TYPE, path="/Broker")
    del secret["Properties"]["GenerateSecretString"]["ExcludePunctuation"]
    token = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": prod.logical_id(secret)}, "}}"]]}
    _set(prod, _broker(prod), AuthToken=token)
    return prod.path(secret)


@plants("CACHE-73", constraint=73)
def a_redis_user_group_without_the_default_user(prod: Prod) -> str:
    return _set(prod, prod.resource(DATA, USER_GROUP, path="/Broker"), Engine="redis")


@plants("CACHE-73b", constraint=73)
def a_user_without_a_password_in_a_valkey_group(prod: Prod) -> str:
    return _set(prod, _user(prod), Passwords=None, NoPasswordRequired=True)


@plants("CACHE-73b", constraint=73)
def the_built_in_user_in_a_valkey_group(prod: Prod) -> str:
    group = prod.resource(DATA, USER_GROUP, path="/Broker")
    return _set(prod, group, UserIds=[*group["Properties"]["UserIds"], "default"])


@plants("CACHE-73c", constraint=73)
def a_valkey_user_without_a_password(prod: Prod) -> str:
    return _set(prod, _user(prod), Passwords=None, AuthenticationMode={"Type": "no-password-required"})


@plants("CACHE-73d", constraint=73)
def a_redis_cache_with_a_valkey_user_group(prod: Prod) -> str:
    return _set(prod, _broker(prod), Engine="redis")


@plants("CACHE-73e", constraint=73)
def two_users_of_one_name(prod: Prod) -> str:
    group, user = prod.resource(DATA, USER_GROUP, path="/Broker"), _user(prod)
    twin = {"Type": USER, "Properties": {**user["Properties"], "UserId": "spendsmart-prod-twin"}}
    prod.add(DATA, "Twin", twin)
    return _set(prod, group, UserIds=[*group["Properties"]["UserIds"], {"Ref": "Twin"}])


@plants("CACHE-74", constraint=74)
def an_iam_user_with_another_name(prod: Prod) -> str:
    return _set(prod, _user(prod), Passwords=None, AuthenticationMode={"Type": "iam"}, UserName="broker")


@plants("CACHE-74b", constraint=74)
def an_iam_user_in_capitals(prod: Prod) -> str:
    return _set(
        prod, _user(prod), Passwords=None, AuthenticationMode={"Type": "iam"}, UserName="Broker", UserId="Broker"
    )


@plants("CACHE-75", constraint=75)
def failover_without_a_replica(prod: Prod) -> str:
    return _set(prod, _broker(prod), ReplicasPerNodeGroup=0)


@plants("CACHE-75b", constraint=75)
def multi_az_without_failover(prod: Prod) -> str:
    return _set(prod, _broker(prod), AutomaticFailoverEnabled=False)


@plants("CACHE-75b", constraint=75)
def shards_without_failover(prod: Prod) -> str:
    return _set(prod, _broker(prod), AutomaticFailoverEnabled=None, MultiAZEnabled=None, NumNodeGroups=2)


@plants("CACHE-75c", constraint=75)
def six_replicas(prod: Prod) -> str:
    return _set(prod, _broker(prod), ReplicasPerNodeGroup=6)


@plants("CACHE-75d", constraint=75)
def a_zone_too_few(prod: Prod) -> str:
    return _set(
        prod, _broker(prod), ReplicasPerNodeGroup=None, NumCacheClusters=2, PreferredCacheClusterAZs=["us-east-1a"]
    )


@plants("CACHE-76", constraint=76)
def parameters_of_an_older_major(prod: Prod) -> str:
    return _set(prod, _broker(prod), EngineVersion="7.2")


@plants("CACHE-76", constraint=76)
def the_default_parameters_of_redis(prod: Prod) -> str:
    return _set(prod, _broker(prod), CacheParameterGroupName="default.redis7")


@plants("CACHE-76b", constraint=76)
def a_family_with_the_minor_version(prod: Prod) -> str:
    group = prod.resource(DATA, PARAMETER_GROUP, path="/Cache")
    return _set(prod, group, CacheParameterGroupFamily="valkey8.1")


@plants("CACHE-76c", constraint=76)
def an_eviction_policy_that_does_not_exist(prod: Prod) -> str:
    return _set_parameter(prod, "maxmemory-policy", "lru")


@plants("CACHE-76d", constraint=76)
def a_parameter_that_does_not_exist(prod: Prod) -> str:
    return _set_parameter(prod, "maxmemory_samples", "5")


@plants("CACHE-76d", constraint=76)
def a_parameter_that_elasticache_keeps(prod: Prod) -> str:
    return _set_parameter(prod, "appendonly", "yes")


@plants("CACHE-78", constraint=78)
def snapshots_kept_for_too_long(prod: Prod) -> str:
    return _set(prod, _broker(prod), SnapshotRetentionLimit=36)


@plants("CACHE-78b", constraint=78)
def a_password_that_is_too_short(prod: Prod) -> str:
    secret = prod.resource(DATA, SECRET_TYPE, path="/Broker")
    secret["Properties"]["GenerateSecretString"]["PasswordLength"] = 15
    return prod.path(secret)


@plants("CACHE-201")
def maintenance_of_half_an_hour(prod: Prod) -> str:
    return _set(prod, _broker(prod), PreferredMaintenanceWindow="sun:06:30-sun:07:00")


@plants("CACHE-202")
def snapshots_during_the_maintenance(prod: Prod) -> str:
    return _set(prod, _broker(prod), SnapshotWindow="07:00-08:00")


@plants("CACHE-203")
def data_tiering_on_other_nodes(prod: Prod) -> str:
    return _set(prod, _broker(prod), DataTieringEnabled=True)


@plants("CACHE-204")
def a_redis_cluster_of_two_nodes(prod: Prod) -> str:
    properties = {"Engine": "redis", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 2}
    return prod.path(prod.add(DATA, "Single", {"Type": CACHE, "Properties": properties}))
