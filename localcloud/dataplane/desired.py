"""Reads from the AWS API what should run. The only module of the data plane that knows boto3's shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localcloud import aws, layout
from localcloud.dataplane.specs import (
    Action,
    Behaviour,
    BucketOrigin,
    Condition,
    DatabaseSpec,
    Desired,
    DistributionSpec,
    FixedResponse,
    Forward,
    HealthCheck,
    ListenerSpec,
    LoadBalancerOrigin,
    LoadBalancerSpec,
    Redirect,
    RuleSpec,
    Target,
    TargetGroupSpec,
    ValkeySpec,
    ValkeyUser,
    WeightedGroup,
)


def read() -> Desired:
    """Everything that is deployed, over all regions. Raises botocore's errors when the emulator does not answer."""
    databases: list[DatabaseSpec] = []
    valkeys: list[ValkeySpec] = []
    balancers: list[LoadBalancerSpec] = []
    for region in aws.REGIONS:
        databases += _databases(region)
        valkeys += _valkeys(region)
        balancers += _load_balancers(region)
    return Desired(
        databases=tuple(databases),
        valkeys=tuple(valkeys),
        load_balancers=tuple(balancers),
        distributions=tuple(_distributions(balancers)),
    )


def _secret(*path: str) -> dict[str, str] | None:
    """What the service knows and its API rightly does not tell; None until the emulator has written it."""
    file = layout.home().joinpath("secrets", *path)
    if not file.exists():
        return None
    found: dict[str, str] = json.loads(file.read_text())
    return found


# ---- RDS ----


def _databases(region: str) -> Iterator[DatabaseSpec]:
    rds = aws.client("rds", region)
    instances = {
        instance["DBInstanceIdentifier"]: instance
        for page in rds.get_paginator("describe_db_instances").paginate()
        for instance in page["DBInstances"]
        if instance["Engine"] == "postgres" and instance["DBInstanceStatus"] != "deleting"
    }
    groups: dict[str, dict[str, str]] = {}
    for name, instance in instances.items():
        source = instance.get("ReadReplicaSourceDBInstanceIdentifier") or None
        master = _secret("rds", f"{source or name}.json")
        if master is None or (source and source not in instances):
            continue
        group = next((g["DBParameterGroupName"] for g in instance.get("DBParameterGroups", [])), "")
        if group not in groups:
            groups[group] = _parameters(rds, group)
        yield DatabaseSpec(
            name=name,
            port=layout.allocate_port("rds", name),
            username=master["username"],
            password=master["password"],
            database=master.get("db_name", ""),
            parameters=groups[group],
            source=source,
        )


def _parameters(rds: Any, group: str) -> dict[str, str]:
    if not group or group.startswith("default."):
        return {}
    return {
        parameter["ParameterName"]: parameter["ParameterValue"]
        for page in rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group, Source="user")
        for parameter in page["Parameters"]
        if "ParameterValue" in parameter
    }


# ---- ElastiCache ----


def _valkeys(region: str) -> Iterator[ValkeySpec]:
    cache = aws.client("elasticache", region)
    groups = cache.describe_replication_groups()["ReplicationGroups"]
    if not groups:
        return
    members = {group["UserGroupId"]: group["UserIds"] for group in cache.describe_user_groups()["UserGroups"]}
    for group in groups:
        ids = [user for group_id in group.get("UserGroupIds", []) for user in members.get(group_id, [])]
        users = [(user, _secret("elasticache", f"{user}.json")) for user in ids]
        if not users or any(secret is None for _, secret in users):
            continue
        name = group["ReplicationGroupId"]
        yield ValkeySpec(
            name=name,
            port=layout.allocate_port("elasticache", name),
            users=tuple(
                ValkeyUser(name=secret["username"], access_string=secret["access_string"], password=secret["password"])
                for _, secret in users
                if secret
            ),
            parameters=_cache_parameters(cache, group),
        )


def _cache_parameters(cache: Any, group: dict[str, Any]) -> dict[str, str]:
    """Parameters of the group's own parameter group, which its member clusters name."""
    for member in group.get("MemberClusters", [])[:1]:
        clusters = cache.describe_cache_clusters(CacheClusterId=member)["CacheClusters"]
        for cluster in clusters:
            name = cluster.get("CacheParameterGroup", {}).get("CacheParameterGroupName", "")
            if name and not name.startswith("default."):
                found = cache.describe_cache_parameters(CacheParameterGroupName=name, Source="user")["Parameters"]
                return {p["ParameterName"]: p["ParameterValue"] for p in found if "ParameterValue" in p}
    return {}


# ---- Load balancers ----


def _load_balancers(region: str) -> Iterator[LoadBalancerSpec]:
    elb = aws.client("elbv2", region)
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        attributes = {
            a["Key"]: a["Value"] for a in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        }
        listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        yield LoadBalancerSpec(
            arn=arn,
            name=balancer["LoadBalancerName"],
            listeners=tuple(_listener(elb, balancer, listener) for listener in listeners),
            target_groups=tuple(_target_groups(elb, arn)),
            idle_timeout=int(attributes.get("idle_timeout.timeout_seconds", "60")),
            drop_invalid_headers=attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true",
        )


def _listener(elb: Any, balancer: dict[str, Any], listener: dict[str, Any]) -> ListenerSpec:
    rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    return ListenerSpec(
        arn=listener["ListenerArn"],
        port=listener["Port"],
        local_port=_local_port(balancer["LoadBalancerArn"], listener["Port"]),
        tls=listener["Protocol"] == "HTTPS",
        rules=tuple(sorted((_rule(rule) for rule in rules), key=lambda rule: rule.priority)),
    )


def _local_port(balancer: str, port: int) -> int:
    """The usual ports go to the first load balancer that asks for them, others are allotted."""
    usual = layout.ports().listener(port)
    owner = layout.folder("dataplane") / f"listener-{port}.owner"
    if usual and (not owner.exists() or owner.read_text() == balancer):
        layout.write_private(owner, balancer)
        return usual
    return layout.allocate_port("listener", f"{balancer}:{port}")


def _rule(rule: dict[str, Any]) -> RuleSpec:
    last = rule["IsDefault"] or rule["Priority"] == "default"
    return RuleSpec(
        priority=10**6 if last else int(rule["Priority"]),
        conditions=tuple(_condition(condition) for condition in rule.get("Conditions", [])),
        # Authentication and the like may come before; the last action is the one that answers.
        action=_action(max(rule["Actions"], key=lambda action: action.get("Order", 1))),
    )


_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
}


def _condition(condition: dict[str, Any]) -> Condition:
    kind = condition["Field"]
    config = condition.get(_CONFIGS[kind]) or {}
    if kind == "query-string":
        values = tuple(f"{pair.get('Key', '')}={pair['Value']}" for pair in config["Values"])
        return Condition(field=kind, values=values)
    return Condition(
        field=kind,
        values=tuple(config.get("Values") or condition.get("Values") or ()),
        key=config.get("HttpHeaderName"),
    )


def _action(action: dict[str, Any]) -> Action:
    match action["Type"]:
        case "forward":
            groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
            if not groups:
                groups = [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
            return Forward(
                groups=tuple(WeightedGroup(arn=g["TargetGroupArn"], weight=int(g.get("Weight", 1))) for g in groups)
            )
        case "redirect":
            config = action["RedirectConfig"]
            return Redirect(
                status_code=int(config["StatusCode"].removeprefix("HTTP_")),
                protocol=config.get("Protocol", "#{protocol}"),
                host=config.get("Host", "#{host}"),
                port=config.get("Port", "#{port}"),
                path=config.get("Path", "/#{path}"),
                query=config.get("Query", "#{query}"),
            )
        case "fixed-response":
            config = action["FixedResponseConfig"]
            return FixedResponse(
                status_code=int(config["StatusCode"]),
                content_type=config.get("ContentType", "text/plain"),
                body=config.get("MessageBody", ""),
            )
        case other:
            return FixedResponse(status_code=501, body=f"The local load balancer knows no action {other}.")


def _target_groups(elb: Any, balancer: str) -> Iterator[TargetGroupSpec]:
    for group in elb.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]:
        arn = group["TargetGroupArn"]
        described = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        yield TargetGroupSpec(
            arn=arn,
            # A draining target gets no new requests.
            targets=tuple(
                Target(address=d["Target"]["Id"], port=d["Target"].get("Port", group["Port"]))
                for d in described
                if d["TargetHealth"]["State"] != "draining"
            ),
            health_check=HealthCheck(
                path=group.get("HealthCheckPath", "/"),
                interval=group["HealthCheckIntervalSeconds"],
                timeout=group["HealthCheckTimeoutSeconds"],
                healthy_threshold=group["HealthyThresholdCount"],
                unhealthy_threshold=group["UnhealthyThresholdCount"],
                matcher=group.get("Matcher", {}).get("HttpCode", "200"),
            ),
        )


# ---- CloudFront ----


def _distributions(balancers: list[LoadBalancerSpec]) -> Iterator[DistributionSpec]:
    cloudfront = aws.client("cloudfront", "us-east-1")
    for index, item in enumerate(cloudfront.list_distributions()["DistributionList"].get("Items", [])):
        config = cloudfront.get_distribution_config(Id=item["Id"])["DistributionConfig"]
        if not config["Enabled"]:
            continue
        port = layout.ports().cdn if index == 0 else layout.allocate_port("listener", f"cdn:{item['Id']}")
        origins = {o["Id"]: origin for o in config["Origins"]["Items"] if (origin := _origin(o, balancers))}
        others = config.get("CacheBehaviors", {}).get("Items", [])
        yield DistributionSpec(
            id=item["Id"],
            arn=item["ARN"],
            local_port=port,
            origins=origins,
            behaviours=tuple(
                _behaviour(cloudfront, behaviour, pattern)
                for behaviour, pattern in [
                    *((b, b["PathPattern"]) for b in others),
                    (config["DefaultCacheBehavior"], "*"),
                ]
                if behaviour["TargetOriginId"] in origins
            ),
        )


def _origin(origin: dict[str, Any], balancers: list[LoadBalancerSpec]) -> BucketOrigin | LoadBalancerOrigin | None:
    host: str = origin["DomainName"]
    if ".s3." in host:
        bucket, _, rest = host.partition(".s3.")
        return BucketOrigin(bucket=bucket, region=rest.split(".")[0], path=origin.get("OriginPath", ""))
    # Every emulated load balancer has the same DNS name; the first is the only one in all but odd set-ups.
    for balancer in balancers:
        for listener in balancer.listeners:
            if listener.port in {80, 443}:
                return LoadBalancerOrigin(local_port=listener.local_port, tls=listener.tls)
    return None


def _behaviour(cloudfront: Any, behaviour: dict[str, Any], pattern: str) -> Behaviour:
    keys: dict[str, str] = {}
    for group_id in behaviour.get("TrustedKeyGroups", {}).get("Items", []):
        group = cloudfront.get_key_group(Id=group_id)["KeyGroup"]["KeyGroupConfig"]
        for key_id in group["Items"]:
            public = cloudfront.get_public_key(Id=key_id)["PublicKey"]["PublicKeyConfig"]
            keys[key_id] = public["EncodedKey"]
    return Behaviour(
        pattern=pattern,
        origin=behaviour["TargetOriginId"],
        redirect_to_https=behaviour["ViewerProtocolPolicy"] != "allow-all",
        public_keys=keys,
    )
