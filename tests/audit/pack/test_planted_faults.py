"""Faults planted into production's app: each is found, at its resource, with a reason and a remedy."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as waf

from infra.acknowledgement import Decision, Pack, acknowledge
from stacks.platform import SpendSmartPlatform
from tests.audit.pack.conftest import TODAY, Found, Judged, judge

DECISION = Decision(
    reason="A reason of some substance, which says what protects instead",
    owner="platform",
    reference="docs/audit.md",
    decided=TODAY - timedelta(days=90),
    expires=TODAY - timedelta(days=3),
)


def _stack(app: cdk.App, name: str) -> cdk.Stack:
    stack = app.node.find_child(f"SpendSmart-Prod-{name}")
    assert isinstance(stack, cdk.Stack)
    return stack


def _plant(app: SpendSmartPlatform) -> None:
    storage, data, service = _stack(app, "Storage"), _stack(app, "Data"), _stack(app, "Service")
    opened = s3.CfnBucket.PublicAccessBlockConfigurationProperty(block_public_acls=False, block_public_policy=True)
    s3.CfnBucket(storage, "PlantedBucket", access_control="PublicRead", public_access_block_configuration=opened)
    group = data.node.find_child("Database").node.find_child("SecurityGroup")
    assert isinstance(group, ec2.SecurityGroup)
    group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(5432), "Planted")
    rds.CfnDBInstance(
        data,
        "PlantedReplica",
        source_db_instance_identifier="arn:aws:rds:eu-west-1:000000000000:db:elsewhere",
        storage_encrypted=False,
    )
    statement = iam.PolicyStatement(actions=["iam:PassRole"], resources=["*"])
    iam.ManagedPolicy(service, "PlantedPolicy", statements=[statement])
    task = ecs.FargateTaskDefinition(service, "PlantedTask")
    task.add_container(
        "app", image=ecs.ContainerImage.from_registry("x"), environment={"DATABASE_PASSWORD": "correct-horse"}
    )
    iam.PermissionsBoundary.of(task.task_role).clear()  # all roles of the stack have one
    logs.CfnLogGroup(service, "PlantedLogs")
    cloudwatch.CfnAlarm(
        service, "PlantedAlarm", comparison_operator="GreaterThanThreshold", evaluation_periods=1, alarm_description="?"
    )
    association = _stack(app, "RegionalWaf").node.find_child("Acl")
    assert isinstance(association.node.find_child("Association"), waf.CfnWebACLAssociation)
    association.node.try_remove_child("Association")
    quiet = storage.node.find_child("Receipts").node.find_child("Bucket")
    acknowledge(quiet, "S1", packs=[Pack.AWS_SOLUTIONS], decision=DECISION)  # it has access logs
    acknowledge(task, "ECS2", packs=[Pack.AWS_SOLUTIONS], decision=DECISION)  # expired three days ago


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    folder = tmp_path_factory.mktemp("planted")
    app = SpendSmartPlatform(environment="prod", validate=False, outdir=str(folder))
    _plant(app)
    return judge(app, folder)


FAULTS = [
    ("SpendSmart-BucketPrivate[Acl]", "Storage/PlantedBucket"),
    ("SpendSmart-BucketPrivate[BlockPublicAcls]", "Storage/PlantedBucket"),
    ("SpendSmart-BucketTlsOnly", "Storage/PlantedBucket"),
    ("AwsSolutions-S2", "Storage/PlantedBucket"),
    ("PCI.DSS.321-S3BucketLevelPublicAccessProhibited", "Storage/PlantedBucket"),
    ("SpendSmart-OpenToTheWorld[port 5432]", "Data/Database/SecurityGroup/Resource"),
    ("AwsSolutions-EC23", "Data/Database/SecurityGroup/Resource"),
    ("SpendSmart-ReplicaEncrypted", "Data/PlantedReplica"),
    ("NIST.800.53.R5-RDSStorageEncrypted", "Data/PlantedReplica"),
    ("SpendSmart-PassRoleNamed", "Service/PlantedPolicy/Resource"),
    ("SpendSmart-NoSecretInEnvironment[DATABASE_PASSWORD]", "Service/PlantedTask/Resource"),
    ("SpendSmart-LogGroupRetention", "Service/PlantedLogs"),
    ("HIPAA.Security-CloudWatchLogGroupRetentionPeriod", "Service/PlantedLogs"),
    ("SpendSmart-AlarmHasRunbook", "Service/PlantedAlarm"),
    ("SpendSmart-RoleBounded", "Service/PlantedTask/TaskRole/Resource"),
    ("SpendSmart-WafAssociated", "Ingress/Public/LoadBalancer/Resource"),
    ("AcknowledgementGone", "Storage/Receipts/Bucket/Resource"),
]


@pytest.mark.parametrize(("rule", "place"), FAULTS)
def test_planted_faults_are_found(planted: Judged, rule: str, place: str) -> None:
    found = [one for one in planted.standing() if (one.rule, one.path) == (rule, f"SpendSmart-Prod-{place}")]
    assert len(found) == 1, sorted({one.rule for one in planted.standing() if one.path.endswith(place)})
    assert found[0].description
    assert found[0].fix
    assert not planted.passed


def test_nothing_else_is_found(planted: Judged) -> None:
    """Faults do not spread: what stands is at what was planted, and at what it was planted into."""
    places = {place for _, place in FAULTS} | {"Service/PlantedTask/Resource"}
    others = {
        (one.rule, one.path)
        for one in planted.standing()
        if one.path.removeprefix("SpendSmart-Prod-") not in places and "Planted" not in one.path
    }
    assert not others


def _small(folder: Path, *, today: date) -> Judged:
    """One bucket, whose missing access logs are acknowledged until 28 November 2026."""
    app = cdk.App(outdir=str(folder), builtin_cloud_formation_validation=False)
    bucket = s3.CfnBucket(cdk.Stack(app, "Small"), "Bucket")
    acknowledge(bucket, "S1", packs=[Pack.AWS_SOLUTIONS], decision=DECISION)
    return judge(app, folder, today=today)


def _of_acknowledgements(judged: Judged) -> list[Found]:
    return [one for one in judged.standing() if one.pack == "Acknowledgements"]


@pytest.mark.parametrize(
    ("days", "severity"), [(0, None), (1, "warning"), (14, "warning"), (15, "fatal"), (400, "fatal")]
)
def test_an_expired_acknowledgement_warns_for_two_weeks(tmp_path: Path, days: int, severity: str | None) -> None:
    found = _of_acknowledgements(_small(tmp_path, today=DECISION.expires + timedelta(days=days)))
    assert [one.severity for one in found] == ([severity] if severity else [])
    for one in found:
        assert one.path == "Small/Bucket"
        assert "AwsSolutions-S1" in one.description


def test_only_the_acknowledged_finding_is_taken_out(tmp_path: Path) -> None:
    found = _small(tmp_path, today=DECISION.expires)
    assert [(one.rule, one.path) for one in found.acknowledged()] == [("AwsSolutions-S1", "Small/Bucket")]
    assert "AwsSolutions-S10" in {one.rule for one in found.standing()}


@pytest.mark.parametrize("finding", ["*", "S*", "IAM5[]", "AwsSolutions-S1", "S?"])
def test_patterns_are_no_findings(finding: str) -> None:
    bucket = s3.CfnBucket(cdk.Stack(cdk.App(), "Stack"), "Bucket")
    with pytest.raises(ValueError, match="exact finding"):
        acknowledge(bucket, finding, packs=[Pack.AWS_SOLUTIONS], decision=DECISION)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "not needed"},
        {"owner": ""},
        {"reference": ""},
        {"expires": TODAY + timedelta(days=400)},
        {"expires": TODAY - timedelta(days=91)},
    ],
)
def test_decisions_have_a_reason_an_owner_and_an_end(wrong: dict[str, object]) -> None:
    fields = {name: getattr(DECISION, name) for name in ("reason", "owner", "reference", "decided", "expires")}
    with pytest.raises(ValueError, match=r"reason|owner|days"):
        Decision(**{**fields, **wrong})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"findings": ["AwsSolutions-S*"]}, "wildcard"),
        ({"findings": ["AwsSolutions"]}, "wildcard"),
        ({"reason": "no"}, "fewer than 40"),
        ({"owner": ""}, "lacks owner"),
        ({"expires": "soon"}, "dates"),
    ],
)
def test_what_is_written_by_hand_is_held_to_the_same(tmp_path: Path, change: dict[str, object], says: str) -> None:
    app = cdk.App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    bucket = s3.CfnBucket(cdk.Stack(app, "Small"), "Bucket")
    acknowledge(bucket, "S1", packs=[Pack.AWS_SOLUTIONS], decision=DECISION)
    (written,) = bucket.get_metadata("acknowledgements")
    bucket.add_metadata("acknowledgements", [{**written, **change}])
    (found,) = _of_acknowledgements(judge(app, tmp_path))
    assert found.severity == "fatal"
    assert says in found.description


def test_the_packs_run_in_every_synth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The entry point itself: a fault in its app fails it, and the report says which packs have run."""
    import app as entry

    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    monkeypatch.setenv("CDK_VALIDATION", "false")
    monkeypatch.setenv("CDK_CONTEXT_JSON", '{"env": "preview"}')
    assert entry.main() == 0
    names = {one.pack for one in Judged(folder=tmp_path, passed=True).acknowledged()}
    packs = {"AwsSolutions", "HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321", "SpendSmart"}
    assert names == packs | {"CloudFormation Validate"}
