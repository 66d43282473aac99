"""Connections, certificates, zones of DNS, databases, caches, backups, trails: what the stacks count on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.preflight.account.cloud import HOME, NUMBER, WEST, Cloud, assembly, fails, passes, said, stack, unchecked

CONNECTION = f"arn:aws:codeconnections:{WEST}:{NUMBER}:connection/01234567-89ab-cdef-0123-456789abcdef"
PIPELINE = f"""
P:
  Type: AWS::CodePipeline::Pipeline
  Properties: {{Stages: [{{Actions: [{{Configuration: {{ConnectionArn: '{CONNECTION}'}}}}]}}]}}
"""


@pytest.mark.parametrize(("state", "status"), [("AVAILABLE", "pass"), ("PENDING", "fail"), ("ERROR", "fail")])
@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_connection(service: str, state: str, status: str) -> None:
    arn = CONNECTION.replace("codeconnections", service)
    found = {"Connection": {"ConnectionArn": arn, "ConnectionStatus": state}}
    cloud = Cloud().says(service, "GetConnection", found, region=WEST, given={"ConnectionArn": arn})
    asked = assembly(stack(PIPELINE.replace("codeconnections", service)))
    assert said(cloud.ask("connections", asked)) == [(status, arn)]


def test_a_connection_that_is_not_there() -> None:
    cloud = Cloud().refuses("codeconnections", "GetConnection", "ResourceNotFoundException", region=WEST)
    fails(cloud.ask("connections", assembly(stack(PIPELINE))))


def test_a_connection_that_the_stack_makes() -> None:
    made = assembly(stack("C: {Type: AWS::CodeConnections::Connection}"))
    assert "handshake" in fails(Cloud().lacks().ask("connections", made)).detail
    found = {"Connection": {"ConnectionStatus": "AVAILABLE"}}
    cloud = Cloud().has(C=CONNECTION).says("codeconnections", "GetConnection", found, region=WEST)
    passes(cloud.ask("connections", made))


CERTIFICATE = f"arn:aws:acm:{HOME}:{NUMBER}:certificate/01234567-89ab-cdef-0123-456789abcdef"
CDN = f"""
D:
  Type: AWS::CloudFront::Distribution
  Properties:
    DistributionConfig:
      Aliases: [cdn.example.com]
      ViewerCertificate: {{AcmCertificateArn: '{CERTIFICATE}'}}
"""


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


@pytest.mark.parametrize(
    ("described", "status", "word"),
    [
        ({"Status": "ISSUED", "DomainName": "cdn.example.com"}, "pass", "ISSUED"),
        ({"Status": "ISSUED", "DomainName": "*.example.com"}, "pass", "ISSUED"),
        ({"Status": "ISSUED", "DomainName": "x.org", "SubjectAlternativeNames": ["cdn.example.com"]}, "pass", "x.org"),
        ({"Status": "ISSUED", "DomainName": "example.com"}, "fail", "not for cdn.example.com"),
        ({"Status": "ISSUED", "DomainName": "*.com"}, "fail", "not for cdn.example.com"),
        ({"Status": "PENDING_VALIDATION", "DomainName": "cdn.example.com"}, "fail", "PENDING_VALIDATION"),
        ({"Status": "EXPIRED", "DomainName": "cdn.example.com"}, "fail", "EXPIRED"),
        ({"Status": "ISSUED", "DomainName": "cdn.example.com", "NotAfter": in_days(29)}, "fail", "ends on"),
        ({"Status": "ISSUED", "DomainName": "cdn.example.com", "NotAfter": in_days(31)}, "pass", "ISSUED"),
        (
            {
                "Status": "ISSUED",
                "DomainName": "cdn.example.com",
                "NotAfter": in_days(29),
                "RenewalEligibility": "ELIGIBLE",
            },
            "pass",
            "ISSUED",
        ),
    ],
)
def test_certificate(described: dict[str, Any], status: str, word: str) -> None:
    cloud = Cloud().says(
        "acm", "DescribeCertificate", {"Certificate": described}, given={"CertificateArn": CERTIFICATE}
    )
    (answer,) = cloud.ask("certificates", assembly(stack(CDN)))
    assert (str(answer.status), answer.subject) == (status, CERTIFICATE)
    assert word in answer.detail


def test_a_certificate_that_is_not_there() -> None:
    fails(
        Cloud()
        .refuses("acm", "DescribeCertificate", "ResourceNotFoundException")
        .ask("certificates", assembly(stack(CDN)))
    )


VALIDATED = """
C:
  Type: AWS::CertificateManager::Certificate
  Properties: {DomainValidationOptions: [{DomainName: '*.app.example.com', HostedZoneId: Z1}]}
"""


@pytest.mark.parametrize(
    ("apex", "private", "status"),
    [
        ("example.com.", False, "pass"),
        ("app.example.com.", False, "pass"),
        ("ample.com.", False, "fail"),
        ("example.com.", True, "fail"),
    ],
)
def test_hosted_zone(apex: str, private: bool, status: str) -> None:
    zone = {"Id": "Z1", "Name": apex, "CallerReference": "r", "Config": {"PrivateZone": private}}
    cloud = Cloud().says("route53", "GetHostedZone", {"HostedZone": zone}, given={"Id": "Z1"})
    assert said(cloud.ask("hosted-zones", assembly(stack(VALIDATED)))) == [(status, "Z1")]


def test_a_hosted_zone_that_is_not_there() -> None:
    fails(
        Cloud().refuses("route53", "GetHostedZone", "NoSuchHostedZone").ask("hosted-zones", assembly(stack(VALIDATED)))
    )


BACKUP = """
Selection:
  Type: AWS::Backup::BackupSelection
  Properties: {BackupSelection: {ListOfTags: [{ConditionKey: Plan, ConditionValue: daily}] %s}}
Db: {Type: AWS::RDS::DBInstance, Properties: {Tags: [{Key: Plan, Value: daily}]}}
Bucket: {Type: AWS::S3::Bucket, Properties: {Tags: [{Key: Plan, Value: never}]}}
"""


@pytest.mark.parametrize(
    ("opted", "status"), [({"RDS": True, "S3": False}, "pass"), ({"RDS": False}, "fail"), ({}, "unchecked")]
)
def test_backup_opt_in(opted: dict[str, bool], status: str) -> None:
    cloud = Cloud().says("backup", "DescribeRegionSettings", {"ResourceTypeOptInPreference": opted})
    assert said(cloud.ask("backup-opt-in", assembly(stack(BACKUP % "")))) == [(status, f"{HOME} RDS")]


def test_resources_that_a_plan_names_need_no_opt_in() -> None:
    named = BACKUP % ", Resources: ['arn:aws:rds:*:*:db:*']"
    assert Cloud().ask("backup-opt-in", assembly(stack(named))) == []


PLAN = f"""
Plan:
  Type: AWS::Backup::BackupPlan
  Properties:
    BackupPlan:
      BackupPlanRule:
        - CopyActions: [{{DestinationBackupVaultArn: 'arn:aws:backup:{WEST}:%s:backup-vault:copies'}}]
"""


@pytest.mark.parametrize(("name", "status"), [("copies", "pass"), ("other", "fail")])
def test_vault_of_the_copies(name: str, status: str) -> None:
    cloud = Cloud().says("backup", "ListBackupVaults", {"BackupVaultList": [], "NextToken": "t"}, region=WEST)
    cloud.says("backup", "ListBackupVaults", {"BackupVaultList": [{"BackupVaultName": name}]}, region=WEST)
    assert said(cloud.ask("backup-vaults", assembly(stack(PLAN % NUMBER)))) == [(status, f"{WEST} copies")]


def test_a_vault_in_another_account() -> None:
    unchecked(Cloud().ask("backup-vaults", assembly(stack(PLAN % "999999999999"))))


MONITOR = "M: {Type: AWS::CE::AnomalyMonitor, Properties: {MonitorType: %s}}"


@pytest.mark.parametrize(("kind", "status"), [("CUSTOM", "pass"), ("DIMENSIONAL", "fail")])
def test_anomaly_monitor_on_two_pages(kind: str, status: str) -> None:
    other = {"MonitorName": "m", "MonitorType": "CUSTOM", "MonitorArn": "arn:1"}
    cloud = Cloud().says("ce", "GetAnomalyMonitors", {"AnomalyMonitors": [other], "NextPageToken": "t"})
    cloud.says("ce", "GetAnomalyMonitors", {"AnomalyMonitors": [{**other, "MonitorType": kind}]})
    if kind == "DIMENSIONAL":
        cloud.lacks()
    assert said(cloud.ask("anomaly-monitors", assembly(stack(MONITOR % "DIMENSIONAL")))) == [(status, "App/M")]


def test_the_stack_s_own_monitor_and_a_custom_one() -> None:
    own = {"MonitorName": "m", "MonitorType": "DIMENSIONAL", "MonitorArn": "arn:own"}
    cloud = Cloud().says("ce", "GetAnomalyMonitors", {"AnomalyMonitors": [own]}).has(M="arn:own")
    passes(cloud.ask("anomaly-monitors", assembly(stack(MONITOR % "DIMENSIONAL"))))
    assert Cloud().ask("anomaly-monitors", assembly(stack(MONITOR % "CUSTOM"))) == []


RULE = "R: {Type: AWS::Events::Rule, Properties: {EventPattern: {detail-type: [AWS API Call via CloudTrail]}}}"


@pytest.mark.parametrize(("logs", "status"), [(True, "pass"), (False, "fail")])
def test_trail(logs: bool, status: str) -> None:
    cloud = Cloud().says("cloudtrail", "DescribeTrails", {"trailList": [{"Name": "t"}]})
    cloud.says("cloudtrail", "GetTrailStatus", {"IsLogging": logs}, given={"Name": "t"})
    assert said(cloud.ask("trail", assembly(stack(RULE)))) == [(status, HOME)]


def test_a_trail_of_the_organization() -> None:
    cloud = Cloud().says("cloudtrail", "DescribeTrails", {"trailList": [{"Name": "t"}]})
    unchecked(
        cloud.refuses("cloudtrail", "GetTrailStatus", "AccessDeniedException").ask("trail", assembly(stack(RULE)))
    )


def test_a_trail_that_the_stacks_make() -> None:
    passes(Cloud().ask("trail", assembly(stack(RULE + "\nT: {Type: AWS::CloudTrail::Trail}"))))


SERVICE = """
S:
  Type: AWS::ECS::Service
  Properties: {DeploymentConfiguration: {Alarms: {Enable: true, AlarmNames: [web-5xx]}}}
"""


@pytest.mark.parametrize(
    ("state", "status"), [("OK", "pass"), ("INSUFFICIENT_DATA", "pass"), ("ALARM", "fail"), (None, "fail")]
)
def test_alarm_of_a_rollout(state: str | None, status: str) -> None:
    found = [{"AlarmName": "web-5xx", "StateValue": state}] if state else []
    cloud = Cloud().says("cloudwatch", "DescribeAlarms", {"MetricAlarms": found})
    assert said(cloud.ask("alarms", assembly(stack(SERVICE)))) == [(status, f"{HOME} web-5xx")]


def test_an_alarm_that_the_stacks_make_and_a_composite_one() -> None:
    own = "A: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: web-5xx}}"
    cloud = Cloud().says("cloudwatch", "DescribeAlarms", {"MetricAlarms": []})
    passes(cloud.ask("alarms", assembly(stack(SERVICE + own))))
    composite = {"CompositeAlarms": [{"AlarmName": "web-5xx", "StateValue": "ALARM"}]}
    fails(Cloud().says("cloudwatch", "DescribeAlarms", composite).ask("alarms", assembly(stack(SERVICE + own))))


def test_alarms_that_do_not_guard_a_rollout_may_be_red() -> None:
    assert Cloud().ask("alarms", assembly(stack("A: {Type: AWS::CloudWatch::Alarm}"))) == []
