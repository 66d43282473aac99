"""The load balancer and the rules that rollouts shift."""

from __future__ import annotations

import re

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template as Synthesized

from infra.load_balancer import PublicLoadBalancer
from infra.log_bucket import LogBucket
from tests.infra.synthesized import Assembly

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/11111111-2222-3333-4444-555555555555"


def _attributes(properties: dict) -> dict[str, object]:
    key = "LoadBalancerAttributes" if "LoadBalancerAttributes" in properties else "TargetGroupAttributes"
    return {attribute["Key"]: attribute["Value"] for attribute in properties[key]}


@pytest.mark.parametrize(("environment", "protected"), [("prod", True), ("staging", True), ("dev", False)])
def test_load_balancer_is_public_logged_and_protected(synth, environment: str, protected: bool) -> None:
    balancer = synth(environment)["Ingress"].one(LOAD_BALANCER)
    attributes = _attributes(balancer)
    assert balancer["Scheme"] == "internet-facing"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"
    assert attributes["idle_timeout.timeout_seconds"] == "60"
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes.get("deletion_protection.enabled", "false") == str(protected).lower()
    assert all("PublicSubnet" in subnet["Fn::GetStackOutput"]["OutputName"] for subnet in balancer["Subnets"])


def test_access_log_bucket_has_s3s_own_encryption(assembly: Assembly) -> None:
    """Load balancers refuse to log into a bucket with a KMS key (AWS-side rule, not in any schema)."""
    bucket = assembly["Ingress"].one("AWS::S3::Bucket")
    rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert [rule["ServerSideEncryptionByDefault"] for rule in rules] == [{"SSEAlgorithm": "AES256"}]


@pytest.mark.parametrize("listener", ["Production", "Test"])
def test_rollout_rules_are_frozen(assembly: Assembly, listener: str) -> None:
    """An edit of any property resets the weights in the middle of a rollout (aws-cdk#36649): do not adapt this test.

    Where there are previews, their rules come first; such an environment rolls, and shifts no weights.
    """
    template = assembly["Ingress"]
    (logical_id,) = (name for name in template.all(RULE) if f"{listener}Rule" in name)
    assert logical_id == {"Production": "ProductionRuleD96592E2", "Test": "TestRule98A50909"}[listener]
    rule = template.one(RULE, containing=f"{listener}Rule")
    rule.pop("Tags", None)
    assert rule == {
        "Actions": [
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": {"Ref": "Blue10BB7880"}, "Weight": 100},
                        {"TargetGroupArn": {"Ref": "Green9DCBBC03"}, "Weight": 0},
                    ]
                },
            }
        ],
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        "ListenerArn": {"Ref": next(name for name in template.all(LISTENER) if f"{listener}Listener" in name)},
        "Priority": 50_000 if assembly.environment == "preview" and listener == "Production" else 1,
    }


def test_target_groups_check_readiness_of_tasks_by_address(assembly: Assembly) -> None:
    for group in assembly["Ingress"].properties(TARGET_GROUP):
        assert (group["TargetType"], group["HealthCheckPath"], group["Port"]) == ("ip", "/readyz", 8000)
        assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]
        assert int(str(_attributes(group)["deregistration_delay.timeout_seconds"])) <= 30
        assert "Name" not in group, "a named target group cannot be replaced"


def test_only_our_own_network_is_let_into_the_test_listener(prod: Assembly) -> None:
    balancer = prod["Ingress"].one("AWS::EC2::SecurityGroup", containing="PublicSecurityGroup")
    (everybody,) = balancer["SecurityGroupIngress"]
    assert (everybody["CidrIp"], everybody["FromPort"]) == ("0.0.0.0/0", 80)
    assert prod["Ingress"].one(LISTENER, containing="TestListener")["Port"] == 8080
    (rule,) = prod["Ingress"].properties("AWS::EC2::SecurityGroupIngress", containing="PublicSecurityGroup")
    assert (rule["FromPort"], rule["ToPort"]) == (8080, 8080)
    assert "NatAddresses" in rule["SourcePrefixListId"]["Fn::GetStackOutput"]["OutputName"]
    entries = prod["Network"].one("AWS::EC2::PrefixList")["Entries"]
    assert len(entries) == 3, "one in each zone"
    for entry in entries:
        address, mask = entry["Cidr"]["Fn::Join"][1]
        assert mask == "/32"
        assert re.search(r"PublicSubnet\dEIP", address["Ref"])


def test_with_a_certificate_http_is_redirected_and_old_tls_refused() -> None:
    stack = Stack(App(), "Stack", env={"account": "000000000000", "region": "us-east-1"})  # type: ignore[arg-type]
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        availability_zones=["us-east-1a", "us-east-1b"],
        subnet_configuration=[ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)],
    )
    public = PublicLoadBalancer(
        stack,
        "Public",
        vpc=vpc,
        certificate_arn=CERTIFICATE,
        access_logs=LogBucket(stack, "Logs", retention_days=1, keep=True),
        deletion_protection=False,
        waf=True,
    )
    public.add_production_listener()
    public.add_test_listener()
    listeners = {
        listener["Properties"]["Port"]: listener["Properties"]
        for listener in Synthesized.from_stack(stack).find_resources(LISTENER).values()
    }
    assert sorted(listeners) == [80, 443, 8443]
    (redirect,) = listeners[80]["DefaultActions"]
    assert redirect["RedirectConfig"] == {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    for port in (443, 8443):
        assert listeners[port]["Protocol"] == "HTTPS"
        assert listeners[port]["Certificates"] == [{"CertificateArn": CERTIFICATE}]
        # "1-2": the oldest version that the policy takes is TLS 1.2.
        assert listeners[port]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-")
