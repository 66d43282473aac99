"""Least privilege, encryption and timeouts in the tooling account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.synthesized import Template
from tests.pipelines.conftest import synthesize

PROJECT = "AWS::CodeBuild::Project"
BUILDSPECS = Path(__file__).resolve().parents[2] / "pipelines" / "buildspecs"


TRUSTED = {"PreviewsPushAdmit", "PreviewsPushDeploy", "PreviewsTend"}
"""Builds that may speak on pull requests or deploy previews."""


def statements(template: Template, project: str) -> list[dict[str, Any]]:
    """What the role of the project whose logical id begins so may do."""
    (found,) = [each for name, each in template.all(PROJECT).items() if name.startswith(f"{project}Project")]
    role = {"Ref": found["Properties"]["ServiceRole"]["Fn::GetAtt"][0]}
    policies = [each for each in template.properties("AWS::IAM::ManagedPolicy") if role in each.get("Roles", [])]
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def actions(template: Template, project: str) -> set[str]:
    return {
        action
        for statement in statements(template, project)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def roles_assumed(template: Template, project: str) -> list[str]:
    found = [each["Resource"] for each in statements(template, project) if each["Action"] == "sts:AssumeRole"]
    return sorted(arn for each in found for arn in ([each] if isinstance(each, str) else each))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """With an account of its own for each stage."""
    from infra.config import load_environment

    accounts = {"staging": "111111111111", "prod": "222222222222"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "pipelines.config.load_environment",
            lambda name: load_environment(name).model_copy(update={"account": accounts.get(name, "333333333333")}),
        )
        return synthesize(tmp_path_factory.mktemp("apart"))


def test_pull_requests_read_their_source_and_write_logs_alone(template: Template) -> None:
    for project in ("PullRequestsChecks", "PullRequestsScan"):
        assert actions(template, project) == {
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "kms:Decrypt",
        }


def test_each_stage_is_deployed_by_its_own_bootstrap_roles(apart: Template) -> None:
    for project, account in (("DeliveryDeployStaging", "111111111111"), ("DeliveryDeployProduction", "222222222222")):
        assumed = roles_assumed(apart, project)
        assert assumed
        for arn in assumed:
            assert arn.startswith(f"arn:aws:iam::{account}:role/cdk-hnb659fds-")
            assert "-deploy-role-" in arn or "-file-publishing-role-" in arn


def test_who_looks_only_reads(apart: Template) -> None:
    for project in (
        "DeliveryPlan",
        "DeliveryVerifyStaging",
        "DeliveryVerifyProduction",
        "DriftDetectStaging",
        "DriftDetectProduction",
    ):
        assert roles_assumed(apart, project)
        assert all("-lookup-role-" in arn for arn in roles_assumed(apart, project))


def test_the_update_reaches_the_tooling_account_alone(apart: Template) -> None:
    assert roles_assumed(apart, "DeliveryUpdate")
    assert all(":000000000000:" in arn for arn in roles_assumed(apart, "DeliveryUpdate"))


@pytest.mark.parametrize("project", ["DeliveryChecks", "DeliveryScan", "DeliveryImage", "DeliveryAssemble"])
def test_what_builds_deploys_nothing(template: Template, project: str) -> None:
    assert "sts:AssumeRole" not in actions(template, project)


def test_stages_pull_images_and_change_none(apart: Template) -> None:
    (statement,) = apart.one("AWS::ECR::Repository", containing="Releases")["RepositoryPolicyText"]["Statement"]
    assert statement["Principal"]["AWS"] == [f"arn:aws:iam::{digit * 12}:root" for digit in "12"]
    assert not [action for action in statement["Action"] if "Put" in action or "Upload" in action]


def test_no_build_may_do_anything_to_everything(template: Template) -> None:
    for name in template.all(PROJECT):
        for statement in statements(template, name.partition("Project")[0]):
            asked = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in asked if action.endswith("*")]
            if statement["Resource"] == "*":
                assert asked == ["ecr:GetAuthorizationToken"]


def test_both_prefixes_of_the_connection_are_allowed(template: Template) -> None:
    arn = "arn:aws:codeconnections:us-east-1:000000000000:connection/00000000-0000-0000-0000-000000000000"
    for policy in template.properties("AWS::IAM::ManagedPolicy", containing="PipelineRole"):
        granted = [
            each for each in policy["PolicyDocument"]["Statement"] if "codeconnections:UseConnection" in each["Action"]
        ]
        assert [each["Resource"] for each in granted] == [arn]
        assert "codestar-connections:UseConnection" in granted[0]["Action"]


def test_no_connection_and_no_credentials_are_made(template: Template) -> None:
    types = {resource["Type"] for resource in template.body["Resources"].values()}
    assert not [each for each in types if "Connection" in each or each in ("AWS::IAM::User", "AWS::IAM::AccessKey")]
    projects = {name: json.dumps(each["Properties"]["Environment"]) for name, each in template.all(PROJECT).items()}
    secret = {name.partition("Project")[0] for name, each in projects.items() if "SECRETS_MANAGER" in each}
    assert secret == TRUSTED
    assert not [name for name, each in projects.items() if "AWS_ACCESS_KEY" in each]


def test_a_branchs_own_code_may_push_an_image_and_nothing_else(template: Template) -> None:
    assert {action for action in actions(template, "PreviewsPushAssemble") if not action.startswith("logs:")} == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "ecr:CompleteLayerUpload",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
        "ecr:DescribeImages",
    }
    pushed = [
        each["Resource"] for each in statements(template, "PreviewsPushAssemble") if "ecr:PutImage" in each["Action"]
    ]
    assert "Branches" in json.dumps(pushed)
    assert "Releases" not in json.dumps(pushed)


def test_what_has_rights_over_previews_runs_reviewed_code(template: Template) -> None:
    found = {
        project["Ref"].partition("Project")[0]: each
        for pipeline in template.properties("AWS::CodePipeline::Pipeline")
        for stage in pipeline["Stages"]
        for each in stage["Actions"]
        if isinstance(project := each["Configuration"].get("ProjectName"), dict)
    }
    for name in TRUSTED:
        assert found[name]["InputArtifacts"][0] == {"Name": "Reviewed"}
        # With one input CodeBuild has no other to take the buildspec from.
        assert found[name]["Configuration"].get("PrimarySource", "Reviewed") == "Reviewed"
    assert found["PreviewsPushAssemble"]["InputArtifacts"] == [{"Name": "Source"}]
    assert all("-lookup-role-" in arn for arn in roles_assumed(template, "PreviewsPushAdmit"))


def test_every_build_ends_and_queues_for_a_limited_time(template: Template) -> None:
    limits = {
        project["Source"]["BuildSpec"].rpartition("/")[2]: project["TimeoutInMinutes"]
        for project in template.properties(PROJECT)
    }
    assert limits == {
        "update.yml": 30,
        "checks.yml": 60,
        "scan.yml": 20,
        "image.yml": 45,
        "inspect-image.yml": 30,
        "assemble.yml": 20,
        "deploy.yml": 180,
        "verify.yml": 20,
        "plan.yml": 20,
        "drift.yml": 45,
        "preview-admit.yml": 20,
        "preview-assemble.yml": 45,
        "preview-deploy.yml": 45,
        "preview-tend.yml": 20,
    }
    assert {project["QueuedTimeoutInMinutes"] for project in template.properties(PROJECT)} == {60}


def test_every_buildspec_is_a_file_and_every_file_is_used(template: Template) -> None:
    used = {project["Source"]["BuildSpec"] for project in template.properties(PROJECT)}
    assert used == {f"pipelines/buildspecs/{path.name}" for path in BUILDSPECS.glob("*.yml")}


def test_what_makes_containers_is_privileged_and_nothing_else(template: Template) -> None:
    privileged = {
        name.partition("Project")[0]: each["Properties"]["Environment"]
        for name, each in template.all(PROJECT).items()
        if each["Properties"]["Environment"]["PrivilegedMode"]
    }
    assert privileged.keys() == {
        "DeliveryImage",
        "DeliveryChecks",
        "PreviewsPushAssemble",
        "PullRequestsChecks",
    }
    assert privileged["DeliveryImage"]["Type"] == "ARM_CONTAINER"
    assert "aarch64" in privileged["DeliveryImage"]["Image"]


def test_everything_is_encrypted_with_the_one_key(template: Template) -> None:
    (key,) = template.all("AWS::KMS::Key")
    arn = {"Fn::GetAtt": [key, "Arn"]}
    assert template.one("AWS::KMS::Key")["EnableKeyRotation"] is True
    for project in template.properties(PROJECT):
        assert project["EncryptionKey"] == arn
    for pipeline in template.properties("AWS::CodePipeline::Pipeline"):
        assert pipeline["ArtifactStore"]["EncryptionKey"] == {"Id": arn, "Type": "KMS"}
    for group in template.properties("AWS::Logs::LogGroup"):
        assert group["KmsKeyId"] == arn
        assert group["RetentionInDays"] == 365
    for repository in template.properties("AWS::ECR::Repository"):
        assert repository["EncryptionConfiguration"] == {"EncryptionType": "KMS", "KmsKey": arn}
    assert template.one("AWS::SNS::Topic")["KmsMasterKeyId"] == arn


def test_no_other_account_may_use_the_key(apart: Template) -> None:
    policy = json.dumps(apart.one("AWS::KMS::Key")["KeyPolicy"])
    assert "111111111111" not in policy
    assert "222222222222" not in policy


def test_buckets_take_tls_alone_keep_versions_and_forget(template: Template) -> None:
    for name in ("Artifacts", "Evidence"):
        bucket = template.one("AWS::S3::Bucket", containing=name)
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] > 0
        assert all(bucket["PublicAccessBlockConfiguration"].values())
    denials = [statement for statement in _bucket_statements(template) if statement["Effect"] == "Deny"]
    insecure = [each for each in denials if each["Condition"].get("Bool") == {"aws:SecureTransport": "false"}]
    assert len(insecure) == len(template.all("AWS::S3::Bucket")) == 3


def _bucket_statements(template: Template) -> Iterator[dict[str, Any]]:
    for policy in template.properties("AWS::S3::BucketPolicy"):
        yield from policy["PolicyDocument"]["Statement"]


def test_a_release_is_never_overwritten(template: Template) -> None:
    releases = template.one("AWS::ECR::Repository", containing="Releases")
    assert releases["ImageTagMutability"] == "IMMUTABLE"
    assert releases["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_those_who_shall_hear_are_subscribed(configured: Callable[..., Path], tmp_path: Path) -> None:
    template = synthesize(tmp_path / "out", configuration=configured(notify='["ops@example.com"]'))
    assert template.one("AWS::SNS::Subscription")["Endpoint"] == "ops@example.com"
