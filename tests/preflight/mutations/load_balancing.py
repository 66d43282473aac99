"""Faults in the load balancer, its target groups, its quotas and its logs; actions are in `listeners`."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

_V2 = "AWS::ElasticLoadBalancingV2::"


def balancer(prod: Prod) -> dict[str, Any]:
    return prod.resource("Ingress", _V2 + "LoadBalancer")


def listener(prod: Prod, name: str = "Production") -> dict[str, Any]:
    return prod.resource("Ingress", _V2 + "Listener", path=f"/{name}Listener/")


def listener_rule(prod: Prod, name: str = "Production") -> dict[str, Any]:
    return prod.resource("Ingress", _V2 + "ListenerRule", path=f"/{name}Rule/")


def group(prod: Prod, name: str = "Blue") -> dict[str, Any]:
    return prod.resource("Ingress", _V2 + "TargetGroup", path=f"/{name}/")


def arns(count: int) -> list[dict[str, Any]]:
    prefix = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup"
    return [{"TargetGroupArn": f"{prefix}/preview-{number}/0"} for number in range(count)]


def more_rules(prod: Prod, count: int) -> None:
    properties = listener_rule(prod)["Properties"]
    for number in range(count):
        changed = {**properties, "Priority": 1000 + number}
        prod.add("Ingress", f"Preview{number}", {"Type": _V2 + "ListenerRule", "Properties": changed})


@plants("ELB-34", constraint=34)
def an_underscore_in_a_name(prod: Prod) -> str:
    group(prod)["Properties"]["Name"] = "spendsmart_blue"
    return prod.path(group(prod))


@plants("ELB-34", constraint=34)
def a_reserved_beginning_of_a_name(prod: Prod) -> str:
    balancer(prod)["Properties"]["Name"] = "internal-spendsmart"
    return prod.path(balancer(prod))


@plants("ELB-34b", constraint=34)
def a_named_target_group(prod: Prod) -> str:
    group(prod)["Properties"]["Name"] = {"Fn::Sub": "blue-${AWS::Region}"}
    return prod.path(group(prod))


@plants("ELB-35", constraint=35)
def a_hundred_target_groups_more(prod: Prod) -> str:
    for number in range(20):
        properties = {**listener_rule(prod)["Properties"], "Priority": 100 + number}
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": arns(100)[5 * number : 5 * number + 5]}}
        changed = {**properties, "Actions": [action]}
        prod.add("Ingress", f"Preview{number}", {"Type": _V2 + "ListenerRule", "Properties": changed})
    return prod.path(balancer(prod))


@plants("ELB-35b", constraint=35)
def a_hundred_rules_more(prod: Prod) -> str:
    more_rules(prod, 99)
    return prod.path(balancer(prod))


@plants("ELB-35c", constraint=35)
def too_many_certificates(prod: Prod) -> str:
    arn = "arn:aws:acm:us-east-1:000000000000:certificate/"
    properties = {
        "ListenerArn": {"Ref": prod.logical_id(listener(prod))},
        "Certificates": [{"CertificateArn": f"{arn}{number}"} for number in range(26)],
    }
    prod.add("Ingress", "Certificates", {"Type": _V2 + "ListenerCertificate", "Properties": properties})
    return prod.path(balancer(prod))


@plants("ELB-35d", constraint=35)
def six_condition_values(prod: Prod) -> str:
    hosts = [f"pr-{number}.example.com" for number in range(5)]
    conditions = listener_rule(prod)["Properties"]["Conditions"]
    conditions.append({"Field": "host-header", "HostHeaderConfig": {"Values": hosts}})
    return prod.path(listener_rule(prod))


@plants("ELB-35e", constraint=35)
def six_target_groups_in_one_action(prod: Prod) -> str:
    listener_rule(prod)["Properties"]["Actions"][0]["ForwardConfig"]["TargetGroups"] += arns(4)
    return prod.path(listener_rule(prod))


@plants("ELB-35f", constraint=35)
def seven_wildcards(prod: Prod) -> str:
    values = ["/*/a/*", "/*/b/*", "/*/c/*?"]
    listener_rule(prod)["Properties"]["Conditions"][0]["PathPatternConfig"]["Values"] = values
    return prod.path(listener_rule(prod))


@plants("ELB-35g", constraint=35)
def too_many_listeners(prod: Prod) -> str:
    for number in range(49):
        properties = {**listener(prod)["Properties"], "Port": 9000 + number}
        prod.add("Ingress", f"Listener{number}", {"Type": _V2 + "Listener", "Properties": properties})
    return prod.path(balancer(prod))


@plants("ELB-36", constraint=36)
def a_priority_twice(prod: Prod) -> str:
    preview = {"Type": _V2 + "ListenerRule", "Properties": dict(listener_rule(prod)["Properties"])}
    return prod.path(prod.add("Ingress", "Preview", preview))


@plants("ELB-37", constraint=37)
def a_weight_of_a_thousand(prod: Prod) -> str:
    listener_rule(prod)["Properties"]["Actions"][0]["ForwardConfig"]["TargetGroups"][0]["Weight"] = 1000
    return prod.path(listener_rule(prod))


@plants("ELB-37b", constraint=37)
def a_timeout_as_long_as_the_interval(prod: Prod) -> str:
    properties = group(prod)["Properties"]
    properties["HealthCheckTimeoutSeconds"] = properties["HealthCheckIntervalSeconds"]
    return prod.path(group(prod))


def _log_bucket(prod: Prod) -> dict[str, Any]:
    return prod.resource("Ingress", "AWS::S3::Bucket", path="/AccessLogs/")


@plants("ELB-38", constraint=38)
def a_log_bucket_with_a_kms_key(prod: Prod) -> str:
    encryption = _log_bucket(prod)["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    encryption["ServerSideEncryptionByDefault"] = {"SSEAlgorithm": "aws:kms"}
    return prod.path(balancer(prod))


@plants("ELB-38b", constraint=38)
def a_log_bucket_in_another_region(prod: Prod) -> str:
    _log_bucket(prod)["Properties"]["BucketName"] = "spendsmart-logs"
    resources = prod.template("Ingress")["Resources"]
    policy = prod.resource("Ingress", "AWS::S3::BucketPolicy", path="/AccessLogs/")
    for resource in (_log_bucket(prod), policy):
        name = prod.logical_id(resource)
        prod.template("StorageReplica")["Resources"][name] = resources.pop(name)
    attributes = balancer(prod)["Properties"]["LoadBalancerAttributes"]
    next(each for each in attributes if each["Key"] == "access_logs.s3.bucket")["Value"] = "spendsmart-logs"
    return prod.path(balancer(prod))


@plants("ELB-38c", constraint=38)
def a_prefix_that_the_policy_does_not_cover(prod: Prod) -> str:
    attributes = balancer(prod)["Properties"]["LoadBalancerAttributes"]
    next(each for each in attributes if each["Key"] == "access_logs.s3.prefix")["Value"] = "public"
    return prod.path(balancer(prod))


@plants("ELB-38d", constraint=38)
def a_load_balancer_before_its_bucket_policy(prod: Prod) -> str:
    del balancer(prod)["DependsOn"]
    return prod.path(balancer(prod))


@plants("ELB-213")
def logs_without_a_bucket(prod: Prod) -> str:
    properties = balancer(prod)["Properties"]
    attributes = properties["LoadBalancerAttributes"]
    properties["LoadBalancerAttributes"] = [each for each in attributes if each["Key"] != "access_logs.s3.bucket"]
    return prod.path(balancer(prod))


@plants("ELB-39", constraint=39)
def a_rule_in_another_stack(prod: Prod) -> str:
    owner = listener_rule(prod)
    name = prod.logical_id(owner)
    moved = prod.template("Ingress")["Resources"].pop(name)
    output = "PublishOutputRefBlue10BB7880E96324BA"
    if output not in prod.template("Ingress")["Outputs"]:
        prod.template("Ingress")["Outputs"][output] = {"Value": {"Ref": prod.logical_id(group(prod))}}
    arn = {"Fn::GetStackOutput": {"StackName": "SpendSmart-Prod-Ingress", "OutputName": output}}
    moved["Properties"] = {"Actions": [{"Type": "forward", "TargetGroupArn": arn}]}
    return prod.path(prod.add("Service", name, moved))


@plants("ELB-40", constraint=40)
def a_test_listener_for_everybody(prod: Prod) -> str:
    rules = {"Type": "AWS::ECS::Service", "Properties": {"LoadBalancers": []}}
    advanced = {
        "ProductionListenerRule": {"Ref": prod.logical_id(listener_rule(prod))},
        "TestListenerRule": {"Ref": prod.logical_id(listener_rule(prod, "Test"))},
    }
    rules["Properties"] = {"LoadBalancers": [{"AdvancedConfiguration": advanced}]}
    prod.add("Ingress", "Canary", rules)
    security_group = prod.resource("Ingress", "AWS::EC2::SecurityGroup", path="/Public/")
    port = listener(prod, "Test")["Properties"]["Port"]
    entry = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    security_group["Properties"]["SecurityGroupIngress"].append(entry)
    return prod.path(security_group)


@plants("ELB-201")
def two_subnets_of_one_zone(prod: Prod) -> str:
    subnets = [prod.resource("Network", "AWS::EC2::Subnet", path=f"/PublicSubnet{number}/") for number in (1, 2)]
    subnets[1]["Properties"]["AvailabilityZone"] = subnets[0]["Properties"]["AvailabilityZone"]
    return prod.path(balancer(prod))


@plants("ELB-212")
def an_endless_deregistration(prod: Prod) -> str:
    attributes = group(prod)["Properties"]["TargetGroupAttributes"]
    next(each for each in attributes if each["Key"].startswith("deregistration_delay"))["Value"] = "86400"
    return prod.path(group(prod))


@plants("ELB-214")
def a_server_error_that_counts_as_healthy(prod: Prod) -> str:
    group(prod)["Properties"]["Matcher"] = {"HttpCode": "200-503"}
    return prod.path(group(prod))


@plants("ELB-217")
def a_service_before_its_listener(prod: Prod) -> str:
    load_balancers = [{"TargetGroupArn": {"Ref": prod.logical_id(group(prod))}}]
    service = {"Type": "AWS::ECS::Service", "Properties": {"LoadBalancers": load_balancers}}
    return prod.path(prod.add("Ingress", "Service", service))


@plants("ELB-219")
def an_elastic_address_on_an_application_load_balancer(prod: Prod) -> str:
    properties = balancer(prod)["Properties"]
    subnets = properties.pop("Subnets")
    properties["SubnetMappings"] = [{"SubnetId": subnet, "AllocationId": "eipalloc-0"} for subnet in subnets]
    return prod.path(balancer(prod))


@plants("ELB-222")
def a_tcp_health_check_of_http_targets(prod: Prod) -> str:
    group(prod)["Properties"]["HealthCheckProtocol"] = "TCP"
    return prod.path(group(prod))


@plants("ELB-223")
def health_checks_switched_off(prod: Prod) -> str:
    group(prod)["Properties"]["HealthCheckEnabled"] = False
    return prod.path(group(prod))
