"""Rules of load balancers that look at the query string, by template and by call."""

from __future__ import annotations

from typing import Any

from .support import Deploy, Emulator

_QUERY = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "access", "Value": "token"}]}}
_HOST = {"Field": "host-header", "HostHeaderConfig": {"Values": ["one.example.com"]}}
_FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]


def _balancer() -> dict[str, Any]:
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.0.0/24"}}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
        "Subnet": subnet,
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Name": "queries", "Subnets": [{"Ref": "Subnet"}]},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": "HTTP", "DefaultActions": _FIXED,
            },
        },
        "Rule": {
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": {
                "ListenerArn": {"Ref": "Listener"}, "Priority": 1, "Conditions": [_HOST, _QUERY], "Actions": _FIXED,
            },
        },
    }  # fmt: skip


def test_what_the_query_has_to_have_is_kept(emulator: Emulator, deploy: Deploy) -> None:
    listener = deploy("queries", _balancer(), {"Listener": {"Ref": "Listener"}})["Listener"]
    elbv2 = emulator.client("elbv2")
    made = elbv2.create_rule(ListenerArn=listener, Priority=2, Conditions=[_QUERY, _HOST], Actions=_FIXED)
    assert _seen(made["Rules"][0]) == [_QUERY["QueryStringConfig"], None]
    shown = {rule["Priority"]: rule for rule in elbv2.describe_rules(ListenerArn=listener)["Rules"]}
    assert _seen(shown["1"]) == [None, _QUERY["QueryStringConfig"]]
    assert _seen(shown["2"]) == [_QUERY["QueryStringConfig"], None]
    assert shown["1"]["Conditions"][0]["HostHeaderConfig"] == _HOST["HostHeaderConfig"]


def _seen(rule: dict[str, Any]) -> list[Any]:
    return [condition.get("QueryStringConfig") for condition in rule["Conditions"]]
