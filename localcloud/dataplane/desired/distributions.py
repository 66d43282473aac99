"""CloudFront distributions as specs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud import layout
from localcloud.dataplane.desired.api import Reader
from localcloud.dataplane.desired.bucket_policy import lets_in
from localcloud.dataplane.desired.load_balancers import LoadBalancers
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.specs import (
    BehaviorSpec,
    DistributionSpec,
    ListenerSpec,
    LoadBalancerSpec,
    OriginSpec,
    PublicKeySpec,
)

_CF = "cloudfront"
_AGE = 3.0
_POLICY_AGE = 60.0
_BUCKET = re.compile(r"^(?P<bucket>.+)\.s3(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]))?\.amazonaws\.com$")


def distributions(
    reader: Reader, *, balancers: LoadBalancers
) -> tuple[tuple[DistributionSpec, ...], tuple[tuple[str, str, str], ...]]:
    """Specs, and (kind, name, message) of those that need what is not available here."""
    # An empty list has no items at all.
    listed = reader.one(_CF, "list_distributions").get("DistributionList", {}).get("Items", [])
    listed = sorted(listed, key=lambda each: (str(each.get("LastModifiedTime", "")), each["Id"]))
    specs, refused = [], []
    for summary in listed:
        described = reader.one(_CF, "get_distribution", seconds=_AGE, Id=summary["Id"])["Distribution"]
        if not described["DistributionConfig"].get("Enabled", True):
            continue
        try:
            specs.append(_distribution(reader, described, balancers))
        except UnsupportedError as error:
            refused.append(("distribution", summary["Id"], str(error)))
    return tuple(specs), tuple(refused)


def _distribution(reader: Reader, described: dict[str, Any], balancers: LoadBalancers) -> DistributionSpec:
    config, arn = described["DistributionConfig"], described["ARN"]
    if _items(config.get("OriginGroups")):
        raise UnsupportedError("origin groups are not available here")
    tags = {
        tag["Key"]: tag.get("Value", "")
        for tag in _items(reader.one(_CF, "list_tags_for_resource", seconds=_AGE, Resource=arn)["Tags"])
    }
    behaviors = [*_items(config.get("CacheBehaviors")), {**config["DefaultCacheBehavior"], "PathPattern": "*"}]
    return DistributionSpec(
        distribution_id=described["Id"],
        local_port=layout.distribution_port(described["Id"]),
        origins=tuple(_origin(reader, origin, arn, tags, balancers) for origin in _items(config["Origins"])),
        behaviors=tuple(_behavior(reader, behavior) for behavior in behaviors),
        default_root_object=config.get("DefaultRootObject", ""),
    )


def _items(counted: Mapping[str, Any] | None) -> list[Any]:
    """CloudFront's lists are {"Quantity": …, "Items": […]}, without items where there are none."""
    return list((counted or {}).get("Items") or [])


def _origin(
    reader: Reader, origin: dict[str, Any], arn: str, tags: Mapping[str, str], balancers: LoadBalancers
) -> OriginSpec:
    headers = tuple((header["HeaderName"], header["HeaderValue"]) for header in _items(origin.get("CustomHeaders")))
    path = origin.get("OriginPath", "")
    bucket = _BUCKET.match(origin["DomainName"])
    if bucket:
        region = bucket["region"] or reader.region
        return OriginSpec(
            origin_id=origin["Id"],
            domain_name=layout.LOOPBACK,
            port=layout.ports().api,
            tls=True,
            path=path,
            bucket=bucket["bucket"],
            region=region,
            allowed=bool(origin.get("OriginAccessControlId")) and lets_in(reader, bucket["bucket"], distribution=arn),
            headers=headers,
        )
    config = origin.get("CustomOriginConfig", {})
    secure = config.get("OriginProtocolPolicy") == "https-only"
    if config.get("OriginProtocolPolicy") == "match-viewer":
        raise UnsupportedError(f"origin {origin['Id']}: the protocol policy match-viewer is not available here")
    declared = int(config.get("HTTPSPort" if secure else "HTTPPort", 443 if secure else 80))
    balancer = _balancer(origin["DomainName"], tags, balancers)
    listener = _listener(balancer, declared)
    return OriginSpec(
        origin_id=origin["Id"],
        domain_name=origin["DomainName"],
        port=listener.local_port,
        tls=listener.protocol == "HTTPS",
        path=path,
        read_timeout=int(config.get("OriginReadTimeout", 30)),
        headers=headers,
    )


def _balancer(domain_name: str, tags: Mapping[str, str], balancers: LoadBalancers) -> LoadBalancerSpec:
    """The load balancer behind an origin. All are called `localhost` here, so the tag Environment tells them apart."""
    if domain_name != "localhost":
        raise UnsupportedError(f"origin {domain_name}: only load balancers and buckets are reachable here")
    found = [
        balancer
        for balancer in balancers.balancers
        if balancers.tags.get(balancer.arn, {}).get("Environment") == tags.get("Environment")
    ]
    found = found or list(balancers.balancers)
    if len(found) != 1:
        raise UnsupportedError(f"origin {domain_name}: {len(found)} load balancers could be meant")
    return found[0]


def _listener(balancer: LoadBalancerSpec, port: int) -> ListenerSpec:
    for listener in balancer.listeners:
        if listener.port == port:
            return listener
    raise UnsupportedError(f"load balancer {balancer.name} has no listener on port {port}")


def _behavior(reader: Reader, behavior: dict[str, Any]) -> BehaviorSpec:
    for name in ("FunctionAssociations", "LambdaFunctionAssociations"):
        if _items(behavior.get(name)):
            raise UnsupportedError(f"behaviour {behavior['PathPattern']}: functions are not available here")
    cache = _policy(reader, "get_cache_policy", "CachePolicy", behavior.get("CachePolicyId"))
    forward = _policy(reader, "get_origin_request_policy", "OriginRequestPolicy", behavior.get("OriginRequestPolicyId"))
    headers = forward.get("HeadersConfig", {}).get("HeaderBehavior", "none")
    compressing = cache.get("ParametersInCacheKeyAndForwardedToOrigin", {}).get("EnableAcceptEncodingGzip", False)
    return BehaviorSpec(
        path_pattern=behavior["PathPattern"],
        origin_id=behavior["TargetOriginId"],
        viewer_protocol_policy=behavior["ViewerProtocolPolicy"],
        allowed_methods=tuple(_items(behavior.get("AllowedMethods"))) or ("GET", "HEAD"),
        compress=bool(behavior.get("Compress")) and compressing,
        forward_headers=headers != "none",
        host="viewer" if headers in ("allViewer", "allViewerAndWhitelistCloudFront") else "origin",
        forward_query=forward.get("QueryStringsConfig", {}).get("QueryStringBehavior", "none") != "none",
        forward_cookies=forward.get("CookiesConfig", {}).get("CookieBehavior", "none") != "none",
        response_headers=_response_headers(reader, behavior.get("ResponseHeadersPolicyId")),
        trusted_keys=_trusted_keys(reader, behavior),
    )


def _policy(reader: Reader, operation: str, member: str, policy_id: str | None) -> dict[str, Any]:
    if not policy_id:
        return {}
    found: dict[str, Any] = reader.one(_CF, operation, seconds=_POLICY_AGE, Id=policy_id)[member][f"{member}Config"]
    return found


def _response_headers(reader: Reader, policy_id: str | None) -> tuple[tuple[str, str], ...]:
    """Security headers of a policy. Not Strict-Transport-Security: a browser would hold it against every other port of
    localhost, too."""
    config = _policy(reader, "get_response_headers_policy", "ResponseHeadersPolicy", policy_id)
    security = config.get("SecurityHeadersConfig", {})
    found = []
    if "XSSProtection" in security:
        protection = security["XSSProtection"]
        mode = "; mode=block" if protection.get("ModeBlock") else ""
        found.append(("x-xss-protection", f"{int(protection['Protection'])}{mode}"))
    if "FrameOptions" in security:
        found.append(("x-frame-options", security["FrameOptions"]["FrameOption"]))
    if "ReferrerPolicy" in security:
        found.append(("referrer-policy", security["ReferrerPolicy"]["ReferrerPolicy"]))
    if "ContentTypeOptions" in security:
        found.append(("x-content-type-options", "nosniff"))
    if "ContentSecurityPolicy" in security:
        found.append(("content-security-policy", security["ContentSecurityPolicy"]["ContentSecurityPolicy"]))
    return tuple(found)


def _trusted_keys(reader: Reader, behavior: dict[str, Any]) -> tuple[PublicKeySpec, ...] | None:
    groups = _items(behavior.get("TrustedKeyGroups"))
    if not groups:
        return None
    found = []
    for group_id in groups:
        group = reader.one(_CF, "get_key_group", seconds=_AGE, Id=group_id)["KeyGroup"]["KeyGroupConfig"]
        for key_id in group["Items"]:
            key = reader.one(_CF, "get_public_key", seconds=_AGE, Id=key_id)["PublicKey"]["PublicKeyConfig"]
            found.append(PublicKeySpec(key_pair_id=key_id, pem=key["EncodedKey"]))
    return tuple(found)
