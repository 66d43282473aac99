"""Names, buckets, secrets, records, exports: free or ours; parameters, secrets and keys: there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from preflight.account.lookups import LOOKUPS
from preflight.account.names import NAMED_ELSEWHERE, WAF
from preflight.names import name_keys
from tests.preflight.account.cloud import HOME, NUMBER, WEST, Cloud, assembly, fails, passes, said, stack
from tests.preflight.account.taken import ALIAS, FOUND, MISSING, NAME

GROUP = "L: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /app/web}}"


@pytest.mark.parametrize(("there", "status"), [("/app/web-2", "pass"), ("/app/web", "fail")])
def test_a_log_group_that_something_else_made(there: str, status: str) -> None:
    cloud = Cloud().lacks()
    cloud.says("logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": "/app/web-1"}], "nextToken": "t"})
    cloud.says("logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": there}]})
    assert [found for found, _ in said(cloud.ask("names", assembly(stack(GROUP))))] == [status]


def test_a_name_that_the_stack_holds() -> None:
    answer = passes(Cloud().has(L="/app/web").ask("names", assembly(stack(GROUP))))
    assert answer.detail == "0 names free, 1 held by these stacks"


def test_a_deployed_resource_that_is_to_be_renamed() -> None:
    cloud = Cloud().has(L="/app/old").says("logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": "/app/web"}]})
    fails(cloud.ask("names", assembly(stack(GROUP))))


def named(kind: str, name: str) -> Any:
    properties: Any = name
    for key in reversed(NAMED_ELSEWHERE.get(kind) or name_keys(kind)):
        properties = {key: properties}
    made = stack("{}")
    made.template["Resources"] = {"R": {"Type": kind, "Properties": properties}}
    return assembly(made)


def wanted(kind: str) -> str:
    return ALIAS if kind == "AWS::KMS::Alias" else NAME


@pytest.mark.parametrize("kind", sorted(LOOKUPS))
def test_a_name_that_is_taken(kind: str) -> None:
    lookup = LOOKUPS[kind]
    cloud = Cloud().lacks().says(lookup.service, lookup.operation, FOUND[kind])
    assert fails(cloud.ask("names", named(kind, wanted(kind)))).subject == f"{HOME} {wanted(kind)}"


@pytest.mark.parametrize("kind", sorted(LOOKUPS))
def test_a_name_that_is_free(kind: str) -> None:
    lookup = LOOKUPS[kind]
    cloud = Cloud().lacks()
    if kind in MISSING:
        cloud.refuses(lookup.service, lookup.operation, MISSING[kind])
    else:
        # The lists hold something else, whose name only begins like ours.
        cloud.says(lookup.service, lookup.operation, FOUND[kind])
    name = wanted(kind) if kind in MISSING else f"{wanted(kind)}-x"
    assert passes(cloud.ask("names", named(kind, name))).detail == "1 names free, 0 held by these stacks"


def test_every_type_with_a_lookup_has_a_name_property() -> None:
    assert all(NAMED_ELSEWHERE.get(kind) or name_keys(kind) for kind in [*LOOKUPS, *WAF])


def test_a_deleted_cluster_leaves_its_name() -> None:
    found = {"clusters": [{"clusterName": NAME, "status": "INACTIVE"}]}
    passes(Cloud().lacks().says("ecs", "DescribeClusters", found).ask("names", named("AWS::ECS::Cluster", NAME)))


@pytest.mark.parametrize(("there", "status"), [("app", "fail"), ("app-2", "pass")])
def test_web_acls_are_looked_for_in_their_scope_on_all_pages(there: str, status: str) -> None:
    acl = "A: {Type: AWS::WAFv2::WebACL, Properties: {Name: app, Scope: CLOUDFRONT}}"
    cloud = Cloud().lacks()
    first = {"WebACLs": [{"Name": "other"}], "NextMarker": "other"}
    cloud.says("wafv2", "ListWebACLs", first, given={"Scope": "CLOUDFRONT", "Limit": 100})
    second = {"Scope": "CLOUDFRONT", "Limit": 100, "NextMarker": "other"}
    cloud.says("wafv2", "ListWebACLs", {"WebACLs": [{"Name": there}]}, given=second)
    assert [found for found, _ in said(cloud.ask("names", assembly(stack(acl))))] == [status]


BUCKET = "B: {Type: AWS::S3::Bucket, Properties: {BucketName: app-receipts}}"


def test_a_bucket_name_that_is_free() -> None:
    cloud = Cloud().lacks().refuses("s3", "HeadBucket", "404", status=404)
    assert said(cloud.ask("buckets", assembly(stack(BUCKET)))) == [("pass", "app-receipts")]


def test_a_bucket_name_that_somebody_has() -> None:
    cloud = Cloud().lacks().refuses("s3", "HeadBucket", "403", status=403)
    assert "another account" in fails(cloud.ask("buckets", assembly(stack(BUCKET)))).detail


def test_a_bucket_that_an_earlier_stack_retained() -> None:
    cloud = Cloud().lacks().says("s3", "HeadBucket", {}, given={"Bucket": "app-receipts"})
    assert "this account" in fails(cloud.ask("buckets", assembly(stack(BUCKET)))).detail


def test_the_stack_s_own_bucket() -> None:
    passes(Cloud().has(B="app-receipts").ask("buckets", assembly(stack(BUCKET))))


SECRET = "S: {Type: AWS::SecretsManager::Secret, Properties: {Name: app/key}}"


@pytest.mark.parametrize(("deleted", "status"), [(False, "pass"), (True, "fail")])
def test_a_secret_that_waits_to_be_deleted(deleted: bool, status: str) -> None:
    found = {"Name": "app/key", **({"DeletedDate": datetime(2026, 1, 2, tzinfo=UTC)} if deleted else {})}
    cloud = Cloud().says("secretsmanager", "DescribeSecret", found, given={"SecretId": "app/key"})
    assert said(cloud.ask("secrets", assembly(stack(SECRET)))) == [(status, f"{HOME} app/key")]


def test_a_secret_that_never_was() -> None:
    cloud = Cloud().refuses("secretsmanager", "DescribeSecret", "ResourceNotFoundException")
    passes(cloud.ask("secrets", assembly(stack(SECRET))))


def distribution(identifier: str, *aliases: str) -> dict[str, Any]:
    """The stubber wants all that a summary must have."""
    return {
        "Id": identifier,
        "ARN": "arn",
        "ETag": "e",
        "Status": "Deployed",
        "LastModifiedTime": 0,
        "DomainName": "d",
        "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "o"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
        "Comment": "",
        "PriceClass": "PriceClass_All",
        "Enabled": True,
        "ViewerCertificate": {},
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "Staging": False,
    }


@pytest.mark.parametrize(("own", "status"), [("E1", "pass"), ("E9", "fail")])
def test_cdn_alias(own: str, status: str) -> None:
    cdn = "D: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {Aliases: [cdn.example.com]}}}"

    def page(found: dict[str, Any], more: str = "") -> dict[str, Any]:
        listed = {"Marker": "", "MaxItems": 1, "IsTruncated": bool(more), "Quantity": 1, "Items": [found]}
        return {"DistributionList": {**listed, **({"NextMarker": more} if more else {})}}

    cloud = Cloud().has(D=own).says("cloudfront", "ListDistributions", page(distribution("E0", "x.org"), "m"))
    cloud.says("cloudfront", "ListDistributions", page(distribution("E1", "cdn.example.com")))
    assert said(cloud.ask("cdn-aliases", assembly(stack(cdn)))) == [(status, "cdn.example.com")]


RECORD = "R: {Type: AWS::Route53::RecordSet, Properties: {HostedZoneId: Z1, Name: App.example.com, Type: A}}"


@pytest.mark.parametrize(("name", "status"), [("app.example.com.", "fail"), ("b.example.com.", "pass")])
def test_dns_record(name: str, status: str) -> None:
    found = {
        "ResourceRecordSets": [{"Name": name, "Type": "A"}],
        "IsTruncated": False,
        "MaxItems": "1",
    }
    cloud = Cloud().lacks().says("route53", "ListResourceRecordSets", found)
    assert said(cloud.ask("dns-records", assembly(stack(RECORD)))) == [(status, "app.example.com. A")]


def test_a_record_that_the_stack_has() -> None:
    assert Cloud().has(R="app.example.com").ask("dns-records", assembly(stack(RECORD))) == []


def exporting(name: str = "App") -> Any:
    made = stack("T: {Type: AWS::SNS::Topic, Properties: {DisplayName: {'Fn::ImportValue': vpc-id}}}", name=name)
    made.template["Outputs"] = {"O": {"Value": "1", "Export": {"Name": "app-url"}}}
    return assembly(made)


def exports(**by: str) -> dict[str, Any]:
    arn = f"arn:aws:cloudformation:{HOME}:{NUMBER}:stack/"
    listed = [{"Name": name.replace("_", "-"), "ExportingStackId": f"{arn}{stack}/1"} for name, stack in by.items()]
    return {"Exports": listed}


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"vpc_id": "Network"}, [("pass", HOME)]),
        ({"vpc_id": "Network", "app_url": "App"}, [("pass", HOME)]),
        ({"vpc_id": "Network", "app_url": "Old"}, [("fail", f"{HOME} app-url"), ("pass", HOME)]),
        ({}, [("fail", f"{HOME} vpc-id"), ("pass", HOME)]),
    ],
)
def test_exports_and_imports(there: dict[str, str], expected: list[tuple[str, str]]) -> None:
    cloud = Cloud().says("cloudformation", "ListExports", {"Exports": [], "NextToken": "t"})
    cloud.says("cloudformation", "ListExports", exports(**there))
    assert said(cloud.ask("exports", exporting())) == expected


READING = """
F:
  Type: AWS::Lambda::Function
  Properties:
    MemorySize: '{{resolve:ssm:/app/memory:3}}'
    Environment: {Variables: {KEY: '{{resolve:secretsmanager:app/key:SecretString:password}}'}}
"""


@pytest.mark.parametrize(("found", "status"), [([{"Name": "/app/memory"}], "pass"), ([], "fail")])
def test_parameter_that_a_template_reads(found: list[dict[str, str]], status: str) -> None:
    cloud = Cloud().says("ssm", "DescribeParameters", {"Parameters": found})
    assert said(cloud.ask("parameters-read", assembly(stack(READING)))) == [(status, f"{HOME} /app/memory")]


def test_public_parameters_are_read_and_the_bootstrap_s_has_its_own_check() -> None:
    made = stack("T: {Type: AWS::SNS::Topic}")
    kind = "AWS::SSM::Parameter::Value<String>"
    image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    made.template["Parameters"] = {
        "Image": {"Type": kind, "Default": image},
        "BootstrapVersion": {"Type": kind, "Default": "/cdk-bootstrap/hnb659fds/version"},
    }
    cloud = Cloud().says("ssm", "GetParameter", {"Parameter": {"Value": "ami-1"}}, given={"Name": image})
    assert said(cloud.ask("parameters-read", assembly(made))) == [("pass", f"{HOME} {image}")]
    fails(Cloud().refuses("ssm", "GetParameter", "ParameterNotFound").ask("parameters-read", assembly(made)))


@pytest.mark.parametrize(
    ("found", "status"),
    [({"Name": "app/key"}, "pass"), ({"DeletedDate": datetime(2026, 1, 2, tzinfo=UTC)}, "fail"), (None, "fail")],
)
def test_secret_that_a_template_reads(found: dict[str, Any] | None, status: str) -> None:
    cloud = Cloud()
    if found is None:
        cloud.refuses("secretsmanager", "DescribeSecret", "ResourceNotFoundException")
    else:
        cloud.says("secretsmanager", "DescribeSecret", found, given={"SecretId": "app/key"})
    assert said(cloud.ask("secrets-read", assembly(stack(READING)))) == [(status, "app/key")]


def test_a_secret_s_arn_is_looked_for_in_its_region_and_a_pattern_is_not() -> None:
    arn = f"arn:aws:secretsmanager:{WEST}:{NUMBER}:secret:app/key-AbCdEf"
    using = f"""
T:
  Type: AWS::ECS::TaskDefinition
  Properties: {{ContainerDefinitions: [{{Secrets: [{{ValueFrom: '{arn}:password::'}}]}}]}}
P: {{Type: AWS::IAM::Policy, Properties: {{Resource: 'arn:aws:secretsmanager:{WEST}:{NUMBER}:secret:other-*'}}}}
"""
    cloud = Cloud().says("secretsmanager", "DescribeSecret", {"Name": "app/key"}, region=WEST, given={"SecretId": arn})
    assert said(cloud.ask("secrets-read", assembly(stack(using)))) == [("pass", arn)]


KEY = f"arn:aws:kms:{WEST}:{NUMBER}:key/01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(("state", "status"), [("Enabled", "pass"), ("PendingDeletion", "fail"), (None, "fail")])
def test_key_in_another_region(state: str | None, status: str) -> None:
    using = f"D: {{Type: AWS::RDS::DBInstance, Properties: {{AutomaticBackupReplicationKmsKeyId: '{KEY}'}}}}"
    cloud = Cloud()
    if state is None:
        cloud.refuses("kms", "DescribeKey", "NotFoundException", region=WEST)
    else:
        cloud.says("kms", "DescribeKey", {"KeyMetadata": {"KeyId": "k", "KeyState": state}}, region=WEST)
    assert said(cloud.ask("keys", assembly(stack(using)))) == [(status, KEY)]
