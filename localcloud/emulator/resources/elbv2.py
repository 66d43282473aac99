"""Load balancers as the data plane serves them: on this machine, in the VPC of their subnets."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import alb

from localcloud.emulator import cloudformation, wire
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Completion, Properties, Provisioned, Wanted, resource

_DNS_NAME = "localhost"


@resource("AWS::ElasticLoadBalancingV2::LoadBalancer")
class LoadBalancer(Completion):
    """Upstream invents the VPC and the zones, and names the load balancer after AWS's DNS."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        record = alb._lbs[ref]
        subnets = client("ec2").describe_subnets(SubnetIds=list(wanted.properties["Subnets"]))["Subnets"]
        record["DNSName"] = _DNS_NAME
        record["VpcId"] = subnets[0]["VpcId"]
        record["AvailabilityZones"] = [
            {"ZoneName": subnet["AvailabilityZone"], "SubnetId": subnet["SubnetId"]} for subnet in subnets
        ]
        return {"DNSName": _DNS_NAME, "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K"}

    def delete(self, ref: str, properties: Properties) -> None:
        # Upstream deletes protected load balancers too.
        attributes = {item["Key"]: item["Value"] for item in alb._lb_attrs.get(ref, [])}
        protected = attributes.get("deletion_protection.enabled") == "true"
        if protected and not cloudformation.undoes_a_create(ref):
            raise ValueError(f"Load balancer '{ref}' cannot be deleted because deletion protection is enabled")
        super().delete(ref, properties)


@resource("AWS::ElasticLoadBalancingV2::Listener")
class Listener(Completion):
    """Upstream takes listener attributes on updates only."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        if "ListenerAttributes" in wanted.properties:
            alb._listener_attrs[ref] = [dict(item) for item in wanted.properties["ListenerAttributes"]]
        wire.keep(
            "elbv2",
            "Listener",
            alb._listeners[ref],
            {k: wanted.properties[k] for k in ("AlpnPolicy", "MutualAuthentication") if k in wanted.properties},
        )
        return {}


@resource("AWS::ElasticLoadBalancingV2::ListenerRule")
class ListenerRule(Completion):
    """Upstream drops a rule's tags and takes a priority twice."""

    def create(self, wanted: Wanted) -> Provisioned:
        listener, priority = wanted.properties["ListenerArn"], str(wanted.properties["Priority"])
        for rule in client("elbv2").describe_rules(ListenerArn=listener)["Rules"]:
            if rule["Priority"] == priority:
                raise ValueError(f"Priority '{priority}' is currently in use by {rule['RuleArn']}")
        return super().create(wanted)

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        alb._tags[ref] = [dict(tag) for tag in wanted.properties.get("Tags", [])]
        return {"IsDefault": False}


@resource("AWS::ElasticLoadBalancingV2::TargetGroup")
class TargetGroup(Completion):
    """Upstream drops the protocol's version and the address type, and half of the full name, which metrics have."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        record = alb._tgs[ref]
        record["ProtocolVersion"] = wanted.properties.get("ProtocolVersion", "HTTP1")
        record["IpAddressType"] = wanted.properties.get("IpAddressType", "ipv4")
        return {"LoadBalancerArns": record["LoadBalancerArns"], "TargetGroupFullName": ref.rsplit(":", 1)[1]}


def _listener(record: dict[str, Any]) -> dict[str, Any]:
    # Certificates are kept as plain ARNs; upstream shows them itself.
    return {name: value for name, value in record.items() if name != "Certificates"}


wire.complete(
    "elbv2",
    wire.Listing(
        operation="DescribeTargetGroups",
        records="TargetGroups",
        record_of=lambda item: alb._tgs.get(item["TargetGroupArn"]),
    ),
    wire.Listing(
        operation="DescribeListeners",
        records="Listeners",
        record_of=lambda item: _listener(alb._listeners.get(item["ListenerArn"]) or {}),
    ),
)
