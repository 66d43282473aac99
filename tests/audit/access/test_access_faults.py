"""Our own templates have no finding; each fault that is planted in them is found, at its construct."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.access.report import AccessReport, access_report
from audit.access.settings import Settings, SettingsError, load_settings
from preflight.assembly import Assembly
from preflight.loading import load
from tests.audit.estates import Resources, logical_id, planted, rewritten

ENVIRONMENTS = ("dev", "staging", "prod", "preview", "tooling")
Folder = Callable[[str], Path]


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings()


def found(report: AccessReport) -> set[tuple[str, str]]:
    return {(one.check, one.path) for one in report.findings}


def test_nothing_is_found_in_our_templates(folder: Folder, settings: Settings) -> None:
    report = access_report([load(folder(one)) for one in ENVIRONMENTS], settings)
    assert report.bootstrap, "the CDK CLI's bootstrap template was not found: make setup"
    assert [f"{one.check} {one.path}: {one.text}" for one in report.findings] == []
    starts = {way.start.split("/", 1)[1].removesuffix("/Role") for way in report.ways}
    assert {one for one in starts if not one.startswith("Previews/")} == {
        "Delivery/Pipeline",
        "Delivery/Update",
        "Delivery/DeployStaging",
        "Delivery/DeployProduction",
    }
    assert all(one.reason for principal in report.principals for one in principal.wildcards)


ACCOUNTS = {"tooling": "111111111111", "preview": "222222222222", "prod": "333333333333", "staging": "444444444444"}


def test_with_accounts_of_their_own_staging_reaches_nothing_of_production(folder: Folder, settings: Settings) -> None:
    """In the configuration files all accounts are the local cloud's; here each environment has its own."""
    report = access_report([_apart(folder(one), one) for one in ACCOUNTS], settings)
    assert {way.start for way in report.ways} == {
        "SpendSmart-Tooling-Pipeline/Delivery/Pipeline/Role",
        "SpendSmart-Tooling-Pipeline/Delivery/Update/Role",
        "SpendSmart-Tooling-Pipeline/Delivery/DeployProduction/Role",
    }
    assert found(report) == set()


def _apart(folder: Path, environment: str) -> Assembly:
    def change(_: str, template: dict[str, Any]) -> dict[str, Any]:
        stages = {
            "Production": "prod",
            "Plan": "prod",
            "AlarmWatch": "prod",
            "Staging": "staging",
            "Previews": "preview",
        }
        resources = {
            key: json.loads(
                json.dumps(one).replace(
                    "000000000000-us-",
                    f"{ACCOUNTS[next((stage for part, stage in stages.items() if part in key), environment)]}-us-",
                )
            )
            for key, one in template["Resources"].items()
        }
        for key, one in resources.items():
            stage = next((stage for part, stage in stages.items() if part in key), environment)
            text = json.dumps(one).replace("iam::000000000000:role/cdk-", f"iam::{ACCOUNTS[stage]}:role/cdk-")
            resources[key] = json.loads(text.replace("000000000000", ACCOUNTS[environment]))
        return {**template, "Resources": resources}

    made = rewritten(folder, change)
    for stack in made.stacks:
        stack.account = ACCOUNTS[environment]
    return made


def test_everything_can_be_told_as_json(folder: Folder, settings: Settings) -> None:
    report = access_report([load(folder("prod"))], settings)
    told = json.dumps(report.to_json(), default=lambda one: one.value)
    assert told == json.dumps(access_report([load(folder("prod"))], settings).to_json(), default=lambda one: one.value)
    assert json.loads(told)["ok"] is True


def test_who_reads_the_receipts(folder: Folder, settings: Settings) -> None:
    report = access_report([load(folder("prod"))], settings)
    readers = {
        one.path.removeprefix("SpendSmart-Prod-")
        for one, hold in report.holders("SpendSmart-Prod-Storage/Receipts/Bucket")
        if hold.reach.value == "read"
    }
    assert {"Service/WebTask/Role", "Service/WorkerTask/Role", "Backup/BackupRole"} <= readers
    assert not readers & {"Service/BeatTask/Role", "Monitoring/BreakGlass/Role", "Service/WebTask/ExecutionRole"}


def _statement(action: str | list[str], on: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def _add_to_role(part: str, statement: dict[str, Any]) -> Callable[[Resources], None]:
    def edit(resources: Resources) -> None:
        policy = {"PolicyName": "planted", "PolicyDocument": {"Statement": [statement]}}
        resources[logical_id(resources, "AWS::IAM::Role", part)]["Properties"]["Policies"] = [policy]

    return edit


def test_pass_role_on_everything(folder: Folder, settings: Settings) -> None:
    edit = _add_to_role("MigrationHookCallRole", _statement("iam:PassRole", "*"))
    report = access_report([planted(folder("prod"), "Service", edit)], settings)
    path = "SpendSmart-Prod-Service/MigrationHook/Call/Role"
    assert ("ACCESS-PASSROLE", path) in found(report)


def test_pass_role_is_found_in_a_pattern_of_actions(folder: Folder, settings: Settings) -> None:
    edit = _add_to_role("MigrationHookCallRole", _statement("iam:Pass*", "*"))
    report = access_report([planted(folder("prod"), "Service", edit)], settings)
    assert "ACCESS-PASSROLE" in {one.check for one in report.findings}


def _production_trusts_preview(resources: Resources) -> None:
    role = resources[logical_id(resources, "AWS::IAM::Role", "WebTaskRole")]["Properties"]
    role["AssumeRolePolicyDocument"]["Statement"].append(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        }
    )


def test_a_preview_role_that_may_assume_a_production_role(folder: Folder, settings: Settings) -> None:
    prod = planted(folder("prod"), "Service", _production_trusts_preview)
    target = "arn:aws:iam::000000000000:role/SpendSmart-Prod-Service-WebTaskRole*"
    edit = _add_to_role("WorkerTaskRole", _statement("sts:AssumeRole", target))
    report = access_report([prod, planted(folder("preview"), "Service", edit)], settings)
    (way,) = report.ways
    assert way.text == (
        "SpendSmart-Preview-Service/WorkerTask/Role → (sts:AssumeRole) SpendSmart-Prod-Service/WebTask/Role"
    )
    assert ("ACCESS-PATH", "SpendSmart-Preview-Service/WorkerTask/Role") in found(report)


def test_a_trust_alone_or_a_right_alone_is_no_way(folder: Folder, settings: Settings) -> None:
    prod = planted(folder("prod"), "Service", _production_trusts_preview)
    assert access_report([prod, load(folder("preview"))], settings).ways == ()
    edit = _add_to_role("WorkerTaskRole", _statement("sts:AssumeRole", "*"))
    report = access_report([load(folder("prod")), planted(folder("preview"), "Service", edit)], settings)
    # The bootstrap roles trust their account, so that a right to assume any role is a way even so.
    assert {step.target.split("/")[0] for way in report.ways for step in way.steps[:1]} == {
        "CDKToolkit-000000000000-us-east-1"
    }


@pytest.mark.parametrize("bounded", [True, False])
def test_a_build_of_pull_requests_that_may_pass_a_deploying_role(
    folder: Folder, settings: Settings, bounded: bool
) -> None:
    """The boundary of its role stops it: no policy adds a right to pass roles of other names."""
    passed = "arn:aws:iam::000000000000:role/cdk-hnb659fds-cfn-exec-role-*"
    rights = [_statement("iam:PassRole", passed), _statement("cloudformation:CreateStack", "*")]

    def edit(resources: Resources) -> None:
        role = resources[logical_id(resources, "AWS::IAM::Role", "PullRequestsChecksRole")]["Properties"]
        role["Policies"] = [{"PolicyName": "planted", "PolicyDocument": {"Statement": rights}}]
        if not bounded:
            del role["PermissionsBoundary"]

    report = access_report([load(folder("prod")), planted(folder("tooling"), "Pipeline", edit)], settings)
    path = "SpendSmart-Tooling-Pipeline/PullRequests/Checks/Role"
    ways = [one for one in report.ways if one.start == path]
    if bounded:
        assert ways == []
        return
    (way,) = ways
    assert way.steps[0].how == "iam:PassRole with cloudformation:CreateStack"
    assert ("ACCESS-PATH", path) in found(report)


def test_a_build_that_reads_production_directly(folder: Folder, settings: Settings) -> None:
    rights = [_statement(["s3:Get*", "kms:Decrypt"], "*")]

    def edit(resources: Resources) -> None:
        role = resources[logical_id(resources, "AWS::IAM::Role", "PullRequestsScanRole")]["Properties"]
        role["Policies"] = [{"PolicyName": "planted", "PolicyDocument": {"Statement": rights}}]

    report = access_report([load(folder("prod")), planted(folder("tooling"), "Pipeline", edit)], settings)
    way = next(one for one in report.ways if "PullRequests/Scan" in one.start)
    assert way.steps == ()
    assert "SpendSmart-Prod-Storage/Receipts/Bucket" in {hold.store for hold in way.holds}
    assert ("ACCESS-WILDCARD", "SpendSmart-Tooling-Pipeline/PullRequests/Scan/Role") in found(report)


def test_a_bucket_that_everybody_may_read(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        policy = resources[logical_id(resources, "AWS::S3::BucketPolicy", "Receipts")]["Properties"]["PolicyDocument"]
        bucket = logical_id(resources, "AWS::S3::Bucket", "ReceiptsBucket")
        objects = {"Fn::Sub": f"arn:aws:s3:::${{{bucket}}}/*"}
        policy["Statement"].append(_statement("s3:GetObject", objects, Principal={"AWS": "*"}))

    prod = planted(folder("prod"), "Storage", edit)
    report = access_report([prod, load(folder("preview"))], settings)
    assert ("ACCESS-PUBLIC", "SpendSmart-Prod-Storage/Receipts/Bucket") in found(report)


def test_a_key_that_another_account_may_use(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        policy = resources[logical_id(resources, "AWS::KMS::Key")]["Properties"]["KeyPolicy"]
        policy["Statement"].append(_statement("kms:Decrypt", "*", Principal={"AWS": "arn:aws:iam::999999999999:root"}))

    report = access_report([planted(folder("prod"), "Data", edit)], settings)
    assert ("ACCESS-FOREIGN", "SpendSmart-Prod-Data/Key") in found(report)


def test_a_policy_that_nobody_has_read(folder: Folder, settings: Settings) -> None:
    def edit(resources: Resources) -> None:
        role = resources[logical_id(resources, "AWS::IAM::Role", "BeatTaskRole")]["Properties"]
        role["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/NobodyKnowsWhat"]

    report = access_report([planted(folder("prod"), "Service", edit)], settings)
    assert ("ACCESS-UNKNOWN", "SpendSmart-Prod-Service/BeatTask/Role") in found(report)


def test_an_acceptance_ends_with_its_account(folder: Folder, settings: Settings) -> None:
    elsewhere = settings.model_copy(
        update={
            "accepted_path": tuple(
                one.model_copy(update={"only_in_account": "999999999999"} if one.only_in_account else {})
                for one in settings.accepted_path
            )
        }
    )
    report = access_report([load(folder("prod")), load(folder("tooling"))], elsewhere)
    assert {path for check, path in found(report) if check == "ACCESS-PATH" and "/Previews/" not in path} == {
        "SpendSmart-Tooling-Pipeline/Delivery/DeployStaging/Role"
    }


def test_settings_with_a_fault_name_file_and_place(tmp_path: Path) -> None:
    file = tmp_path / "access.toml"
    file.write_text('production = ["prod"]\n[[accepted_path]]\nprincipals = "*"\nreason = "so"\n')
    with pytest.raises(SettingsError, match=r"access\.toml: accepted_path\.0\.reason"):
        load_settings(file)
